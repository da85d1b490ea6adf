"""A version in memory: its verified bundle, its model with what brings rows to it, its reader of requests."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boucle import plugins
from boucle.core.deployment import Target
from boucle.core.errors import Overloaded, RequestError
from boucle.core.model import BundleInfo
from boucle.core.observation import REFUSED
from boucle.core.signature import STORAGE, Batch, Column, Field, Rows
from boucle.formats.bundle import bundle_path, verify
from boucle.measures.pictures import blank
from boucle.ports.runtime import Predictor, Thumbnails
from boucle.serving.batcher import Batcher, Caller, Job, Lane, code_of
from boucle.serving.capture import Capture, Kept
from boucle.serving.http import status_of
from boucle.serving.intake import Intake
from boucle.serving.media import MediaLimits
from boucle.serving.messages import Answer
from boucle.serving.metrics import Metrics
from boucle.serving.options import ServeOptions
from boucle.serving.pace import Pace
from boucle.serving.watching import watching

QUICK = 0.0005
TRIED_ROWS, TRIES = 32, 3
SLOW, FEW_ROWS = 0.05, 4
LONG = 0.5
"""Seconds a call of a slow model for many should take at most, where it is asked for texts or images."""
MODEL_ERROR = "model_error"
PIXELS = 224
SAMPLE = "This is a text of the length that people write when they are asked what they think of something they bought."
log = logging.getLogger("boucle.serving")


class LoadedVersion:
    """One version ready to answer. Dropping the last reference to it frees the model.

    ``lane`` is set for a model quick enough to answer on the thread that asks, requests of up to ``lane_rows`` rows.
    """

    def __init__(
        self, model: str, target: Target, info: BundleInfo, predictor: Predictor, recorder: Recorder,
        options: ServeOptions,
    ) -> None:  # fmt: skip
        self.model = model
        self.target = target
        self.number = target.version
        self.info = info
        limits = MediaLimits(options.max_characters, options.max_image, options.max_pixels)
        self.intake = Intake(info.signature, options.max_rows, options.refuse, limits)
        self.labels = info.signature.classes
        self.kept = Kept(info.signature, options.texts, options.images)
        self.watching = watching(info.signature.inputs, predictor)
        self.thumbnails = predictor if isinstance(predictor, Thumbnails) else None
        self._more = tuple(field.name for field in info.signature.outputs[1:] if field.name != "probabilities")
        one, many = trial(predictor, info.signature.inputs)
        batch_rows = options.batch_rows if self.watching is None else few_rows(many, options.batch_rows)
        caller = Caller(predictor, self._join, lambda jobs, asked: recorder.finish(self, jobs, asked))
        self.batcher = Batcher(
            caller,
            name=f"{model}/{target.version}",
            batch_rows=batch_rows,
            queue_rows=options.queue_rows,
            max_wait=options.max_wait,
            pace=Pace(one, many, TRIED_ROWS),
        )
        self.lane_rows = quick_rows(many, options.batch_rows)
        self.lane: Lane | None = None
        if self.lane_rows:
            self.lane = Lane(caller, batch_rows=self.lane_rows, queue_rows=options.queue_rows)

    def answer(self, job: Job) -> Answer:
        """Return the answer of a job that is done; raises RequestError when it failed."""
        outcome = job.outcome
        if outcome is None:
            raise failure(self, job)
        start, behind, shares = job.start, job.start + job.asked.rows, outcome.probabilities
        return Answer(
            job.id,
            self.model,
            self.number,
            job.role,
            lambda: job.outputs,
            outcome.predictions[start:behind],
            None if shares is None else shares[start:behind],
            self.labels,
            {name: outcome.values[name][start:behind] for name in self._more} if self._more else {},
        )

    def _join(self, jobs: Sequence[Job]) -> Batch:
        return self.intake.join([job.asked for job in jobs])


class Recorder:
    """Writes each call of a model into the log and counts it."""

    def __init__(self, capture: Capture, metrics: Metrics, on: bool = True) -> None:
        self.on = on
        self.capture = capture
        self.metrics = metrics

    def finish(self, version: LoadedVersion, jobs: Sequence[Job], asked: Batch | None) -> None:
        """Record one call; nothing that goes wrong here may keep an answer back."""
        if not self.on:
            return
        try:
            errors = [code(job.error) if job.error is not None else "" for job in jobs]
            told = {} if version.watching is None or asked is None else version.watching.columns(asked)
            self.capture.observe(
                version.model, version.number, version.kept, jobs, errors, asked, told, version.thumbnails
            )
            self._count(version, jobs, errors)
        except Exception:  # the thread has to live on
            log.exception("the answers of %s/%s could not be recorded", version.model, version.number)

    def _count(self, version: LoadedVersion, jobs: Sequence[Job], errors: list[str]) -> None:
        metrics, model, number = self.metrics, version.model, str(version.number)
        metrics.observe("batch_rows", value=sum([job.asked.rows for job in jobs]))
        roles = {job.role for job in jobs}
        for role in roles:
            mine = jobs if len(roles) == 1 else [job for job in jobs if job.role == role]
            failed = self._failed(version, mine) if any(errors) else {}
            if role != "shadow":
                metrics.observe_all("request_duration_seconds", model, number, values=[job.latency for job in mine])
                for status, count in {"200": len(mine) - sum(failed.values()), **failed}.items():
                    metrics.add("requests_total", model, number, role, status, value=count)
        outcome = jobs[0].outcome
        if version.labels is not None and outcome is not None:
            predicted = next(iter(outcome.values.values()))
            for label in set(predicted):
                metrics.add("predictions_total", model, number, str(label), value=predicted.count(label))

    def _failed(self, version: LoadedVersion, jobs: Sequence[Job]) -> Mapping[str, int]:
        """Count jobs that failed by status, and tell of those that are the model's fault."""
        failed = [job for job in jobs if job.error is not None]
        for job in failed:
            if code(job.error) == MODEL_ERROR:
                log.error("%s/%s failed on request %s: %r", version.model, version.number, job.id, job.error)
            elif isinstance(job.error, Overloaded) and job.role != "shadow":
                self.metrics.add("refused_total", version.model, code(job.error))
        return Counter(str(status_of(failure(version, job))) for job in failed)


class AfterFork(Exception):
    """A model that does not survive a fork was not loaded before one."""


class Loader:
    """Loads versions and wires what they answer to capture and metrics."""

    def __init__(self, options: ServeOptions, capture: Capture, metrics: Metrics) -> None:
        self._options = options
        self._recorder = Recorder(capture, metrics, options.record)
        self.forking = False

    def record(self, capture: Capture, metrics: Metrics) -> None:
        """Record into these from now on, whatever is loaded already included."""
        self._recorder.capture, self._recorder.metrics = capture, metrics

    def keep_up(self) -> None:
        """Have what is recorded synced to the disk."""
        self._recorder.capture.keep_up()

    def load(self, model: str, target: Target) -> LoadedVersion:
        """Verify a bundle and load it; raises BoucleError, AfterFork, or whatever a runtime lets through."""
        directory = self._find(target)
        info = verify(directory, target.digest)
        runtime = plugins.load("runtimes", info.runtime)()
        if self.forking and not getattr(runtime, "forks", False):
            raise AfterFork
        predictor: Predictor = runtime.load(directory, info)
        return LoadedVersion(model, target, info, predictor, self._recorder, self._options)

    def _find(self, target: Target) -> Path:
        """Return the bundle's directory: where the release state says, or here if the state was moved."""
        named = Path(target.bundle)
        return named if named.is_dir() else bundle_path(Path(self._options.state), target.digest)


def failure(version: LoadedVersion, job: Job) -> RequestError:
    """Build what the caller is told about a job that failed."""
    error = job.error
    if isinstance(error, Overloaded):
        return error
    if refused(error):
        assert isinstance(error, RequestError)
        return error
    told = f": {error.message}" if isinstance(error, RequestError) else "."
    return RequestError(f"{version.model}/{version.number} failed on this request{told}", code=code_of(error))


def refused(error: Exception | None) -> bool:
    """Say whether a model refused what it was asked, naming the field: that is the caller's to mend."""
    return isinstance(error, RequestError) and not isinstance(error, Overloaded) and bool(error.facts.get("field"))


def code(error: Exception | None) -> str:
    """Return the stable code a failed job is recorded with."""
    return REFUSED if refused(error) else code_of(error)


def few_rows(spent: float, most: int) -> int:
    """Return how many rows a slow model takes in about LONG, by what TRIED_ROWS took: nobody waits for a huge batch."""
    return most if spent <= 0.0 else max(TRIED_ROWS, min(most, int(TRIED_ROWS * LONG / spent)))


def quick_rows(spent: float, most: int) -> int:
    """Return how many rows a model answers in about half a millisecond, by what TRIED_ROWS took.

    0 for one that is slow on a few already, or could not be tried.
    """
    return max(TRIED_ROWS, min(most, int(TRIED_ROWS * QUICK / spent))) if 0.0 < spent < QUICK else 0


def trial(predictor: Predictor, fields: tuple[Field, ...]) -> tuple[float, float]:
    """Return the seconds a model takes for one made-up row and for TRIED_ROWS; zeros where such rows break it.

    The first call warms it up, then the best of a few counts: others use the machine as well. A model that takes long
    is tried no more than needed: what many rows take it is told by a few.
    """
    found: list[float] = []
    try:
        for rows in (1, TRIED_ROWS):
            slow = bool(found) and found[0] > SLOW
            sample = _made_up(fields, FEW_ROWS if slow else rows)
            warm = _seconds(predictor, sample)
            best = warm if warm > SLOW * rows else min(_seconds(predictor, sample) for _ in range(TRIES))
            found.append(best * rows / FEW_ROWS if slow else best)
    except Exception:  # noqa: BLE001 - made-up rows may break a model; real ones are for its own thread then
        return 0.0, 0.0
    return max(found[0], 1e-9), max(found[1], 1e-9)


def _seconds(predictor: Predictor, sample: Batch) -> float:
    begun = time.perf_counter()
    predictor.predict(sample)
    return time.perf_counter() - begun


def _made_up(fields: tuple[Field, ...], rows: int) -> Batch:
    if all(field.dtype in ("float64", "int64", "bool") for field in fields):
        return Rows(fields, np.tile(np.array([float(_typical(field)) for field in fields]), (rows, 1)))
    return {field.name: _column(field, rows) for field in fields}


def _column(field: Field, rows: int) -> Column:
    own = field.dtype in ("string", "datetime", "text", "image")
    column = np.empty(rows, dtype=STORAGE[field.dtype] if own else field.storage)
    column[:] = _typical(field)
    return column


def _typical(field: Field) -> Any:
    if field.dtype == "datetime":
        return np.datetime64("2020-01-01", "ns")
    if field.dtype == "text":
        return SAMPLE
    if field.dtype == "image":
        return blank(PIXELS)
    if field.categories:
        return field.categories[0]
    if field.dtype == "string":
        return ""
    return 0.0 if field.minimum is None or field.maximum is None else (field.minimum + field.maximum) // 2
