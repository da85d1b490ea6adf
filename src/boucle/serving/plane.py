"""The parts of one process of the data plane, put together: behind HTTP or inside another application."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from boucle.core.errors import Overloaded
from boucle.serving.batcher import Job
from boucle.serving.capture import Capture, pii_key
from boucle.serving.desk import Desk
from boucle.serving.engine import Engine
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

    def close(self) -> None:
        """Finish what waits, then close the log."""
        self.engine.close()
        self.capture.close()
        self.metrics.close()


def assemble(options: ServeOptions, name: str) -> Plane:
    """Put the parts together; nothing is loaded yet. ``name`` says in file names what kind of process it is."""
    metrics = Metrics(options.metrics, f"{name}-{os.getpid()}")
    clear(options.metrics, f"{EMBEDDED}-")
    capture = Capture(options.segments, name, options.segment_bytes, pii_key(options.serving / "pii.key"))
    engine = Engine(options, Loader(options, capture, metrics), metrics)
    return Plane(options, engine, Desk(options, engine, capture, metrics), capture, metrics)


def remaining(job: Job) -> float:
    """Return the seconds left until a job's deadline."""
    return max(0.0, job.due - time.monotonic())


def late() -> Overloaded:
    """Build the error of an answer that did not come in time."""
    return Overloaded("The answer did not come within the deadline.", hint="try again in a second", code="deadline")
