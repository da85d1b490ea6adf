"""The newest requests of a version, without reading its whole past."""

from __future__ import annotations

from collections import deque

from boucle.core.observation import Observation
from boucle.monitoring.windows import ROLES
from boucle.ports.stores import Transaction

_PAGE = 1000


def newest(tx: Transaction, model: str, version: int, most: int) -> list[Observation]:
    """Return the newest answered requests, ``most`` at most: of those from a while before the last closed window on."""
    _, position = tx.windows.last(model, version)
    after, found = max(0, position - most), deque[Observation](maxlen=most)
    while page := tx.observations.rows(model, version, ROLES, after=after, limit=_PAGE):
        found.extend(one for _, one in page if not one.error)
        after = page[-1][0]
        if len(page) < _PAGE:
            break
    return list(found)
