"""Requests, failures and slow answers minute by minute, counted as they are taken in: what burn rates are made from.

Windows close when they are full, which on a quiet day takes hours; an outage has to be seen in minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boucle.core.observation import REFUSED, Observation
from boucle.ports.stores import Transaction

MINUTE, HOUR = 60, 3600
KEPT = 6 * HOUR + 2 * MINUTE
"""Seconds of which the minutes are kept; what is older is kept by the hour."""
_AHEAD = 10 * MINUTE
"""How far the clocks of the data plane may be ahead; later counts are dropped with the clock that made them."""
_ROLES = ("champion", "challenger", "fallback")


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests answered or failed by the service; ``slow`` is how many took longer than promised."""

    requests: int = 0
    failed: int = 0
    slow: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.failed + other.failed, self.slow + other.slow)


class Meter:
    """Counts what passes by, then adds it to the model's row in the live state. Copies and pinned requests are no
    promise to anybody, and a request that was wrong itself is no failure."""

    def __init__(self, slow_after: float | None = None) -> None:
        self._slow_after = slow_after if slow_after is not None else float("inf")
        self._found: dict[str, dict[int, list[int]]] = {}

    def tap(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Hand the observations on, and count them; what a transaction that failed had counted is forgotten."""
        self._found = {}
        for seen in observations:
            if seen.role in _ROLES and seen.error != REFUSED:
                minute = self._found.setdefault(seen.model, {}).setdefault(int(seen.time // MINUTE), [0, 0, 0])
                minute[0] += 1
                minute[1] += seen.error != ""
                minute[2] += seen.latency > self._slow_after
            yield seen

    def keep(self, tx: Transaction, now: float, period: float) -> None:
        """Add the counts to what is kept; in the transaction that keeps the observations, so that each counts once.

        ``now`` is Unix time; hours older than ``period`` seconds are let go.
        """
        for model, minutes in self._found.items():
            kept = _read(tx, "minutes", model)
            for minute, counts in minutes.items():
                kept[minute] = kept.get(minute, Counts()) + Counts(*counts)
            _keep(tx, model, kept, now, period)
        self._found = {}


def _keep(tx: Transaction, model: str, kept: dict[int, Counts], now: float, period: float) -> None:
    oldest, latest = int((now - KEPT) // MINUTE), int((now + _AHEAD) // MINUTE)
    _write(tx, "minutes", model, {at: n for at, n in kept.items() if oldest <= at <= latest})
    past = [at for at in kept if at < oldest]
    if past:
        hours = _read(tx, "hours", model)
        for at in past:
            hour = at * MINUTE // HOUR
            hours[hour] = hours.get(hour, Counts()) + kept[at]
        first = int((now - period) // HOUR)
        _write(tx, "hours", model, {at: n for at, n in hours.items() if first <= at <= now // HOUR})


class Metered:
    """What is kept about a model, read once."""

    def __init__(self, tx: Transaction, model: str, now: float) -> None:
        self._now = now
        self._minutes = _read(tx, "minutes", model)
        self._hours = _read(tx, "hours", model)

    def counted(self, seconds: float) -> Counts:
        """Return the counts of the last ``seconds``: whole minutes of them, and whole hours of what is long ago."""
        now, begin = self._now, self._now - seconds
        minutes = [n for at, n in self._minutes.items() if begin < (at + 1) * MINUTE <= now + _AHEAD]
        hours = [n for at, n in self._hours.items() if begin < (at + 1) * HOUR] if seconds > KEPT else []
        return sum((*minutes, *hours), Counts())


def _read(tx: Transaction, what: str, model: str) -> dict[int, Counts]:
    kept = tx.settings.get(f"{what}:{model}") or {}
    return {int(at): Counts(*n) for at, n in kept.items()}


def _write(tx: Transaction, what: str, model: str, counts: dict[int, Counts]) -> None:
    rows = {str(at): [n.requests, n.failed, n.slow] for at, n in sorted(counts.items())}
    tx.settings.put(f"{what}:{model}", rows or None)
