"""Windows: observations of one version, counted together once there are enough of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from boucle.core.json import from_data, to_data
from boucle.core.observation import Observation, Role, Window
from boucle.core.profile import Counts
from boucle.core.signature import Signature
from boucle.measures.derived import answered as stands_for
from boucle.measures.law import Law
from boucle.monitoring.columns import answers, to_batch
from boucle.monitoring.service import service_counts
from boucle.ports.stores import Transaction
from boucle.project.values import seconds
from boucle.project.watching import Monitor

ROLES: tuple[Role, ...] = ("champion", "challenger")
"""Requests that callers sent in the normal way: no copies, no pinned versions."""
FOLD = 1000
"""Requests read before they are folded into the open window's counts; fewer are read again at the next look."""


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    window: Window
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Open:
    """The window under way: counts of what is folded in, up to and with ``position``."""

    number: int
    position: int
    counts: Counts | None = None
    start: float = 0.0
    end: float = 0.0
    rows: int = 0


@dataclass(slots=True)
class _Waiting:
    """Requests read and not yet counted."""

    seen: list[Observation] = field(default_factory=list)
    position: int = 0
    rows: int = 0

    def add(self, position: int, one: Observation) -> None:
        self.seen.append(one)
        self.position = position
        self.rows += max(one.rows, 1)


def close_windows(
    tx: Transaction, model: str, version: int, law: Law, signature: Signature, monitor: Monitor, now: float
) -> list[ClosedWindow]:
    """Count what has arrived into windows and keep those that are full; returns these, oldest first.

    A window of N rows ends with the request that fills it. A window by time holds the requests of one span (spans
    begin at whole multiples of it) and ends when a request of a later one arrives or it has passed. A request that
    failed counts as one row, so that a service that only fails is noticed. The open window's counts are kept, so a look
    costs what is new.
    """
    closer = _Closer(tx, model, version, law, signature, monitor)
    return closer.run(now)


class _Closer:
    def __init__(
        self, tx: Transaction, model: str, version: int, law: Law, signature: Signature, monitor: Monitor
    ) -> None:
        self.tx, self.model, self.version = tx, model, version
        self.law, self.signature = law, signature
        self.size = monitor.window if isinstance(monitor.window, int) else None
        self.span = 0.0 if self.size else seconds(monitor.window)
        self.key = f"window:{model}:{version}"
        self.closed: list[ClosedWindow] = []

    def run(self, now: float) -> list[ClosedWindow]:
        found = self._resume()
        open_, waiting = found, _Waiting()
        for position, one in self._arrivals(open_.position):
            if self.span and (open_.rows or waiting.rows) and one.time >= self._until(open_, waiting):
                open_, waiting = self._close(open_, waiting), _Waiting()
            waiting.add(position, one)
            if self.size and open_.rows + waiting.rows >= self.size:
                open_, waiting = self._close(open_, waiting), _Waiting()
            elif len(waiting.seen) >= FOLD:
                open_, waiting = self._fold(open_, waiting), _Waiting()
        if self.span and (open_.rows or waiting.rows) and now >= self._until(open_, waiting):
            open_ = self._close(open_, waiting)
        if open_ != found:
            self.tx.settings.put(self.key, to_data(open_) if open_.rows else None)
        return self.closed

    def _resume(self) -> _Open:
        number, position = self.tx.windows.last(self.model, self.version)
        kept = self.tx.settings.get(self.key)
        if kept is not None:
            open_ = from_data(kept, _Open)
            if open_.number == number + 1:
                return open_
        return _Open(number + 1, position)

    def _arrivals(self, after: int) -> Iterator[tuple[int, Observation]]:
        while True:
            page = self.tx.observations.rows(self.model, self.version, ROLES, after=after, limit=FOLD)
            yield from page
            if len(page) < FOLD:
                return
            after = page[-1][0]

    def _until(self, open_: _Open, waiting: _Waiting) -> float:
        """Return when the open window's span ends: that of its first request."""
        first = open_.start if open_.rows else waiting.seen[0].time
        return (first // self.span + 1.0) * self.span

    def _fold(self, open_: _Open, waiting: _Waiting) -> _Open:
        if not waiting.seen:
            return open_
        counted = self._counted(waiting.seen)
        times = [one.time for one in waiting.seen]
        return replace(
            open_,
            position=waiting.position,
            counts=counted if open_.counts is None else open_.counts + counted,
            start=open_.start if open_.rows else times[0],
            end=max(open_.end, *times),
            rows=open_.rows + waiting.rows,
        )

    def _close(self, open_: _Open, waiting: _Waiting) -> _Open:
        full = self._fold(open_, waiting)
        assert full.counts is not None
        window = Window(self.model, self.version, full.number, full.start, full.end, full.rows)
        self.tx.windows.close(self.model, self.version, full.number, full.position, full.start, full.end, full.counts)
        self.closed.append(ClosedWindow(window, full.counts))
        return _Open(full.number + 1, full.position)

    def _counted(self, seen: list[Observation]) -> Counts:
        answered = [one for one in seen if not one.error]
        predicted, probabilities = answers(answered, self.signature)
        told = stands_for(self.signature.kind, predicted)
        counted = self.law.count(to_batch(answered, self.signature), told, probabilities)
        return replace(counted, extra=service_counts(seen))
