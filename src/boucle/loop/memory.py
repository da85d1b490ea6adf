"""What the keeper has to remember between looks, kept in the live state so that a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from boucle.core.json import from_data, to_data
from boucle.core.verdict import Verdict
from boucle.loop.policy import Decision
from boucle.ports.stores import Transaction

DAY = 86400.0
_LONGEST = 19
"""Windows whose outcome is remembered: `confirm` looks at no more."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of the release state on its way, and the generation of that state it was decided at."""

    action: Literal["rollback", "disable", "promote"]
    reason: str
    generation: int
    version: int | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """One model's memory. ``windows`` counts closed windows over all champions; ``acted`` holds its value at each
    action's last time, ``released`` its value when ``champion`` took over, ``follow_up`` those at which to retrain
    again, on rows since ``change``. ``fits`` are Unix times of retrainings. ``recent`` says of the newest windows of
    each kind whether they failed, oldest first; ``breached`` whether the SLO did before the champion took over.
    ``judged`` is the time of the newest request in a closed window.
    """

    champion: int | None = None
    windows: int = 0
    released: int = 0
    recent: dict[str, tuple[bool, ...]] = field(default_factory=dict)
    breached: bool = False
    judged: float = 0.0
    acted: dict[str, int] = field(default_factory=dict)
    fits: tuple[float, ...] = ()
    failed_gates: int = 0
    change: float | None = None
    follow_up: tuple[int, ...] = ()
    noted: dict[str, str] = field(default_factory=dict)
    scheduled: float = 0.0
    pending: Pending | None = None

    def under(self, champion: int | None) -> Memory:
        """Start anew with streaks when another version answers; whoever released it has looked at failed gates."""
        if champion == self.champion:
            return self
        breached = self.champion is not None and self.failing("slo")
        return replace(
            self, champion=champion, released=self.windows, breached=breached, recent={}, noted={}, failed_gates=0
        )

    def after(self, verdicts: Mapping[str, Verdict], windows: int) -> Memory:
        """Take in the verdicts of ``windows`` newly closed windows."""
        recent = dict(self.recent)
        for kind, verdict in verdicts.items():
            if verdict.status != "inconclusive":
                new = (verdict.status == "fail",) * max(1, windows)
                recent[kind] = (*recent.get(kind, ()), *new)[-_LONGEST:]
        return replace(self, recent=recent, windows=self.windows + windows)

    def at(self, now: float) -> Memory:
        """Bring times back that lie ahead: a clock that has jumped back must not stop the schedule or the budget."""
        return replace(self, fits=tuple(min(t, now) for t in self.fits), scheduled=min(self.scheduled, now))

    def doing(self, decision: Decision, now: float, follow_up: Sequence[int] = ()) -> Memory:
        """Note that ``decision`` is carried out. ``follow_up`` are the windows after which to retrain again."""
        kept = replace(
            self,
            acted={**self.acted, decision.action: self.windows},
            noted={},
            scheduled=now if decision.cause == "schedule" else self.scheduled,
        )
        if decision.action != "retrain":
            return kept
        due, change = tuple(at for at in self.follow_up if at > self.windows), self.change
        if decision.cause == "quality":
            due, change = tuple(self.windows + after for after in sorted(follow_up)), decision.since
        fits = (*(t for t in self.fits if now - t < DAY), now)
        return replace(kept, fits=fits, follow_up=due, change=change)

    def failing(self, kind: str) -> bool:
        """Say whether the newest window of a kind failed."""
        return bool(self.recent.get(kind)) and self.recent[kind][-1]

    def failures(self, kind: str, confirm: int) -> int:
        """Count the failed windows among the newest 2 ``confirm`` - 1 of a kind."""
        return sum(self.recent.get(kind, ())[-(2 * confirm - 1) :])

    def fits_today(self, now: float) -> int:
        return sum(now - t < DAY for t in self.fits)

    @property
    def follow_up_due(self) -> bool:
        return any(at <= self.windows for at in self.follow_up)

    @property
    def idle(self) -> dict[str, int]:
        return {action: self.windows - at for action, at in self.acted.items()}


def read(tx: Transaction, model: str) -> Memory:
    kept = tx.settings.get(f"keeper:{model}")
    return from_data(kept, Memory) if kept else Memory()


def write(tx: Transaction, model: str, memory: Memory) -> None:
    tx.settings.put(f"keeper:{model}", to_data(memory))
