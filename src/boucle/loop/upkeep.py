"""The keeper's care for what is captured: compaction now and then, and an alarm for whatever could not be kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from boucle.core.errors import BoucleError
from boucle.core.event import Event
from boucle.loop import alarms
from boucle.loop.compaction import Compacted, Compaction
from boucle.loop.project import Project

CAUSE = "capture"
_SELDOM = (50_000, 20, 50)
EVERY = 30.0
"""Seconds between two passes when there is nothing to do."""


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
        self._next = 0.0

    def look(self, dropped: int) -> None:
        """Compact if it is time, and open an alarm about what went wrong.

        ``dropped`` is how much the data plane has just said it could not keep. Raises StoreError when the live state
        cannot be used.
        """
        troubles = [_dropped(dropped)] if dropped else []
        now = self._project.clock.now()
        if now < self._next and not troubles:
            return
        try:
            done = self._compaction.step()
        except BoucleError as error:
            done = Compacted()
            troubles.append((f"compaction failed: {error}", "segments wait, and are compacted later"))
        self._next = now if done.segments else now + EVERY
        self._note(done)
        if done.damaged:
            troubles.append((f"{done.damaged} bytes in segments are damaged", "the rest of them is kept"))
        if done.above:
            troubles.append(_above(done.above, self._project.settings.serve.capture.max_disk))
        self._tell(troubles)

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
