"""From the data plane's segments into the live state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boucle.formats.segment import read_new
from boucle.ports.stores import State


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many entries were new."""

    observations: int
    feedback: int


def ingest(state: State, segments: Path) -> Ingested:
    """Take in what was captured since last time.

    Entries and the places read up to are kept in one transaction: killed anywhere, the next call goes on where the
    last whole one ended, and an entry read twice is kept once. Raises StoreError.
    """
    with state.begin(write=False) as tx:
        known = tx.observations.cursors()
    observations, feedback, cursors = read_new(segments, known)
    if cursors == known and not observations and not feedback:
        return Ingested(0, 0)
    with state.begin() as tx:
        return Ingested(*tx.observations.ingest(observations, feedback, cursors))
