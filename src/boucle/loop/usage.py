"""When keys were last used at the control plane, kept at the cost of one write a minute."""

from __future__ import annotations

import logging
import math
import threading

from boucle.core.errors import BoucleError
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

EVERY = 60.0
"""Seconds between two writes: what is shown is wrong by as much, and no more."""
_KEY = "keys_used"
_MOST = 1000
log = logging.getLogger("boucle.loop")


class Usage:
    """Remembers who has called, and writes it down now and then. The data plane notes its own (``formats.used``)."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._next = -math.inf

    def note(self, name: str, now: float) -> None:
        """Note that a key was used at ``now`` (Unix seconds); a state that cannot be written refuses nobody."""
        with self._lock:
            self._seen[name] = now
            if now < self._next:
                return
            self._next, seen = now + EVERY, dict(self._seen)
            self._seen.clear()
        try:
            with self._project.state.begin() as tx:
                kept = {**used(tx), **seen}
                newest = sorted(kept.items(), key=lambda one: -one[1])[:_MOST]
                tx.settings.put(_KEY, dict(newest))
        except BoucleError as error:
            log.warning("the last use of keys could not be kept: %s", error)


def used(tx: Transaction) -> dict[str, float]:
    """Return when each key was last used, by name (Unix seconds)."""
    found: dict[str, float] = tx.settings.get(_KEY) or {}
    return found
