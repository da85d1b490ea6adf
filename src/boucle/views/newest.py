"""The newest facts about one model, read once: each a single row or a summary, however long its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.event import Event
from boucle.core.observation import Window
from boucle.core.profile import Counts
from boucle.core.verdict import Check, Verdict
from boucle.loop.turns import running
from boucle.monitoring.meter import Metered
from boucle.ports.stores import Transaction

KINDS = ("quality", "drift", "fault", "slo", "floor", "estimate")
TRAINED = ("trained", "adopted", "optimized", "distilled")
RELEASED = ("release", "rollout_done", "rollback", "alias_moved")
FAILED = ("gate_failed", "training_failed", "retraining_lost")
_FEW = 6
_RECENT = 300.0
"""Seconds over which requests per second are counted."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its interval and count. ``bound`` is what it is held against, ``greater`` whether more is better.

    ``time`` is when it was judged (Unix seconds).
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    bound: float | None = None
    greater: bool | None = None
    status: str = "inconclusive"
    time: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Newest:
    """What the live state knows of one model now."""

    held: Deployment
    verdicts: dict[str, tuple[float, Verdict]]
    rollout: tuple[float, Verdict] | None
    alarms: list[Alarm]
    trained: Event | None
    released: Event | None
    failed: Event | None
    decided: Event | None
    window: Window | None
    counts: Counts | None
    training: dict[str, Any] | None
    labels: int
    requests: float
    """Requests per second over the last five minutes."""
    now: float

    def verdict(self, kind: str) -> Verdict | None:
        found = self.verdicts.get(kind)
        return found[1] if found else None

    def status(self, kind: str) -> str:
        found = self.verdict(kind)
        return found.status if found else "inconclusive"


def newest(tx: Transaction, held: Deployment, now: float) -> Newest:
    """Read what there is about ``held`` at ``now`` (Unix seconds)."""
    model, champion = held.model, held.champion
    windows = tx.windows.counts(model, champion, 1) if champion is not None else []
    verdicts = {kind: found for kind in KINDS if (found := _newest(tx, model, champion, kind)) is not None}
    rollout = _newest(tx, model, held.challenger, "rollout") if held.challenger is not None else None
    return Newest(
        held=held,
        verdicts=verdicts,
        rollout=rollout,
        alarms=tx.alarms.unresolved(model),
        trained=_event(tx, model, TRAINED),
        released=_event(tx, model, RELEASED),
        failed=_event(tx, model, FAILED),
        decided=_event(tx, model, ("decision",)),
        window=windows[0][0] if windows else None,
        counts=windows[0][1] if windows else None,
        training=tx.settings.get(f"training:{model}") or asked_turn(tx, model, now),
        labels=_labels(verdicts.get("quality")),
        requests=Metered(tx, model, now).counted(_RECENT).requests / _RECENT,
        now=now,
    )


def figure(check: Check | None, time: float | None = None) -> Figure | None:
    """Return a check's number with all that belongs to it; None without a number."""
    if check is None or check.observed is None:
        return None
    bound, greater = bound_of(check)
    return Figure(
        check.name, check.observed, check.low, check.high, check.n, bound, greater, check.status, time, check.note
    )


def bound_of(check: Check) -> tuple[float | None, bool | None]:
    """Return the number of a check's bound, and whether more is better: ``>= 0.9`` is (0.9, True)."""
    sign, _, number = check.bound.partition(" ")
    try:
        return float(number), sign.startswith(">")
    except ValueError:
        return None, None


def _newest(tx: Transaction, model: str, version: int | None, kind: str) -> tuple[float, Verdict] | None:
    found = [(time, one) for time, of, one in tx.windows.verdicts(model, kind, limit=_FEW) if of == version]
    return found[-1] if found else None


def asked_turn(tx: Transaction, model: str, now: float) -> dict[str, Any] | None:
    """Return the turn that a person asked for, while it runs, as the keeper notes its own."""
    found = running(tx, model, now)
    if found is None:
        return None
    return {"since": found.time, "reason": found.reason, "event": found.seq, "turn": found.data.get("turn")}


def _event(tx: Transaction, model: str, kinds: tuple[str, ...]) -> Event | None:
    found = tx.journal.events(model, kinds, limit=1)
    return found[0] if found else None


def _labels(quality: tuple[float, Verdict] | None) -> int:
    if quality is None:
        return 0
    first = next(iter(quality[1].checks), None)
    told = first.evidence.get("labels") if first is not None else None
    return int(told if told is not None else quality[1].inputs.get("labels", 0))
