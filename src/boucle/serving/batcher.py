"""Natural batching without timers: whatever waits when the model becomes free is its next batch.

A quick model answers on the thread that asks (``Lane``), a slow one on a thread of its own (``Batcher``). Knows nothing
of HTTP, of routes or of capture. A job's answer does not depend on its neighbours: a batch that fails is run again one
job at a time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from boucle.core.errors import Overloaded, RequestError
from boucle.core.observation import Role
from boucle.core.signature import Batch, Rows
from boucle.ports.runtime import Predictor
from boucle.serving.columns import plain
from boucle.serving.messages import Asked
from boucle.serving.pace import Pace

_PATIENCE = 0.05


class Outcome:
    """What one call of a model answered: typed columns, and the same as JSON values, made once for all its jobs.

    ``predictions`` and ``probabilities`` are among ``values``, the former under whatever name.
    """

    __slots__ = ("outputs", "predictions", "probabilities", "values")

    def __init__(self, outputs: Batch) -> None:
        self.outputs = outputs
        self.values: dict[str, list[Any]] = {name: plain(column) for name, column in outputs.items()}
        self.predictions = self.values["prediction" if "prediction" in self.values else next(iter(self.values))]
        self.probabilities = self.values.get("probabilities")


def _nobody(job: Job) -> None:
    """Tell nobody: a shadow copy."""


class Job(msgspec.Struct, eq=False):
    """One request for one version. ``done`` is called once, when it is answered.

    ``started`` and ``due`` are read on ``perf_counter``, ``latency`` is seconds. Its answer is in the rows of
    ``outcome`` from ``start`` on, unless ``error`` is set. Whoever waits no longer sets ``given_up``. ``version`` is
    whose job it is, and no business of this module.
    """

    version: Any
    asked: Asked
    id: str
    key: str = ""
    role: Role = "champion"
    started: float = msgspec.field(default_factory=perf_counter)
    due: float = float("inf")
    done: Callable[[Job], None] = _nobody
    latency: float = 0.0
    outcome: Outcome | None = None
    start: int = 0
    error: Exception | None = None
    given_up: bool = False

    @property
    def rows(self) -> int:
        return self.asked.rows

    @property
    def outputs(self) -> Batch:
        """The typed columns of this job's answer."""
        assert self.outcome is not None
        behind = self.start + self.asked.rows
        return {name: column[self.start : behind] for name, column in self.outcome.outputs.items()}


Join = Callable[[Sequence[Job]], Batch]
Finish = Callable[[Sequence[Job], Batch | None], None]


class Caller:
    """Calls one model for many jobs. ``finish`` gets the jobs of each call before any of them is ``done``."""

    def __init__(self, predictor: Predictor, join: Join, finish: Finish) -> None:
        self._predictor = predictor
        self._join = join
        self._finish = finish

    def call(self, jobs: Sequence[Job]) -> None:
        """Answer jobs: each has an outcome or an error when it is done."""
        asked: Batch | None = None
        try:
            asked = self._join(jobs)
            outcome = self._answer(asked, sum([job.asked.rows for job in jobs]))
        except Exception as error:  # noqa: BLE001 - a model may raise anything; it must not end the thread
            if len(jobs) > 1:
                for job in jobs:
                    self.call([job])
                return
            jobs[0].error = error
        else:
            start = 0
            for job in jobs:
                job.outcome = outcome
                job.start = start
                start += job.asked.rows
        self.finish(jobs, asked)

    def finish(self, jobs: Sequence[Job], asked: Batch | None) -> None:
        """Record jobs that have their outcome or error, then tell whoever waits for them."""
        now = perf_counter()
        for job in jobs:
            job.latency = now - job.started
            if job.given_up and job.error is None:
                job.outcome, job.error = None, late()
        self._finish(jobs, asked)
        for job in jobs:
            job.done(job)

    def _answer(self, batch: Batch, rows: int) -> Outcome:
        outputs = self._predictor.predict(batch)
        for column in outputs.values():
            if len(column) != rows:
                raise RequestError(f"The model answered {len(column)} rows for {rows}.")
        if not outputs:
            raise RequestError(f"The model answered nothing for {rows} rows.")
        return Outcome(outputs)


class Lane:
    """Jobs of a quick model, answered on the thread that flushes it. Not for threads: its owner sees to that."""

    def __init__(self, caller: Caller, *, batch_rows: int, queue_rows: int) -> None:
        self._caller = caller
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._jobs: list[Job] = []
        self._rows = 0

    def add(self, job: Job) -> bool:
        """Take a job; returns whether it is the first that waits. Raises Overloaded when there is no room."""
        rows = job.asked.rows
        if self._rows and self._rows + rows > self._queue_rows:
            raise _full(self._rows, self._queue_rows)
        self._jobs.append(job)
        self._rows += rows
        return len(self._jobs) == 1

    def flush(self) -> None:
        """Answer all that waits."""
        jobs, rows, self._jobs, self._rows = self._jobs, self._rows, [], 0
        if rows <= self._batch_rows:
            self._caller.call(jobs)
            return
        waiting = deque(jobs)
        while waiting:
            self._caller.call(_taken(waiting, self._batch_rows))


class Batcher:
    """Answers the jobs of one version on one thread, which it starts when there is work.

    A job is refused when ``queue_rows`` wait, or when it would be answered later than in ``max_wait`` seconds, by the
    pace of the model; ``pace`` says how long that is where ``max_wait`` is None.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        name: str,
        batch_rows: int = 1024,
        queue_rows: int = 20_000,
        max_wait: float | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._caller = caller
        self._name = name
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._pace = pace or Pace()
        self._max_wait = max_wait
        self._free = 0.0  # when the call under way should end, on perf_counter
        self._last = (0, 0.0)  # jobs of the last call, and its seconds
        self._queue: deque[Job] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._waiting

    @property
    def saturation(self) -> float:
        """The share of what may wait that waits, in rows or in time, whichever is nearer to its end."""
        waiting = self._waiting
        if not waiting:
            return 0.0
        wait, limit = self._wait(1)
        return max(waiting / self._queue_rows, wait / limit if limit > 0.0 else 0.0)

    def submit(self, job: Job) -> None:
        """Queue a job; raises Overloaded when there is no room for it, or no time."""
        with self._changed:
            rows = job.asked.rows
            if self._waiting and self._waiting + rows > self._queue_rows:
                raise _full(self._waiting, self._queue_rows)
            if self._waiting:
                self._require_time(rows)
            self._queue.append(job)
            self._waiting += rows
            if self._thread is None or not self._thread.is_alive():  # it does not come along in a fork
                self._thread = threading.Thread(target=self._run, name=f"model {self._name}", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, timeout: float | None = None) -> None:
        """End the thread once nothing waits; with ``timeout`` wait for that.

        Whoever still holds the batcher may go on submitting: no request is refused because a version is going.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
            thread = self._thread
        if timeout is not None and thread is not None:
            thread.join(timeout)

    def _run(self) -> None:
        while jobs := self._next():
            now = perf_counter()
            work: list[Job] = []
            gone: list[Job] = []
            for job in jobs:
                (gone if job.given_up or job.due <= now else work).append(job)
            if gone:
                for job in gone:
                    job.given_up = True
                self._caller.finish(gone, None)
            if work:
                self._free = now + self._pace.expected(sum(job.asked.rows for job in work))
                self._caller.call(work)
                spent = perf_counter() - now
                self._last = len(work), spent
                self._pace.seen(sum(job.asked.rows for job in work), spent)

    def _require_time(self, rows: int) -> None:
        """Raise Overloaded when a job of so many rows would be answered too late."""
        wait, limit = self._wait(rows)
        if wait > limit:
            raise Overloaded(
                f"{self._waiting} rows wait already, {wait:.2g} s of work; the limit is {limit:.2g} s.",
                hint="try again in a second",
            )

    def _wait(self, rows: int) -> tuple[float, float]:
        """Return how long a job of so many rows would wait, and how long it may, in seconds."""
        wait = max(0.0, self._free - perf_counter()) + self._pace.expected(self._waiting)
        return wait, self._pace.longest_wait(rows) if self._max_wait is None else self._max_wait

    def _next(self) -> list[Job]:
        """Wait for work and take what fits into one batch; an empty list ends the thread.

        Callers who were answered together come back one by one: for as many as last time it waits a little, at most a
        twentieth of what the last call took, instead of spending a whole call on the first of them.
        """
        with self._changed:
            while not self._queue:
                if self._closing:
                    self._thread = None
                    return []
                self._changed.wait()
            many, spent = self._last
            end = perf_counter() + _PATIENCE * spent
            while len(self._queue) < many and (left := end - perf_counter()) > 0 and not self._closing:
                self._changed.wait(left)
            jobs = _taken(self._queue, self._batch_rows)
            self._waiting -= sum(job.asked.rows for job in jobs)
            return jobs


def joined(batches: Sequence[Batch]) -> Batch:
    """Put batches of the same columns one behind the other."""
    first = batches[0]
    if len(batches) == 1:
        return first
    if isinstance(first, Rows) and all(isinstance(batch, Rows) for batch in batches):
        return Rows(first.fields, np.concatenate([batch.matrix for batch in batches if isinstance(batch, Rows)]))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in first}


def late() -> Overloaded:
    """Build the error of a request that nobody waits for any more."""
    return Overloaded("The request waited longer than its deadline.", hint="try again in a second", code="deadline")


def code_of(error: Exception | None) -> str:
    """Return the stable code of what kept a job from being answered, empty when nothing did."""
    if error is None:
        return ""
    return str(error.facts.get("code", error.code)) if isinstance(error, Overloaded) else "model_error"


def _taken(waiting: deque[Job], most: int) -> list[Job]:
    """Take the jobs that fit into one call, at least one."""
    jobs = [waiting.popleft()]
    rows = jobs[0].asked.rows
    while waiting and rows + waiting[0].asked.rows <= most:
        jobs.append(waiting.popleft())
        rows += jobs[-1].asked.rows
    return jobs


def _full(waiting: int, limit: int) -> Overloaded:
    return Overloaded(f"{waiting} rows wait already, the limit is {limit}.", hint="try again in a second")
