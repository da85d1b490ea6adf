"""One request's way through the parts: route, read the table, queue, and turn what comes back into an answer.

The same for HTTP and for a model inside another application. Nothing here waits.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from boucle.core.errors import BoucleError, Overloaded, RequestError
from boucle.core.observation import Observation
from boucle.serving.batcher import Job, code_of
from boucle.serving.capture import Capture, outputs
from boucle.serving.codec import TableReader
from boucle.serving.columns import plain
from boucle.serving.engine import Engine
from boucle.serving.messages import Answer, Asked, check_id
from boucle.serving.metrics import Metrics
from boucle.serving.options import ServeOptions
from boucle.serving.router import Choice, Served, choose, leader, numbered
from boucle.serving.versions import LoadedVersion

Read = Callable[[TableReader], Asked]


@dataclass(slots=True)
class Question:
    """What is asked of which model. ``read`` makes the table with a version's reader; ``id``, ``key`` may be empty."""

    model: str
    read: Read
    version: int | None = None
    id: str = ""
    key: str = ""


class Ticket:
    """A question on its way. ``answer`` turns the finished job into the answer, or raises what went wrong."""

    __slots__ = ("asked", "job", "ready", "version")

    def __init__(self, asked: Asked, job: Job | None, version: LoadedVersion | None, ready: Answer | None) -> None:
        self.asked = asked
        self.job = job
        self.version = version
        self.ready = ready

    def answer(self) -> Answer:
        """Return the answer of a job that is done; raises RequestError when it failed."""
        if self.ready is not None:
            return self.ready
        assert self.job is not None
        assert self.version is not None
        job, version = self.job, self.version
        if job.outputs is None:
            raise _failure(version, job)
        labels = version.info.signature.classes
        return Answer(job.id, version.model, version.number, job.role, job.outputs, labels)


class Desk:
    """Takes questions and feedback for one engine."""

    def __init__(self, options: ServeOptions, engine: Engine, capture: Capture, metrics: Metrics) -> None:
        self.options = options
        self.engine = engine
        self.capture = capture
        self.metrics = metrics

    def ask(self, question: Question, done: Callable[[Job], None]) -> Ticket:
        """Queue a question; ``done`` is called on the model's thread. A declared fallback is answered at once.

        Raises NotFound, RequestError for a table that breaks the contract, Overloaded.
        """
        started = time.perf_counter()
        served = self.engine.snapshot.find(question.model)
        if not served.route.enabled:
            return self._fallback(served, question)
        asked, choice, key, name = self._route(served, question)
        job = Job(asked.batch, asked.rows, name, key, choice.role, time.monotonic() + self.options.deadline, done)
        job.started = started
        self._submit(choice.version, job)
        if choice.shadow is not None:
            self._copy(choice, question, asked, job)
        return Ticket(asked, job, choice.version, None)

    def _route(
        self, served: Served[LoadedVersion], question: Question
    ) -> tuple[Asked, Choice[LoadedVersion], str, str]:
        """Choose who answers and read the table for it. The table may hold the key or the id, so it is read first."""
        first = numbered(served, question.version) if question.version is not None else leader(served)
        asked = question.read(first.reader)
        name, key, field = question.id or _id(asked), question.key, self.options.routing_key
        if not key and field is not None and field in asked.batch:
            key = str(plain(asked.batch[field][:1])[0])
        choice = choose(served, key or name, question.version)
        if not _same_inputs(choice.version, first):
            asked = question.read(choice.version.reader)
        return asked, choice, self._kept_key(first, key, question.key), name

    def _kept_key(self, version: LoadedVersion, key: str, given: str) -> str:
        """Return the key as it is kept: hashed when it was read from a personal column."""
        field = next((f for f in version.info.signature.inputs if f.name == self.options.routing_key), None)
        return self.capture.hashed(key) if key and not given and field is not None and field.pii else key

    def _submit(self, version: LoadedVersion, job: Job) -> None:
        version.batcher.submit(job)
        self.metrics.add("queue_rows", value=job.rows)

    def _copy(self, choice: Choice[LoadedVersion], question: Question, asked: Asked, job: Job) -> None:
        """Hand a copy to the shadow; nothing that goes wrong there touches the answer."""
        shadow = choice.shadow
        assert shadow is not None
        try:
            batch = asked.batch if _same_inputs(shadow, choice.version) else question.read(shadow.reader).batch
            self._submit(shadow, Job(batch, job.rows, job.id, job.key, "shadow", job.due))
        except BoucleError:
            self.metrics.add("shadow_dropped_total", shadow.model, str(shadow.number))

    def _fallback(self, served: Served[LoadedVersion], question: Question) -> Ticket:
        """Answer the declared constant for a model that is switched off."""
        route, champion = served.route, served.champion
        if route.fallback is None or champion is None:
            raise Overloaded(
                f"{route.model} is disabled.", hint=f"switch it on with: boucle enable {route.model}", code="disabled"
            )
        started, now = time.perf_counter(), time.time()
        asked = question.read(champion.reader)
        name = question.id or _id(asked)
        answer = Answer(name, route.model, 0, "fallback", {"prediction": constant(route.fallback, asked.rows)})
        signature = champion.info.signature
        seen = Observation(
            name, now, route.model, 0, "fallback", asked.rows,
            self.capture.inputs(asked.batch, signature), outputs(answer.outputs),
            time.perf_counter() - started, "", question.key,
        )  # fmt: skip
        self.capture.observe([seen], signature.prediction)
        return Ticket(asked, None, None, answer)


def _same_inputs(one: LoadedVersion, other: LoadedVersion) -> bool:
    return one is other or one.info.signature.inputs == other.info.signature.inputs


def constant(value: Any, rows: int) -> Any:
    """Return a column that says ``value`` in every row."""
    if isinstance(value, bool | int | float):
        return np.full(rows, value)
    column = np.empty(rows, dtype=object)
    column[:] = [value] * rows
    return column


def new_id() -> str:
    """Return an id nobody has used."""
    return secrets.token_hex(12)


def _id(asked: Asked) -> str:
    """Take the id the body gives, if it can be one."""
    if asked.id:
        try:
            return check_id(asked.id)
        except RequestError:
            return new_id()
    return new_id()


def _failure(version: LoadedVersion, job: Job) -> RequestError:
    error = job.error
    if isinstance(error, Overloaded):
        return error
    told = f": {error.message}" if isinstance(error, RequestError) else "."
    return RequestError(f"{version.model}/{version.number} failed on this request{told}", code=code_of(error))
