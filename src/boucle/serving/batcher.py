"""Natural batching without timers: whatever waits when the model becomes free is its next batch.

Knows nothing of HTTP, of routes or of capture. A job's answer does not depend on its neighbours: a batch that fails is
run again one job at a time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from boucle.core.errors import Overloaded, RequestError
from boucle.core.observation import Role
from boucle.core.signature import Batch
from boucle.ports.runtime import Predictor


def _nobody(job: Job) -> None:
    """Tell nobody: a shadow copy."""


@dataclass(slots=True, eq=False)
class Job:
    """One request for one version. ``due`` is on the monotonic clock; ``done`` is called on the model's thread, once.

    Either ``outputs`` or ``error`` is set by then. Whoever waits no longer sets ``given_up``.
    """

    batch: Batch
    rows: int
    id: str
    key: str = ""
    role: Role = "champion"
    due: float = float("inf")
    done: Callable[[Job], None] = _nobody
    at: float = field(default_factory=time.time)
    started: float = field(default_factory=perf_counter)
    outputs: Batch | None = None
    error: Exception | None = None
    given_up: bool = False

    @property
    def elapsed(self) -> float:
        """Seconds since the request was read."""
        return perf_counter() - self.started


Finish = Callable[[Sequence[Job]], None]


class Batcher:
    """Runs the jobs of one version on one thread, which it starts when there is work.

    ``finish`` is called with the jobs of each batch before any of them is ``done``.
    """

    def __init__(
        self, predictor: Predictor, finish: Finish, *, name: str, batch_rows: int = 1024, queue_rows: int = 20_000
    ) -> None:
        self._predictor = predictor
        self._finish = finish
        self._name = name
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._queue: deque[Job] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._waiting

    def submit(self, job: Job) -> None:
        """Queue a job; raises Overloaded when the queue has no room for its rows."""
        with self._changed:
            if self._waiting and self._waiting + job.rows > self._queue_rows:
                raise Overloaded(
                    f"{self._waiting} rows wait already, the limit is {self._queue_rows}.", hint="try again in a second"
                )
            self._queue.append(job)
            self._waiting += job.rows
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
            now = time.monotonic()
            work = [job for job in jobs if job.due > now and not job.given_up]
            if work:
                self._predict(work)
            for job in jobs:
                if job.given_up or (job.outputs is None and job.error is None):
                    job.outputs, job.error = None, late()
            self._finish(jobs)
            for job in jobs:
                job.done(job)

    def _next(self) -> list[Job]:
        """Wait for work and take what fits into one batch; an empty list ends the thread."""
        with self._changed:
            while not self._queue:
                if self._closing:
                    self._thread = None
                    return []
                self._changed.wait()
            jobs = [self._queue.popleft()]
            rows = jobs[0].rows
            while self._queue and rows + self._queue[0].rows <= self._batch_rows:
                jobs.append(self._queue.popleft())
                rows += jobs[-1].rows
            self._waiting -= rows
            return jobs

    def _predict(self, jobs: Sequence[Job]) -> None:
        try:
            outputs = self._answer(joined([job.batch for job in jobs]), sum(job.rows for job in jobs))
        except Exception as error:  # noqa: BLE001 - a model may raise anything; it must not end the thread
            if len(jobs) > 1:
                for job in jobs:
                    self._predict([job])
            else:
                jobs[0].error = error
            return
        start = 0
        for job in jobs:
            job.outputs = {name: column[start : start + job.rows] for name, column in outputs.items()}
            start += job.rows

    def _answer(self, batch: Batch, rows: int) -> Batch:
        outputs = self._predictor.predict(batch)
        wrong = {name: len(column) for name, column in outputs.items() if len(column) != rows}
        if wrong or not outputs:
            raise RequestError(f"The model answered {wrong or 'nothing'} for {rows} rows.")
        return outputs


def joined(batches: Sequence[Batch]) -> Batch:
    """Put batches of the same columns one behind the other."""
    if len(batches) == 1:
        return batches[0]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def late() -> Overloaded:
    """Build the error of a request that nobody waits for any more."""
    return Overloaded("The request waited longer than its deadline.", hint="try again in a second", code="deadline")


def code_of(error: Exception | None) -> str:
    """Return the stable code of what kept a job from being answered, empty when nothing did."""
    if error is None:
        return ""
    return str(error.facts.get("code", error.code)) if isinstance(error, Overloaded) else "model_error"
