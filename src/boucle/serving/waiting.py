"""Asking the desk from a coroutine, and waiting for the answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from boucle.serving.batcher import Job, late
from boucle.serving.desk import Desk, Question
from boucle.serving.plane import remaining
from boucle.serving.residency import Asleep

_NAP = 0.05
Pending = tuple[Job, "asyncio.Future[None]"]


async def ask(desk: Desk, asking: Question) -> Pending:
    """Ask on the thread of the event loop; quick models answer at its next turn. Raises what ``Desk.ask`` does."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    job = await _asked(desk, asking, lambda job: _wake(loop, future))
    if desk.waiting:
        loop.call_soon(desk.flush)
    return job, future


async def wait(pending: Pending) -> Job:
    """Return the job when it is done; raises Overloaded past its deadline. Who is cancelled gives it up."""
    job, future = pending
    try:
        async with asyncio.timeout(remaining(job)):
            await future
    except TimeoutError:
        job.given_up = True
        raise late() from None
    except asyncio.CancelledError:
        job.given_up = True
        raise
    return job


async def _asked(desk: Desk, asking: Question, done: Callable[[Job], None]) -> Job:
    """Ask, and again until a model that sleeps is awake, within the deadline."""
    end = time.perf_counter() + desk.options.deadline
    while True:
        try:
            return desk.ask(asking, done)
        except Asleep:
            if time.perf_counter() > end:
                raise
            await asyncio.sleep(_NAP)


def _wake(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Tell the waiting request, from whatever thread; a loop that has ended has nobody waiting."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(None))
