"""The keeper's care for what is captured: compaction, the archive's small parts, what leaves the live state; and an
alarm for whatever could not be kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from boucle.core.errors import BoucleError
from boucle.core.event import Event
from boucle.loop import alarms
from boucle.loop.compaction import Compacted, Compaction
from boucle.loop.lease import LeaseLost
from boucle.loop.project import Project
from boucle.loop.retention import Retention

CAUSE = "capture"
_SELDOM = (50_000, 20, 50)
EVERY = 30.0
"""Seconds between two passes when there is nothing to do."""
SELDOM = 3600.0
"""Seconds between two looks at what is old, when nothing of it is left to do."""


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Look for garbage less often: windows hold many small values for a moment, and looking cost half of all work."""
    was = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*was)


class Upkeep:
    """An archive that is away stops nothing: segments wait for it, within their bound."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._compaction = Compaction(project)
        self._retention = Retention(project, lambda: self._compaction.archive)
        self._next = self._next_tidy = 0.0

    def look(self, dropped: int) -> None:
        """Compact if it is time, and open an alarm about what went wrong.

        ``dropped`` is how much the data plane has just said it could not keep. Raises StoreError when the live state
        cannot be used.
        """
        troubles = [_dropped(dropped)] if dropped else []
        now = self._project.clock.now()
        if now < self._next and not troubles:
            return
        done, busy = Compacted(), False
        try:
            done = self._compaction.step()
            busy = bool(done.segments) or self._tidied(now)
        except LeaseLost:
            raise
        except BoucleError as error:
            troubles.append((f"compaction failed: {error}", "segments wait, and are compacted later"))
        self._next = now if busy else now + EVERY
        self._note(done)
        if done.damaged:
            troubles.append((f"{done.damaged} bytes in segments are damaged", "the rest of them is kept"))
        if done.above:
            troubles.append(_above(done.above, self._project.settings.serve.capture.max_disk))
        self._tell(troubles)

    def _tidied(self, now: float) -> bool:
        """Do a little about what is old, if it is time; says whether there may be more to do at once."""
        if now < self._next_tidy:
            return False
        if self._compaction.tidy() or self._retention.step():
            return True
        self._next_tidy = now + SELDOM
        return False

    def _tell(self, troubles: list[tuple[str, str]]) -> None:
        project = self._project
        with project.state.begin() as tx:
            champion = tx.deployments.get(project.name).champion
            if not troubles:
                alarms.quieten(project, tx, project.name, CAUSE, 1)
                return
            reason = "; ".join(what for what, _ in troubles)
            data = {"done": "; ".join(then for _, then in troubles)}
            alarms.raise_alarm(project, tx, project.name, CAUSE, f"{CAUSE}: {reason}", champion, data)

    def _note(self, done: Compacted) -> None:
        """Write down what is gone for good: parts dropped, bytes at a segment's end that nobody had finished."""
        project = self._project
        words = []
        if done.dropped:
            words.append(f"{done.dropped} parts of the archive were too old or too much, and are dropped")
        if done.torn:
            words.append(f"{done.torn} bytes at the end of a segment were never finished")
        if words:
            event = Event(CAUSE, project.clock.now(), "; ".join(words), project.name, None, project.actor)
            with project.state.begin() as tx:
                tx.journal.append(event)


def _dropped(entries: int) -> tuple[str, str]:
    what = f"the data plane could not keep {entries} requests or pieces of feedback"
    return what, "requests are answered all the same; make room on the disk, or raise serve.capture.max_disk"


def _above(bytes_: int, bound: str | int) -> tuple[str, str]:
    what = f"captured data is {bytes_ / 1e6:.0f} MB above nine tenths of serve.capture.max_disk ({bound})"
    return what, "the oldest parts are dropped; at the bound the data plane keeps no more: raise it, or see the archive"
