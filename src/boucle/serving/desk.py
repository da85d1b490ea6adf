"""One request's way through the parts: who may, who answers, what the table is, and where it waits for the model.

The same for the quick way over HTTP, for its ASGI twin and for a model inside another application. Nothing here waits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import numpy as np

from boucle.core.deployment import Route
from boucle.core.errors import BoucleError, Overloaded, RequestError
from boucle.core.signature import Batch
from boucle.serving.batcher import Job, Lane, Outcome
from boucle.serving.capture import Capture
from boucle.serving.columns import plain
from boucle.serving.engine import Engine, Snapshot
from boucle.serving.fallback import answers
from boucle.serving.messages import Answer, Asked, Raw, check_id
from boucle.serving.metrics import Metrics
from boucle.serving.options import ServeOptions
from boucle.serving.router import Choice, Served, choose, leader, numbered
from boucle.serving.versions import LoadedVersion

_ID_BYTES = 12
_IDS = 1024


class Question(msgspec.Struct, eq=False, gc=False):
    """What is asked of which model; ``id`` and ``key`` may be empty. ``version`` is a pinned one."""

    model: str
    protocol: ModuleType
    raw: Raw
    version: int | None = None
    id: str = ""
    key: str = ""


class Desk:
    """Takes questions for one engine. ``flush`` answers those of quick models, on the thread that calls it."""

    def __init__(self, options: ServeOptions, engine: Engine, capture: Capture, metrics: Metrics) -> None:
        self.options = options
        self.engine = engine
        self.capture = capture
        self.metrics = metrics
        self._lanes: list[Lane] = []
        self._direct = options.routing_key is None

    def ask(self, question: Question, done: Callable[[Job], None], started: float = 0.0) -> Job:
        """Queue a question; ``done`` is called once, when it is answered: here, in ``flush`` or on a model's thread.

        ``started`` is when it was there, on ``perf_counter``; now, if not said.

        Raises NotFound, RequestError for a table that breaks the contract, Overloaded, Asleep.
        """
        started = started or time.perf_counter()
        snapshot = self.engine.snapshot
        served = snapshot.served.get(question.model) or snapshot.find(question.model)
        if self.options.memory:
            self._be_awake(snapshot, question.model)
        if not served.route.enabled:
            return self._fallback(served, question, started, done)
        version = served.champion
        if version is not None and served.challenger is None and self._direct and question.version is None:
            asked = version.intake.read(question.protocol, question.raw)
            name = question.id or _id(asked)
            job = Job(version, asked, name, question.key, "champion", started, started + self.options.deadline, done)
            self._submit(version, job)
            return job
        asked, choice, key, name = self._route(served, question)
        due = started + self.options.deadline
        job = Job(choice.version, asked, name, key, choice.role, started, due, done)
        self._submit(choice.version, job)
        if choice.shadow is not None:
            self._copy(choice, question, asked, job)
        return job

    def flush(self) -> None:
        """Answer what waits for quick models."""
        while self._lanes:
            lanes, self._lanes = self._lanes, []
            for lane in lanes:
                lane.flush()

    @property
    def waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._lanes)

    def _be_awake(self, snapshot: Snapshot, model: str) -> None:
        """Note that a model is asked; raises Asleep while it is loaded for that."""
        if model in snapshot.asleep:
            raise self.engine.residency.wake(model)
        self.engine.residency.touch(model)

    def _submit(self, version: LoadedVersion, job: Job) -> None:
        lane = version.lane
        if lane is not None and job.asked.rows <= version.lane_rows:
            if lane.add(job):
                self._lanes.append(lane)
        else:
            version.batcher.submit(job)

    def _route(
        self, served: Served[LoadedVersion], question: Question
    ) -> tuple[Asked, Choice[LoadedVersion], str, str]:
        """Choose who answers and read the table for it. The table may hold the key or the id, so it is read first."""
        first = numbered(served, question.version) if question.version is not None else leader(served)
        asked = first.intake.read(question.protocol, question.raw)
        name, key, field = question.id or _id(asked), question.key, self.options.routing_key
        if not key and field is not None and field in first.info.signature.names:
            key = str(plain(_batch(first, asked)[field][:1])[0])
        choice = choose(served, key or name, question.version)
        if not _same_inputs(choice.version, first):
            asked = choice.version.intake.read(question.protocol, question.raw)
        return asked, choice, self._kept_key(first, key, question.key), name

    def _kept_key(self, version: LoadedVersion, key: str, given: str) -> str:
        """Return the key as it is kept: hashed when it was read from a personal column."""
        field = next((f for f in version.info.signature.inputs if f.name == self.options.routing_key), None)
        return self.capture.hashed(key) if key and not given and field is not None and field.pii else key

    def _copy(self, choice: Choice[LoadedVersion], question: Question, asked: Asked, job: Job) -> None:
        """Hand a copy to the shadow's own thread; nothing that goes wrong there touches the answer."""
        shadow = choice.shadow
        assert shadow is not None
        try:
            if not _same_inputs(shadow, choice.version):
                asked = shadow.intake.read(question.protocol, question.raw)
            shadow.batcher.submit(Job(shadow, asked, job.id, job.key, "shadow", job.started, job.due))
        except BoucleError:
            self.metrics.add("shadow_dropped_total", shadow.model, str(shadow.number))

    def _fallback(
        self, served: Served[LoadedVersion], question: Question, started: float, done: Callable[[Job], None]
    ) -> Job:
        """Answer for a model that is switched off: by the version on standby, by declared rules, or a constant."""
        route, champion = served.route, served.champion
        standby = served.versions.get(route.standby) if route.standby is not None else None
        if standby is not None:
            asked = standby.intake.read(question.protocol, question.raw)
            due = started + self.options.deadline
            job = Job(standby, asked, question.id or _id(asked), question.key, "fallback", started, due, done)
            self._submit(standby, job)
            return job
        if route.fallback is None or champion is None:
            raise Overloaded(
                f"{route.model} is disabled.", hint=f"switch it on with: boucle enable {route.model}", code="disabled"
            )
        asked = champion.intake.read(question.protocol, question.raw)
        job = Job(Fallback(route), asked, question.id or _id(asked), question.key, "fallback", started, done=done)
        batch = _batch(champion, asked)
        said = answers(route.rules, route.fallback, batch, asked.rows) if route.rules else None
        job.outcome = Outcome({"prediction": constant(route.fallback, asked.rows) if said is None else said})
        job.latency = time.perf_counter() - started
        told = {} if champion.watching is None else champion.watching.columns(batch)
        self.capture.observe(route.model, 0, champion.kept, [job], [""], batch, told, champion.thumbnails)
        self.metrics.add("requests_total", route.model, "0", "fallback", "200")
        done(job)
        return job


class Fallback:
    """Answers in the place of a model that is switched off; known as version 0."""

    def __init__(self, route: Route) -> None:
        self.model = route.model
        self.number = 0

    def answer(self, job: Job) -> Answer:
        assert job.outcome is not None
        return Answer(job.id, self.model, 0, "fallback", lambda: job.outputs, job.outcome.values["prediction"])


def answer(job: Job) -> Answer:
    """Return the answer of a job that is done; raises RequestError when it failed."""
    found: Answer = job.version.answer(job)
    return found


def _batch(version: LoadedVersion, asked: Asked) -> Batch:
    return version.intake.join([asked])


def _same_inputs(one: LoadedVersion, other: LoadedVersion) -> bool:
    return one is other or one.info.signature.inputs == other.info.signature.inputs


def constant(value: Any, rows: int) -> Any:
    """Return a column that says ``value`` in every row."""
    if isinstance(value, bool | int | float):
        return np.full(rows, value)
    column = np.empty(rows, dtype=object)
    column[:] = [value] * rows
    return column


_ids: list[str] = []


def new_id() -> str:
    """Return an id nobody has used and nobody can guess: 96 random bits, drawn a thousand ids at a time."""
    try:
        return _ids.pop()
    except IndexError:
        text = os.urandom(_ID_BYTES * _IDS).hex()
        _ids.extend(text[place : place + 2 * _ID_BYTES] for place in range(0, len(text), 2 * _ID_BYTES))
        return _ids.pop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.clear)  # parent and child must not give out the same ids


def _id(asked: Asked) -> str:
    """Take the id the body gives, if it can be one."""
    if asked.id:
        try:
            return check_id(asked.id)
        except RequestError:
            return new_id()
    return new_id()
