from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.serving.batcher import Job
from boucle.serving.desk import Question, answer
from boucle.serving.messages import Raw
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble
from boucle.serving.protocols import friendly
from boucle.serving.residency import Asleep, Residency

SIGNATURE = Signature((Field("x", "float64"),), outputs_of(None))
MB = 2**20
NAMES = ("ant", "bee", "cow")


class Heavy:
    """A model of thirty megabytes."""

    def load(self, directory: Path, info: BundleInfo) -> Heavy:
        self.weights = np.ones(30 * MB // 8)
        return self

    def predict(self, batch: Batch) -> Batch:
        return {"prediction": batch["x"].astype(float) + self.weights[0]}


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    """Three models of thirty megabytes, and room for two."""
    monkeypatch.setattr(plugins, "load", lambda group, name: Heavy)
    routes = []
    for name in NAMES:
        staged = bundle.staging(tmp_path)
        (staged / "weights.bin").write_bytes(name.encode() * (30 * MB // 3))
        bundle.write_info(staged, BundleInfo(name, SIGNATURE, "heavy", 1.0))
        path, digest = bundle.publish(staged, tmp_path)
        routes.append(Route(name, True, Target(1, str(path), digest)))
    made = assemble(ServeOptions(str(tmp_path), memory=65 * MB), "worker")
    write_routes(made.options.routes, RouteTable(1, tuple(routes)))
    made.engine.look()
    yield made
    made.close()


def ask(plane: Plane, model: str) -> list[float]:
    done: list[Job] = []
    question = Question(model, friendly, Raw(b'{"x": 1}'))
    try:
        plane.desk.ask(question, done.append)
    except Asleep:
        plane.engine.look()
        plane.desk.ask(question, done.append)
    plane.desk.flush()
    return answer(done[0]).predictions


def awake(plane: Plane) -> set[str]:
    return {name for name, served in plane.engine.snapshot.served.items() if served.versions}


def test_models_beyond_the_limit_sleep_and_the_plane_is_ready(plane: Plane) -> None:
    assert len(awake(plane)) == 2
    assert plane.engine.snapshot.ready


def test_a_sleeping_model_wakes_when_asked_and_the_one_asked_longest_ago_gives_way(plane: Plane) -> None:
    for name in ("ant", "bee", "cow", "ant", "cow", "bee"):
        assert ask(plane, name) == [2.0]
        assert name in awake(plane)
        assert len(awake(plane)) <= 2
    assert awake(plane) == {"cow", "bee"}


def test_without_a_limit_nothing_sleeps() -> None:
    residency = Residency()
    residency.weigh("ant", 10**12, 10**12)
    assert residency.fits("bee", ["ant"])
    assert residency.gives_way(["ant", "bee"]) is None


def test_one_model_larger_than_the_limit_is_served_all_the_same() -> None:
    residency = Residency(10)
    residency.weigh("ant", 20, 20)
    assert residency.gives_way(["ant"]) is None
