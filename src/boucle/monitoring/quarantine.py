"""Rows that were broken when they were answered: nothing is learned from them, and they say nothing of quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boucle.ports.stores import Transaction

_MOST = 1000
"""Spans that are kept, the newest ones."""

Spans = Sequence[tuple[float, float]]


def quarantine(tx: Transaction, model: str, start: float, end: float) -> None:
    """Set the rows requested between ``start`` and ``end`` (Unix seconds, both included) apart."""
    spans = [*(span for span in quarantined(tx, model) if span != (start, end)), (start, end)]
    tx.settings.put(f"quarantine:{model}", [list(span) for span in spans[-_MOST:]])


def quarantined(tx: Transaction, model: str) -> Spans:
    """Return the spans of time whose rows are set apart."""
    return [(float(start), float(end)) for start, end in tx.settings.get(f"quarantine:{model}") or []]


def within(times: NDArray[np.float64], spans: Spans) -> NDArray[np.bool_]:
    """Say which rows lie in any of the spans, shape (rows,)."""
    found = np.zeros(len(times), dtype=bool)
    for start, end in spans:
        found |= (times >= start) & (times <= end)
    return found
