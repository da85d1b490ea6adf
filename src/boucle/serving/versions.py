"""A version in memory: its verified bundle, its model with the batcher before it, its reader of tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from boucle import plugins
from boucle.core.deployment import Target
from boucle.core.model import BundleInfo
from boucle.core.observation import Observation
from boucle.formats.bundle import bundle_path, verify
from boucle.ports.runtime import Predictor
from boucle.serving.batcher import Batcher, Job, code_of
from boucle.serving.capture import Capture, outputs
from boucle.serving.codec import TableReader
from boucle.serving.metrics import Metrics
from boucle.serving.options import ServeOptions

log = logging.getLogger("boucle.serving")


@dataclass(eq=False)
class LoadedVersion:
    """One version ready to answer. Dropping the last reference to it frees the model."""

    model: str
    target: Target
    info: BundleInfo
    reader: TableReader
    batcher: Batcher = field(init=False)

    @property
    def number(self) -> int:
        return self.target.version


class Loader:
    """Loads versions and wires what they answer to capture and metrics."""

    def __init__(self, options: ServeOptions, capture: Capture, metrics: Metrics) -> None:
        self._options = options
        self._capture = capture
        self._metrics = metrics

    def load(self, model: str, target: Target) -> LoadedVersion:
        """Verify a bundle and load it; raises BoucleError, or whatever a runtime lets through."""
        directory = self._find(target)
        info = verify(directory, target.digest)
        predictor: Predictor = plugins.load("runtimes", info.runtime)().load(directory, info)
        options = self._options
        version = LoadedVersion(model, target, info, TableReader(info.signature, options.max_rows, options.refuse))
        version.batcher = Batcher(
            predictor,
            lambda jobs: self._finish(version, jobs),
            name=f"{model}/{target.version}",
            batch_rows=options.batch_rows,
            queue_rows=options.queue_rows,
        )
        return version

    def _find(self, target: Target) -> Path:
        """Return the bundle's directory: where the release state says, or here if the state was moved."""
        named = Path(target.bundle)
        return named if named.is_dir() else bundle_path(Path(self._options.state), target.digest)

    def _finish(self, version: LoadedVersion, jobs: Sequence[Job]) -> None:
        """Write one batch into the log and count it; nothing that goes wrong here may keep an answer back."""
        try:
            seen = [observation(version, job, self._capture) for job in jobs]
            self._capture.observe(seen, version.info.signature.prediction)
            self._count(version, jobs, seen)
        except Exception:  # the model's thread has to live on
            log.exception("the answers of %s/%s could not be recorded", version.model, version.number)

    def _count(self, version: LoadedVersion, jobs: Sequence[Job], seen: Sequence[Observation]) -> None:
        metrics, model, number = self._metrics, version.model, str(version.number)
        rows = sum(job.rows for job in jobs)
        metrics.observe("batch_rows", value=rows)
        metrics.add("queue_rows", value=-rows)
        for job, one in zip(jobs, seen, strict=True):
            if job.role != "shadow":
                metrics.observe("request_duration_seconds", model, number, value=one.latency)
            if job.error is not None and code_of(job.error) == "model_error":
                log.error("%s/%s failed on request %s: %r", model, number, job.id, job.error)
        if version.info.signature.classes is not None:
            counts: dict[str, int] = {}
            for one in seen:
                for label in next(iter(one.outputs.values()), ()):
                    counts[str(label)] = counts.get(str(label), 0) + 1
            for label, count in counts.items():
                metrics.add("predictions_total", model, number, label, value=count)


def observation(version: LoadedVersion, job: Job, capture: Capture) -> Observation:
    """Say what a job asked and what it got."""
    signature = version.info.signature
    return Observation(
        id=job.id,
        time=job.at,
        model=version.model,
        version=version.number,
        role=job.role,
        rows=job.rows,
        inputs=capture.inputs(job.batch, signature),
        outputs=outputs(job.outputs),
        latency=job.elapsed,
        error=code_of(job.error),
        key=job.key,
    )
