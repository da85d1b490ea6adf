"""Every distiller returns a student that a runtime keeps and that knows the teacher's classes, or refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.contracts.tiny_bundles import TEXTS, bundle

from boucle import plugins
from boucle.core.errors import BoucleError
from boucle.ports.exporter import Distiller, Lessons
from boucle.ports.runtime import Runtime


@pytest.fixture(params=plugins.names("distillers"))
def distiller(request: pytest.FixtureRequest) -> Distiller:
    made: Distiller = plugins.load("distillers", request.param)()
    assert made.name == request.param
    return made


def taught(distiller: Distiller, student: str, folder: Path) -> NDArray[np.float64]:
    directory, info, _ = bundle(folder)
    texts = np.array([f"{text}, number {n}" for n in range(15) for text in TEXTS], dtype=object)
    teacher = plugins.load("runtimes", info.runtime)().load(directory, info)
    shares = np.asarray(teacher.predict({info.signature.names[0]: texts})["probabilities"], dtype=np.float64)
    labels = np.where(np.arange(len(texts)) % 3 == 0, -1, shares.argmax(1))
    (folder / "student").mkdir()
    settings = {"metric": "accuracy", "seed": 3, "directory": str(folder), "epochs": 1}
    lessons = Lessons(texts, labels, shares)
    made = distiller.distill(directory, info, student, lessons, folder / "student", settings, lambda text, share: None)
    runtime: Runtime = plugins.load("runtimes", made.runtime)()
    answered = runtime.wrap(made.model, info.signature).predict({info.signature.names[0]: TEXTS})
    return np.asarray(answered["probabilities"], dtype=np.float64)


def test_a_student_of_some_layers_answers_the_teachers_classes(distiller: Distiller, tmp_path: Path) -> None:
    shares = taught(distiller, "layers=0", tmp_path)
    assert shares.shape[0] == len(TEXTS)
    assert np.allclose(shares.sum(1), 1.0)


@pytest.mark.parametrize("student", ["layers=0,99", "layers=", "no-such-folder"])
def test_a_student_that_cannot_be_is_refused_with_a_way_out(distiller: Distiller, tmp_path: Path, student: str) -> None:
    with pytest.raises(BoucleError) as refused:
        taught(distiller, student, tmp_path)
    assert refused.value.hint
