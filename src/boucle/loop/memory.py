"""What the keeper has to remember between looks, kept in the live state so that a restart forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boucle.core.json import from_data, to_data
from boucle.core.verdict import Verdict
from boucle.ports.stores import Transaction


@dataclass(frozen=True, slots=True)
class Memory:
    """One model's memory. ``windows`` counts closed windows over all champions; ``acted`` holds its value at each
    action's last time, ``released`` its value when ``champion`` took over. ``fits`` are Unix times of retrainings.
    """

    champion: int | None = None
    windows: int = 0
    released: int = 0
    streaks: dict[str, int] = field(default_factory=dict)
    acted: dict[str, int] = field(default_factory=dict)
    fits: tuple[float, ...] = ()
    failed_gates: int = 0
    noted: dict[str, str] = field(default_factory=dict)
    scheduled: float = 0.0

    def under(self, champion: int | None) -> Memory:
        """Start anew with streaks when another version answers; whoever released it has looked at failed gates."""
        if champion == self.champion:
            return self
        return replace(self, champion=champion, released=self.windows, streaks={}, noted={}, failed_gates=0)

    def after(self, verdicts: dict[str, Verdict], windows: int) -> Memory:
        """Take in the verdicts of ``windows`` newly closed windows."""
        streaks = dict(self.streaks)
        for kind, verdict in verdicts.items():
            if verdict.status == "fail":
                streaks[kind] = streaks.get(kind, 0) + max(1, windows)
            elif verdict.status == "pass":
                streaks[kind] = 0
        return replace(self, streaks=streaks, windows=self.windows + windows)

    def doing(self, action: str, now: float) -> Memory:
        fits = tuple(t for t in self.fits if now - t < 86400.0)
        return replace(
            self,
            acted={**self.acted, action: self.windows},
            fits=(*fits, now) if action == "retrain" else fits,
        )

    @property
    def idle(self) -> dict[str, int]:
        return {action: self.windows - at for action, at in self.acted.items()}


def read(tx: Transaction, model: str) -> Memory:
    kept = tx.settings.get(f"keeper:{model}")
    return from_data(kept, Memory) if kept else Memory()


def write(tx: Transaction, model: str, memory: Memory) -> None:
    tx.settings.put(f"keeper:{model}", to_data(memory))
