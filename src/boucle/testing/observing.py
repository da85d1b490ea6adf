"""Observations and feedback for the contracts of the live state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boucle.core.observation import Feedback, Observation
from boucle.ports.stores import State


def observed(id: str, time: float = 100.0, rows: int = 1, **changes: Any) -> Observation:
    """Build an observation of ``wine`` whose rows predict 0.5, 1.5, ..."""
    inputs = {"pH": [3.0 + row for row in range(rows)]}
    made = Observation(
        id, time, "wine", 1, "champion", rows, inputs, {"prediction": [row + 0.5 for row in range(rows)]}
    )
    return replace(made, **changes)


def ingest(state: State, *entries: Observation | Feedback, **cursors: int) -> tuple[int, int]:
    """Keep observations and feedback in one transaction."""
    seen = [entry for entry in entries if isinstance(entry, Observation)]
    told = [entry for entry in entries if isinstance(entry, Feedback)]
    with state.begin() as tx:
        return tx.observations.ingest(seen, told, cursors)
