"""The heart of the console: one task has what open pages show read again, in threads; each page is told at once.

A page never reads the state itself. It follows a ``Source``: one reading, shared by every tab that shows the same, read
again while somebody follows it and never more often than a tenth of the time that reading takes allows. A slow state
makes numbers old, and says so; it never stops the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from boucle.core.errors import BoucleError
from boucle.loop.project import Project

V = TypeVar("V")
Models = frozenset[str]
Renewals = Mapping[Callable[..., Any], Callable[..., Any]]
PERIOD = 1.0
"""Seconds between two beats."""
CALM = 1.7
"""Seconds between two readings while nothing has happened: with a beat a second, every other one."""
BLINK, STIRRED = 0.015, 0.05
"""Seconds between two looks at the state's stamp, and for how long after it changed each of them asks what happened."""
GLANCE, BLIND = 0.06, 0.03
"""Seconds between two such questions while the stamp stays as it is, and where there is none: one number is read."""
PATIENCE = 0.3
"""Seconds a page waits for its first reading before it shows grey bars instead."""
STALE = 10.0
"""Seconds after which numbers are said to be old."""
_SHARE = 10.0
"""A reading that takes a second is done every ten: reading takes a tenth of a core at most."""
_KEPT = 30.0
"""Seconds a reading that nobody follows is kept for the next page that shows it."""
_MANY = 50
"""Events at once from which everything is read again, not only what they are about."""
log = logging.getLogger("boucle.ui")


class Source(Generic[V]):
    """One reading. ``at`` is when ``value`` was read (Unix seconds); ``error`` why it could not be read again.

    ``edition`` rises whenever there is something to show; ``drawn`` is what was made of it, for all tabs (see
    ``drawn.py``). ``followers`` are called then, one after the other. ``late`` says that the value is old.
    """

    def __init__(self, read: Callable[[], V], renew: Callable[[V, Models], V] | None = None) -> None:
        self._read, self._renew = read, renew
        self._due = 0.0
        self._running: asyncio.Task[None] | None = None
        self._missed: set[str] = set()
        self._telling: asyncio.Task[None] | None = None
        self.edition = 0
        self.drawn: dict[Hashable, Any] = {}
        self.followers: list[Callable[[], None]] = []
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

    def refresh(self, models: Models = frozenset()) -> asyncio.Task[None]:
        """Begin a reading, of what is new about ``models`` alone where that is possible, unless one is under way."""
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._refreshed(models))
        return self._running

    async def hear(self, models: Models) -> None:
        """Read again because something has happened to ``models``: a reading under way may have begun before it.

        Where a few models can be read alone they are, beside the reading under way, which then does so itself too.
        """
        if self._running is None or self._running.done():
            await self.refresh(models)
        elif models and self._renew is not None and self.value is not None:
            self._missed |= models
            await self._refreshed(models)
        else:
            await asyncio.wait([self._running])
            await self.refresh(models)

    def wanted(self, now: float) -> bool:
        return bool(self.followers) and now >= self._due and (self._running is None or self._running.done())

    def forgotten(self, now: float) -> bool:
        return not self.followers and now - self.asked > _KEPT

    def hurry(self) -> None:
        """Let the next beat read again, for something was just done."""
        self._due = 0.0

    @property
    def late(self) -> bool:
        """Say whether what is shown is old, or cannot be read at all."""
        return time.time() - self.at > STALE if self.value is not None else self.error is not None

    def tell(self) -> None:
        """Let everybody who follows look at what there is now."""
        self.edition += 1
        self.drawn.clear()
        self._telling = asyncio.get_running_loop().create_task(self._told())

    async def _told(self) -> None:
        for look in list(self.followers):
            try:
                look()
            except Exception:  # a page that fails must not keep the news from the others
                log.exception("a page could not show what was read")
            await asyncio.sleep(0)  # meanwhile the first ones send what they have to show

    async def _refreshed(self, models: Models) -> None:
        try:
            if models and self._renew is not None and self.value is not None:
                await self._renewed(self._renew, self.value, models)
            else:
                await self._whole()
            self.at, self.error, self.failed_since = time.time(), None, 0.0
        except BoucleError as error:
            self._failed(error)
        except Exception as error:
            log.exception("a view could not be read")
            self._failed(error)
        self.tell()

    async def _whole(self) -> None:
        begun = time.monotonic()
        self._missed.clear()
        try:
            value = await asyncio.to_thread(self._read)
            while self._renew is not None and self._missed:
                missed, self._missed = frozenset(self._missed), set()
                value = await asyncio.to_thread(self._renew, value, missed)
            self.value = value
        finally:
            self._due = begun + max(CALM, (1 + _SHARE) * (time.monotonic() - begun))

    async def _renewed(self, renew: Callable[[V, Models], V], before: V, models: Models) -> None:
        value = await asyncio.to_thread(renew, before, models)
        if self.value is before:  # else all of it has been read meanwhile, and these models once more
            self.value = value

    def _failed(self, error: Exception) -> None:
        self.error = error
        self.failed_since = self.failed_since or time.time()


class Heart:
    """Has what is followed read again: all of it every few beats of ``period`` seconds, and at once after an event.

    ``renewals`` are for readings of many models: ``renew(project, value, models, *arguments)`` reads a few again.
    """

    def __init__(self, project: Project, period: float = PERIOD, renewals: Renewals = MappingProxyType({})) -> None:
        self.project = project
        self._period, self._renewals = period, renewals
        self._sources: dict[Hashable, Source[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._chores: list[Callable[[], Awaitable[None]]] = []
        self._known: int | None = None
        self._stamp = 0
        self._stirred = self._looked = float("-inf")

    def source(self, read: Callable[..., V], *arguments: Hashable) -> Source[V]:
        """Return the reading ``read(project, *arguments)``, the same for all who ask for the same."""
        key = (read, arguments)
        if key not in self._sources:
            renew = self._renewals.get(read)
            self._sources[key] = Source(
                lambda: read(self.project, *arguments),
                renew and (lambda value, models: renew(self.project, value, models, *arguments)),
            )
        self._sources[key].asked = time.monotonic()
        return self._sources[key]

    def every_beat(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Do something more at each beat while a page is open."""
        self._chores.append(chore)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        beats = ((self.once, self._period), (self.glance, BLINK))
        self._tasks = [loop.create_task(self._over(do, pause)) for do, pause in beats]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def hurry(self) -> None:
        """Read everything again at the next beat."""
        for source in self._sources.values():
            source.hurry()

    @property
    def watched(self) -> bool:
        """Say whether any page is open."""
        return any(source.followers for source in self._sources.values())

    async def _over(self, do: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            begun = time.monotonic()
            try:
                await do()
            except Exception:  # one beat that failed must not be the last
                log.exception("a beat of the console failed")
            await asyncio.sleep(max(pause, 2 * (time.monotonic() - begun)))  # much may happen in one second

    async def glance(self) -> None:
        """Look if it is time: now and then, and at once after the state was written to."""
        if not self.watched:
            return
        now, stamp = time.monotonic(), self.project.state.stamp()
        if stamp != self._stamp:
            self._stamp, self._stirred = stamp, now
        if now - self._stirred < STIRRED or now - self._looked >= (GLANCE if stamp else BLIND):
            self._looked = now
            await self.look()

    async def look(self) -> None:
        """Read again what is followed if something has happened: one number says so."""
        if not self.watched:
            return
        head, models = await asyncio.to_thread(news, self.project, self._known)
        if head == self._known:
            return
        self._known = head
        await asyncio.gather(*(source.hear(models) for source in self._sources.values() if source.followers))

    async def once(self) -> None:
        """Beat now."""
        now = time.monotonic()
        for source in self._sources.values():
            if source.followers and source.late:
                source.tell()
        due = [source.refresh() for source in self._sources.values() if source.wanted(now)]
        if due:
            await asyncio.wait(due, timeout=self._period)
        for key in [key for key, source in self._sources.items() if source.forgotten(now)]:
            del self._sources[key]
        if self.watched:
            for chore in self._chores:
                await chore()


def news(project: Project, known: int | None) -> tuple[int, Models]:
    """Return the number of the newest event, and which models those behind ``known`` are about: none for too many."""
    with project.state.begin(write=False) as tx:
        head = tx.journal.head()
        if known is None or not 0 < head - known < _MANY:
            return head, frozenset()
        return head, frozenset(event.model for event in tx.journal.events(after=known))
