"""A project's own ``module:function``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.adapters.trainers.sklearn import SklearnTrainer
from boucle.core.errors import BundleError, TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Fitted, Job

FRAME = pd.DataFrame({"a": np.arange(40.0), "b": ["u", "v"] * 20, "y": np.arange(40.0) * 2})
FIELDS = (Field("a", "float64"), Field("b", "string"))
MODULE = """
import sys
from sklearn.linear_model import Ridge
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.compose import make_column_transformer
from sklearn.base import BaseEstimator, RegressorMixin

def plain(alpha=1.0):
    return Ridge(alpha=alpha)

def forest(seed, trees=3):
    return RandomForestRegressor(trees, random_state=seed)

def whole():
    return make_pipeline(make_column_transformer(("passthrough", ["a"])), Ridge())

def fitted(X, y, alpha=1.0):
    assert list(X.columns) == ["a", "b"]
    return make_pipeline(make_column_transformer(("passthrough", ["a"])), Ridge(alpha=alpha)).fit(X, y)

def nothing():
    return 3

def silent(X, y):
    return None

class Mean(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = float(y.mean())
        return self
    def predict(self, X):
        return [self.mean_] * len(X)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    return tmp_path


def fit(directory: Path, estimator: str, **changes: Any) -> Fitted:
    job = Job(
        "tabular-regression", FIELDS, "y", FRAME, estimator=estimator, folds=2, directory=str(directory), **changes
    )
    return SklearnTrainer().fit(job, lambda text, share: None)


def test_an_unfitted_estimator_gets_the_standard_preprocessing(directory: Path) -> None:
    fitted = fit(directory, "mine:plain", params={"alpha": 0.5})
    assert [name for name, _ in fitted.model.steps] == ["prepare", "model"]
    assert fitted.model[-1].alpha == 0.5
    assert fitted.params == {"estimator": "mine:plain", "alpha": 0.5}


def test_a_pipeline_is_taken_as_it_is(directory: Path) -> None:
    assert [name for name, _ in fit(directory, "mine:whole").model.steps] == ["columntransformer", "ridge"]


def test_a_function_of_rows_and_target_fits_its_model_itself(directory: Path) -> None:
    fitted = fit(directory, "mine:fitted", params={"alpha": 0.1})
    assert fitted.model[-1].alpha == 0.1
    assert fitted.scores["fitted"] < fitted.scores["baseline"]


def test_a_function_that_takes_a_seed_gets_the_jobs(directory: Path) -> None:
    assert fit(directory, "mine:forest", seed=11).model[-1].random_state == 11


def test_its_parameters_can_be_searched_where_ranges_are_declared(directory: Path) -> None:
    fitted = fit(directory, "mine:plain", params={"alpha": {"low": 0.01, "high": 100.0, "log": True}}, trials=3)
    assert "plain (searched)" in fitted.scores


def test_a_module_changed_between_trainings_is_read_anew(directory: Path, tmp_path: Path) -> None:
    fit(directory, "mine:plain")
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.py").write_text("from sklearn.linear_model import Lasso\ndef plain():\n    return Lasso()\n")
    assert type(fit(other, "mine:plain").model[-1]).__name__ == "Lasso"


def test_a_class_of_the_projects_own_trains_but_is_not_kept_in_a_safe_format(directory: Path) -> None:
    fitted = fit(directory, "mine:Mean")
    with pytest.raises(BundleError, match=r"mine\.Mean") as caught:
        SklearnRuntime().save(fitted.model, directory, fitted.signature)
    assert "--allow-pickle" in str(caught.value)
    assert not (directory / "model.skops").exists()


@pytest.mark.parametrize(
    ("estimator", "params", "message"),
    [
        ("mine:plane", {}, "did you mean 'plain'"),
        ("yours:plain", {}, "cannot be imported"),
        ("mine:nothing", {}, "has no fit"),
        ("mine:silent", {}, "silent could not be fitted|no predict"),
        ("mine:plain", {"beta": 1}, "does not take these parameters"),
        ("mine:fitted", {"beta": 1}, "does not take these parameters"),
        ("mine:sys", {}, "not an estimator"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(
    directory: Path, estimator: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(directory, estimator, params=params)


def test_a_threshold_cannot_be_put_around_a_model_that_is_fitted_already(directory: Path) -> None:
    code = (
        "from sklearn.linear_model import LogisticRegression\ndef own(X, y):\n    return LogisticRegression().fit(X, y)"
    )
    (directory / "binary.py").write_text(code)
    frame = FRAME.assign(y=np.where(FRAME["a"] > 20, "high", "low"))[["a", "y"]]
    job = Job(
        "tabular-classification", FIELDS[:1], "y", frame, estimator="binary:own", metric="accuracy", threshold=0.3,
        folds=2, directory=str(directory),
    )  # fmt: skip
    with pytest.raises(TrainingError, match="fits its model itself"):
        SklearnTrainer().fit(job, lambda text, share: None)
