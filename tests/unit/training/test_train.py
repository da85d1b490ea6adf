"""A job becomes a bundle."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle import plugins
from boucle.core.errors import BundleError, TrainingError
from boucle.core.model import BundleInfo
from boucle.core.profile import RATES
from boucle.core.run import Environment
from boucle.core.signature import Batch, Field, Signature
from boucle.formats import bundle
from boucle.measures.law import Law
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor, Runtime, Saved
from boucle.ports.trainer import Fitted, Job, Progress
from boucle.training.train import Trained, train

RNG = np.random.default_rng(5)
FIELDS = (Field("size", "float64", optional=True), Field("town", "string", optional=True), Field("name", "string"))
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(90) % 9 == 0, np.nan, RNG.normal(size=90)),
        "town": np.array(["Lyon", "Nantes", None], dtype=object)[RNG.integers(0, 3, 90)],
        "name": np.array(["a", "b"], dtype=object)[RNG.integers(0, 2, 90)],
    }
)
FRAME["dear"] = np.where(FRAME["size"].fillna(0) + (FRAME["town"] == "Lyon") > 0.3, "yes", "no")
JOB = Job(
    "tabular-classification", FIELDS, "dear", FRAME, estimator="sklearn.linear_model.LogisticRegression",
    metric="accuracy", threshold=0.4, folds=3,
)  # fmt: skip


def runtime(name: str) -> Runtime:
    found: Runtime = plugins.load("runtimes", name)()
    return found


def trained(root: Path, job: Job = JOB, **options: Any) -> Trained:
    given: dict[str, Any] = {"runtime": runtime, "name": "house", **options}
    return train(job, plugins.load("trainers", "sklearn")(), given.pop("runtime"), root, **given)


def test_a_training_leaves_a_whole_bundle_and_nothing_else(tmp_path: Path) -> None:
    environment = Environment("3.12.1", "Linux", git_commit="c" * 40, git_dirty=True)
    result = trained(tmp_path, lineage={"run": "r1", "reason": None}, environment=environment)
    info = bundle.verify(result.directory, result.digest)
    assert info == result.info
    assert info.threshold == 0.4
    assert info.lineage == {
        "run": "r1", "params": result.fitted.params, "python": "3.12.1", "commit": "c" * 40, "dirty": True
    }  # fmt: skip
    assert info.runtime == "compiled"
    assert [line.partition("==")[0] for line in info.requirements] == ["numpy"]
    assert "scikit-learn==" in (result.directory / "requirements.txt").read_text()
    assert {"MLmodel", "profile.json", "model.skops"} <= {file.name for file in result.directory.iterdir()}
    assert list((tmp_path / "staging").iterdir()) == []


def test_the_loaded_bundle_answers_as_the_fitted_model(tmp_path: Path) -> None:
    result = trained(tmp_path)
    batch = to_batch(FRAME, result.info.signature.inputs)
    before = runtime("sklearn").wrap(result.fitted.model, result.info.signature).predict(batch)
    after = runtime("sklearn").load(result.directory, result.info).predict(batch)
    assert before["prediction"].tolist() == after["prediction"].tolist()
    assert np.array_equal(before["probabilities"], after["probabilities"])


def test_the_reference_profile_holds_answers_to_unseen_rows(tmp_path: Path) -> None:
    result = trained(tmp_path)
    profile = bundle.read_profile(result.directory)
    assert profile.rows == len(FRAME)
    assert [column.name for column in profile.columns] == ["size", "town", "name", "prediction"]
    names = [column.name for column in profile.columns]
    total = profile.total
    assert total.rates[names.index("size"), RATES.index("missing")] == int(FRAME["size"].isna().sum())
    assert result.fitted.unseen is not None
    shares = np.asarray(result.fitted.unseen.answers["probabilities"], dtype=np.float64)[:, 1]
    law = Law(profile)
    counted = law.count({}, result.fitted.unseen.answers["prediction"], np.column_stack([1 - shares, shares]))
    place = law.place(names.index("prediction"))
    assert (total.bins[place] == counted.bins[place]).all()


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    trained(tmp_path, progress=lambda text, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_personal_data_is_not_written_as_an_example(tmp_path: Path) -> None:
    private = replace(JOB, fields=(*FIELDS[:2], Field("name", "string", pii=True)))
    assert (trained(tmp_path).directory / "input_example.json").exists()
    assert not (trained(tmp_path, private).directory / "input_example.json").exists()


class Forgetful:
    """A runtime whose models come back otherwise than they went."""

    name = "forgetful"

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        return Saved()

    def wrap(self, model: Any, signature: Signature) -> Predictor:
        return runtime("sklearn").wrap(model, signature)

    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        return Turned()


class Turned:
    def predict(self, batch: Batch) -> Batch:
        rows = len(batch["size"])
        return {"prediction": np.full(rows, "no", dtype=object), "probabilities": np.zeros((rows, 2))}


def test_a_model_that_answers_otherwise_once_loaded_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="answers otherwise"):
        trained(tmp_path, runtime=lambda name: Forgetful())
    assert list((tmp_path / "staging").iterdir()) == []
    assert not (tmp_path / "bundles").exists()


class Interrupted(Forgetful):
    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        raise KeyboardInterrupt


def test_an_interrupted_training_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, runtime=lambda name: Interrupted())
    assert list((tmp_path / "staging").iterdir()) == []


def test_what_a_killed_training_left_is_harmless_and_goes_after_a_day(tmp_path: Path) -> None:
    fresh, stale = tmp_path / "staging" / "fresh", tmp_path / "staging" / "stale"
    for left in (fresh, stale):
        left.mkdir(parents=True)
        (left / "bundle.json").write_text("{half")
    yesterday = time.time() - 90_000
    os.utime(stale, (yesterday, yesterday))
    result = trained(tmp_path)
    bundle.verify(result.directory, result.digest)
    assert fresh.exists()
    assert not stale.exists()


class Failing:
    name = "failing"

    def fit(self, job: Job, progress: Progress) -> Fitted:
        raise TrainingError("It cannot be fitted.")


def test_a_failed_fit_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        train(JOB, Failing(), runtime, tmp_path, name="house")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore")  # MLflow and what it imports have many
def test_mlflow_gives_the_same_predictions(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow.pyfunc")
    result = trained(tmp_path)
    odd = FRAME[["size", "town", "name"]].assign(name="never seen")
    odd.loc[:5, ["size", "town"]] = None
    for frame in (FRAME[["size", "town", "name"]], odd, odd.astype({"town": "str", "name": "str"})):
        ours = runtime("sklearn").load(result.directory, result.info).predict(to_batch(frame, FIELDS))
        theirs = mlflow.load_model(str(result.directory)).predict(frame)
        assert ours["prediction"].tolist() == list(theirs)
