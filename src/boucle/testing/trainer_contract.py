"""What every Trainer has to do, as tests. An adapter's author subclasses the suite and gives a trainer and its runtime:

class TestMyTrainer(TrainerContract):
    @pytest.fixture
    def trainer(self) -> Trainer:
        return MyTrainer()

    @pytest.fixture
    def runtime(self) -> Runtime:
        return MyRuntime()
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import BoucleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Runtime
from boucle.ports.trainer import Fitted, Job, Trainer

FIELDS = (Field("size", "float64", optional=True), Field("rooms", "int64"), Field("town", "string", optional=True))


def rows(count: int = 80) -> pd.DataFrame:
    """Make rows that can be learned from, with gaps: columns of ``FIELDS``, ``price``, ``dear`` and ``band``."""
    rng = np.random.default_rng(2)
    towns = np.array(["Lyon", "Nantes", None], dtype=object)[rng.integers(0, 3, count)]
    frame = pd.DataFrame({"size": rng.normal(100, 30, count), "rooms": rng.integers(1, 6, count), "town": towns})
    frame["price"] = frame["size"] * 3 + frame["rooms"] * 20 + (frame["town"] == "Lyon") * 50
    frame["dear"] = np.where(frame["price"] > frame["price"].median(), "yes", "no")
    frame["band"] = np.digitize(frame["price"], frame["price"].quantile([0.3, 0.7]))
    frame.loc[::9, "size"] = np.nan
    return frame


JOBS = {
    "numbers": Job("tabular-regression", FIELDS, "price", rows(), metric="rmse", folds=3, seed=4),
    "two classes": Job("tabular-classification", FIELDS, "dear", rows(), metric="accuracy", folds=3, seed=4),
    "three classes": Job("tabular-classification", FIELDS, "band", rows(), metric="accuracy", folds=3, seed=4),
}


def kept(fitted: Fitted, runtime: Runtime, directory: Path) -> Batch:
    """Save the model, load it, and return its answers to its own training rows."""
    saved = runtime.save(fitted.model, directory, fitted.signature)
    info = BundleInfo("m", fitted.signature, runtime.name, 0.0, saved.options, trusted=saved.trusted)
    return runtime.load(directory, info).predict(to_batch(rows(), fitted.signature.inputs))


class TrainerContract:
    @pytest.fixture(params=list(JOBS))
    def job(self, request: pytest.FixtureRequest) -> Job:
        return JOBS[request.param]

    def test_a_fitted_model_is_kept_by_its_runtime(
        self, trainer: Trainer, runtime: Runtime, job: Job, tmp_path: Path
    ) -> None:
        fitted = trainer.fit(job, lambda text, share: None)
        answer = kept(fitted, runtime, tmp_path)
        assert fitted.runtime == runtime.name
        assert fitted.signature.task == job.task
        assert set(fitted.signature.names) <= {field.name for field in job.fields}
        if fitted.signature.classes is not None:
            assert set(fitted.signature.classes) == set(job.frame[job.target])
            assert set(answer["prediction"].tolist()) <= set(fitted.signature.classes)

    def test_the_same_job_gives_the_same_answers(
        self, trainer: Trainer, runtime: Runtime, job: Job, tmp_path: Path
    ) -> None:
        answers = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            answers.append(kept(trainer.fit(job, lambda text, share: None), runtime, tmp_path / name))
        assert all(np.array_equal(answers[0][name], answers[1][name]) for name in answers[0])

    def test_the_choice_is_among_the_scores(self, trainer: Trainer, job: Job) -> None:
        fitted = trainer.fit(job, lambda text, share: None)
        assert fitted.chosen in fitted.scores
        assert fitted.scores[fitted.chosen] != fitted.scores["baseline"]

    def test_progress_rises(self, trainer: Trainer, job: Job) -> None:
        told: list[float] = []
        trainer.fit(job, lambda text, share: told.append(share))
        assert told == sorted(told)
        assert all(0 <= share <= 1 for share in told)

    def test_answers_to_unseen_rows_name_rows_of_the_job(self, trainer: Trainer, job: Job) -> None:
        unseen = trainer.fit(job, lambda text, share: None).unseen
        if unseen is not None:
            assert len(set(unseen.rows.tolist())) == len(unseen.rows) == len(unseen.answers["prediction"])
            assert set(unseen.rows.tolist()) <= set(range(len(job.frame)))

    @pytest.mark.parametrize("changes", [{"target": "absent"}, {"estimator": "no.such.Thing"}, {"metric": "best"}])
    def test_what_cannot_be_trained_is_an_error_of_ours(
        self, trainer: Trainer, job: Job, changes: dict[str, str]
    ) -> None:
        wrong = replace(job, target=changes.get("target", job.target), metric=changes.get("metric", job.metric))
        with pytest.raises(BoucleError):
            trainer.fit(replace(wrong, estimator=changes.get("estimator", job.estimator)), lambda text, share: None)
