"""The heart of the console: one task reads what open pages show, in threads, and tells them when it has.

A page never reads the state itself. It follows a ``Source``: one reading, shared by every tab that shows the same, read
again while somebody follows it and never more often than a tenth of the time that reading takes allows. A slow state
makes numbers old, and says so; it never stops the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from nicegui import Event

from boucle.core.errors import BoucleError
from boucle.loop.project import Project

V = TypeVar("V")
PERIOD = 1.0
"""Seconds between two beats."""
CALM = 1.7
"""Seconds between two readings while nothing has happened: with a beat a second, every other one."""
GLANCE = 0.05
"""Seconds between two looks whether something has happened: one number is read, while a page is open."""
PATIENCE = 0.3
"""Seconds a page waits for its first reading before it shows grey bars instead."""
_SHARE = 10.0
"""A reading that takes a second is done every ten: reading takes a tenth of a core at most."""
_KEPT = 30.0
"""Seconds a reading that nobody follows is kept for the next page that shows it."""
log = logging.getLogger("boucle.ui")


class Source(Generic[V]):
    """One reading. ``at`` is when ``value`` was read (Unix seconds); ``error`` why it could not be read again.

    ``edition`` rises with every reading: what has shown this one has nothing new to show. ``drawn`` is what was drawn
    of it (see ``drawn.py``).
    """

    def __init__(self, read: Callable[[], V]) -> None:
        self._read = read
        self._due = 0.0
        self._running: asyncio.Task[None] | None = None
        self.edition = 0
        self.drawn: dict[Hashable, str] = {}
        self.followers = 0
        self.asked = time.monotonic()
        self.value: V | None = None
        self.at = 0.0
        self.error: Exception | None = None
        self.failed_since = 0.0

    async def first(self) -> V | None:
        """Return the reading as soon as it is there; None when that takes longer than a page may wait."""
        self.asked = time.monotonic()
        if self.value is None or time.time() - self.at > 3 * PERIOD:
            await asyncio.wait([self.refresh()], timeout=PATIENCE)
        return self.value

    def refresh(self) -> asyncio.Task[None]:
        """Begin a reading, unless one is under way."""
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._refreshed())
        return self._running

    def wanted(self, now: float) -> bool:
        return self.followers > 0 and now >= self._due and (self._running is None or self._running.done())

    def forgotten(self, now: float) -> bool:
        return self.followers == 0 and now - self.asked > _KEPT

    def hurry(self) -> None:
        """Let the next beat read again, for something was just done."""
        self._due = 0.0

    async def _refreshed(self) -> None:
        begun = time.monotonic()
        try:
            self.value = await asyncio.to_thread(self._read)
            self.at, self.error, self.failed_since = time.time(), None, 0.0
        except BoucleError as error:
            self._failed(error)
        except Exception as error:
            log.exception("a view could not be read")
            self._failed(error)
        self.edition += 1
        self.drawn.clear()
        self._due = begun + max(CALM, (1 + _SHARE) * (time.monotonic() - begun))

    def _failed(self, error: Exception) -> None:
        self.error = error
        self.failed_since = self.failed_since or time.time()


class Heart:
    """Beats every ``period`` seconds, and at once when something has happened.

    A beat reads what is followed, then fires ``beat`` for every page to look.
    """

    def __init__(self, project: Project, period: float = PERIOD) -> None:
        self.project = project
        self.beat: Event[()] = Event()
        self._period = period
        self._sources: dict[Hashable, Source[Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self._chores: list[Callable[[], Awaitable[None]]] = []
        self._newest = Source(lambda: newest_event(project))
        self._known: int | None = None

    def source(self, read: Callable[..., V], *arguments: Hashable) -> Source[V]:
        """Return the reading ``read(project, *arguments)``, the same for all who ask for the same."""
        key = (read, arguments)
        if key not in self._sources:
            self._sources[key] = Source(lambda: read(self.project, *arguments))
        self._sources[key].asked = time.monotonic()
        return self._sources[key]

    def every_beat(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Do something more at each beat while a page is open."""
        self._chores.append(chore)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beating())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def hurry(self) -> None:
        """Read everything again at the next beat."""
        for source in self._sources.values():
            source.hurry()

    async def _notice(self) -> bool:
        """Read everything again as soon as something has happened, and return whether it has: one number says so."""
        await asyncio.wait([self._newest.refresh()], timeout=self._period)
        if self._newest.value == self._known:
            return False
        self._known = self._newest.value
        self.hurry()
        return True

    async def _rest(self, blind: float) -> bool:
        """Wait until the next beat is due, or something has happened: True then. For ``blind`` seconds nobody looks."""
        begun = time.monotonic()
        while (gone := time.monotonic() - begun) < self._period:
            await asyncio.sleep(min(self._period - gone, GLANCE if self.beat.callbacks else self._period))
            if self.beat.callbacks and time.monotonic() - begun > blind and await self._notice():
                return True
        return False

    async def _beating(self) -> None:
        blind = 0.0
        while True:
            try:
                happened = await self._rest(blind)
                begun = time.monotonic()
                await self.once()
                blind = 2 * (time.monotonic() - begun) if happened else 0.0  # much may happen in one second
            except Exception:  # one beat that failed must not be the last
                log.exception("a beat of the console failed")

    async def once(self) -> None:
        """Beat now."""
        if self.beat.callbacks:
            await self._notice()
        now = time.monotonic()
        due = [source.refresh() for source in self._sources.values() if source.wanted(now)]
        if due:
            await asyncio.wait(due, timeout=self._period)
        for key in [key for key, source in self._sources.items() if source.forgotten(now)]:
            del self._sources[key]
        if self.beat.callbacks:
            for chore in self._chores:
                await chore()
        self.beat.emit()


def newest_event(project: Project) -> int:
    """Return the number of the newest event, 0 before the first."""
    with project.state.begin(write=False) as tx:
        found = tx.journal.events(limit=1)
    return found[0].seq if found else 0
