"""From the data plane's segments into the live state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boucle.formats.segment import read_entries
from boucle.monitoring.meter import Meter
from boucle.ports.stores import State

AT_ONCE = 5_000
"""Entries a transaction: others may write to the state in between."""
MOST = 100_000
"""Entries a call: after a long absence of the keeper, judging goes on between two of them."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many entries were new; ``dropped`` is how many the data plane says it could not keep."""

    observations: int
    feedback: int
    dropped: int = 0


def ingest(
    state: State, segments: Path, most: int = MOST, *, meter: Meter | None = None, now: float = 0.0, period: float = 0.0
) -> Ingested:
    """Take in what was captured since last time, about ``most`` entries of it.

    ``meter`` counts them by the minute; what is older than ``period`` seconds before ``now`` it lets go.

    Entries and the places read up to are kept in one transaction: killed anywhere, the next call goes on where the
    last whole one ended, and an entry read twice is kept once. Raises StoreError.
    """
    with state.begin(write=False) as tx:
        known = tx.observations.cursors()
    observations = feedback = dropped = read = 0
    while True:
        found = read_entries(segments, known, min(AT_ONCE, most - read))
        if all(known.get(name) == offset for name, offset in found.cursors.items()):
            return Ingested(observations, feedback, dropped)
        with state.begin() as tx:
            passing = found.observations() if meter is None else meter.tap(found.observations())
            seen, told = tx.observations.ingest(passing, found.feedback, found.cursors)
            if meter is not None:
                meter.keep(tx, now, period)
        observations, feedback, dropped = observations + seen, feedback + told, dropped + found.dropped
        known, read = found.cursors, read + len(found)
        if len(found) < AT_ONCE or read >= most:
            return Ingested(observations, feedback, dropped)
