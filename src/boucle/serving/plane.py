"""The parts of one process of the data plane, put together: behind HTTP or inside another application."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from boucle.core.errors import BoucleError
from boucle.formats.room import Room
from boucle.serving.batcher import Job
from boucle.serving.capture import Capture, pii_key
from boucle.serving.desk import Desk
from boucle.serving.engine import Engine
from boucle.serving.guard import Followed
from boucle.serving.http import code_of, status_of
from boucle.serving.metrics import Metrics, clear
from boucle.serving.options import ServeOptions
from boucle.serving.versions import Loader

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Plane:
    """One process: what it answers with, what it records into. ``engine.start`` loads what is released."""

    options: ServeOptions
    engine: Engine
    desk: Desk
    capture: Capture
    metrics: Metrics
    access: Followed

    def refused(self, model: str | None, error: BoucleError) -> None:
        """Count a request that was refused before any version could answer it."""
        served = self.engine.snapshot.served
        name = model or (next(iter(served)) if len(served) == 1 else "")
        name = name if name in served else ""
        self.metrics.add("requests_total", name, "", "", str(status_of(error)))
        self.metrics.add("refused_total", name, code_of(error))

    def gauge(self) -> None:
        """Write down what is true now and not counted as it happens."""
        self.metrics.set("observations_dropped_total", value=self.capture.dropped)
        self.metrics.set("queue_rows", value=self.engine.waiting)
        self.metrics.set("saturation_ratio", value=self.engine.saturation)

    def close(self) -> None:
        """Finish what waits, then close the log."""
        self.engine.close()
        self.capture.close()
        self.metrics.close()
        self.access.close()


def assemble(options: ServeOptions, name: str) -> Plane:
    """Put the parts together; nothing is loaded yet. ``name`` says in file names what kind of process it is."""
    metrics = Metrics(options.metrics, f"{name}-{os.getpid()}")
    clear(options.metrics, f"{EMBEDDED}-")
    capture = _capture(options, name)
    access = Followed(options.access, options.guarded, options.serving / "limits.bin")
    engine = Engine(options, Loader(options, capture, metrics), metrics, access.look)
    return Plane(options, engine, Desk(options, engine, capture, metrics), capture, metrics, access)


def forked(plane: Plane, name: str) -> Plane:
    """Return the plane of a process forked from ``plane``'s: the same models, its own log and numbers."""
    options = plane.options
    metrics = Metrics(options.metrics, f"{name}-{os.getpid()}")
    capture = _capture(options, name)
    plane.engine.record(capture, metrics)
    return replace(plane, desk=Desk(options, plane.engine, capture, metrics), capture=capture, metrics=metrics)


def _capture(options: ServeOptions, name: str) -> Capture:
    room = Room(options.max_disk, [Path(folder) for folder in options.captured])
    return Capture(options.segments, name, options.segment_bytes, pii_key(options.serving / "pii.key"), room)


def remaining(job: Job) -> float:
    """Return the seconds left until a job's deadline."""
    return max(0.0, job.due - time.perf_counter())
