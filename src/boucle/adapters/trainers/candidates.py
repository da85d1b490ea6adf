"""What may be fitted: estimators by import path, and functions of the project's own.

A class is built with its parameters and put behind the standard preprocessing. A project's ``module:function`` is
looked up in the project's folder, and what it takes decides what it is:

    function(**params)        returns an unfitted estimator; it gets the standard preprocessing unless it is a Pipeline
    function(X, y, **params)  returns a fitted estimator; X is the frame of the inputs, y the target's values

Either gets ``seed`` or ``random_state`` if it takes a parameter of that name.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import all_estimators

from boucle.adapters.trainers.preparation import preparation, usable
from boucle.core.errors import MissingExtra, TrainingError, suggest
from boucle.core.signature import KINDS, Field, Kind, Task

Listed = dict[str, dict[str, Any]]
"""Import paths of estimators, with parameters."""
AUTO: dict[Kind, Listed] = {
    "quantity": {
        "sklearn.linear_model.Ridge": {},
        "sklearn.ensemble.RandomForestRegressor": {"n_estimators": 100},
        "sklearn.ensemble.HistGradientBoostingRegressor": {"early_stopping": False},
    },
    "class": {
        "sklearn.linear_model.LogisticRegression": {"max_iter": 1000},
        "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 100},
        "sklearn.ensemble.HistGradientBoostingClassifier": {"early_stopping": False},
    },
}
WORDED: dict[Kind, Listed] = {
    "quantity": {"sklearn.linear_model.Ridge": {}},
    "class": {
        "sklearn.linear_model.LogisticRegression": {"max_iter": 1000},
        "sklearn.naive_bayes.ComplementNB": {},
    },
}
"""What is tried on running text: tens of thousands of features, nearly all of them 0."""
SEEN: dict[Kind, Listed] = {
    "class": {
        "sklearn.linear_model.LogisticRegression": {"max_iter": 300},
        "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 100},
        "sklearn.svm.SVC": {"C": 5.0},
    },
    "quantity": {"sklearn.linear_model.Ridge": {}, "sklearn.ensemble.RandomForestRegressor": {"n_estimators": 100}},
}
"""What is tried on small pictures."""
_SCALED = (
    "sklearn.linear_model.", "sklearn.svm.", "sklearn.neighbors.", "sklearn.neural_network.", "sklearn.kernel_ridge.",
    "sklearn.gaussian_process.", "sklearn.discriminant_analysis.",
)  # fmt: skip
_EXTRAS = {"xgboost": "xgboost", "lightgbm": "lightgbm"}
_QUIET = {"lightgbm": {"verbose": -1, "deterministic": True, "force_row_wise": True}}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for every candidate of a job."""

    task: Task
    fields: tuple[Field, ...]
    seed: int
    threads: int
    class_weight: str | None = None
    directory: str = "."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to fit. ``make`` gives an unfitted estimator for parameters; ``fits`` marks functions that fit."""

    name: str
    path: str
    make: Callable[..., Any]
    conditions: Conditions
    params: dict[str, Any] = field(default_factory=dict)
    fits: bool = False
    whole: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """The inputs the fitted model takes."""
        return self.conditions.fields if self.fits or self.whole else usable(self.conditions.fields)

    def tuned(self, params: dict[str, Any]) -> Candidate:
        """Return the same candidate with ``params`` on top of its own."""
        return replace(self, params={**self.params, **params})

    def unfitted(self, rows: pd.DataFrame, y: NDArray[Any]) -> Any:
        """Return the whole model, unfitted; ``rows`` and ``y`` tell which columns have gaps, and the labels."""
        made = self.make(**self.params)
        if self.whole:
            return made
        scale = type(made).__module__.startswith(_SCALED)
        model = _answering(_weighted(made, self.conditions, y), self.conditions.task, y)
        return Pipeline([("prepare", preparation(self.fields, rows, scale)), ("model", model)])

    def fit(self, rows: pd.DataFrame, y: NDArray[Any], around: Callable[[Any], Any] | None = None) -> Any:
        """Fit on the candidate's own columns of ``rows``; ``around`` wraps the model before it is fitted."""
        rows = rows[[f.name for f in self.fields]]
        if self.fits:
            return self.make(rows, y, **self.params)
        model = self.unfitted(rows, y)
        return (around(model) if around else model).fit(rows, y)


def automatic(task: Task, fields: Sequence[Field]) -> Listed:
    """Return what ``auto`` tries on such inputs."""
    dtypes = {field.dtype for field in fields}
    table = WORDED if "text" in dtypes else SEEN if "image" in dtypes else AUTO
    return table[KINDS[task]]


def resolve(path: str, params: dict[str, Any], conditions: Conditions) -> Candidate:
    """Find what ``path`` names; raises TrainingError with near names, MissingExtra for a package that is absent."""
    found = _own(path, conditions.directory) if ":" in path else _installed(path)
    name = path.replace(":", ".").rsplit(".", 1)[-1]
    if isinstance(found, type):
        return Candidate(name, path, _builder(found, path, conditions), conditions, params)
    if not callable(found) or ":" not in path:
        raise TrainingError(
            f"'{path}' is a {type(found).__name__}, not an estimator.",
            hint="an import path names a class; a function of your own is written module:function",
            estimator=path,
        )
    return _function(name, path, found, params, conditions)


def labels_of(model: Any) -> list[Any] | None:
    """Return a fitted classifier's labels as plain values, None for a regressor."""
    classes = getattr(model, "classes_", None)
    return None if classes is None else list(np.asarray(classes).tolist())


def _function(name: str, path: str, found: Callable[..., Any], params: dict[str, Any], given: Conditions) -> Candidate:
    takes = inspect.signature(found).parameters
    seeds = {word: given.seed for word in ("seed", "random_state") if word in takes and word not in params}
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in takes.values() if p.kind in kinds and p.default is p.empty and p.name not in params]
    fits = len(required) >= 2

    def call(*data: Any, **values: Any) -> Any:
        try:
            inspect.signature(found).bind(*data, **values)
        except TypeError as error:
            raise TrainingError(
                f"'{path}' does not take these parameters: {error}.",
                hint=f"it takes: {', '.join(takes)}",
                estimator=path,
            ) from error
        return found(*data, **values)

    whole = False
    if not fits:
        made = call(**params, **seeds)
        whole = isinstance(made, Pipeline)
        _require(made, path, "fit")
    return Candidate(name, path, call, given, {**seeds, **params}, fits, whole)


def _require(model: Any, path: str, method: str) -> None:
    if not hasattr(model, method):
        raise TrainingError(
            f"'{path}' gave a {type(model).__name__}, which has no {method}().",
            hint="return an estimator; see the forms of module:function under model.estimator",
            estimator=path,
        )


def _builder(kind: type, path: str, conditions: Conditions) -> Callable[..., Any]:
    """Return what builds ``kind``: quiet, seeded, with the threads that are there, unless parameters say otherwise."""

    def build(**params: Any) -> Any:
        direct = {name: value for name, value in params.items() if "__" not in name}
        try:
            made = kind(**{**_QUIET.get(kind.__module__.split(".")[0], {}), **direct})
        except TypeError as error:
            known = [name for name in inspect.signature(kind).parameters if name not in ("self", "kwargs")]
            strange = next((name for name in direct if name not in known), "")
            raise TrainingError(
                f"{kind.__name__} does not take these parameters: {error}.",
                hint=f"{suggest(strange, known)}it takes: {', '.join(known)}",
                estimator=path,
            ) from error
        _require(made, path, "fit")
        _settle(made, params, conditions)
        return made

    return build


def _settle(made: Any, params: dict[str, Any], conditions: Conditions) -> None:
    if not hasattr(made, "get_params"):
        return
    known = made.get_params(deep=True)
    defaults: dict[str, Any] = {
        name: conditions.seed for name in known if name.split("__")[-1] == "random_state" and known[name] is None
    }
    greedy = type(made).__module__.startswith(("xgboost.", "lightgbm."))  # these take every core if not told
    if known.get("n_jobs", 0) is None and (greedy or conditions.threads > 1) and not _idle(made):
        defaults["n_jobs"] = conditions.threads
    nested = {name: value for name, value in params.items() if "__" in name}
    made.set_params(**{name: value for name, value in defaults.items() if name not in params}, **nested)


def _idle(made: Any) -> bool:
    """Say whether ``n_jobs`` has no effect: scikit-learn's linear models warn when it is set."""
    return type(made).__module__.startswith("sklearn.linear_model.")


def _weighted(model: Any, conditions: Conditions, y: NDArray[Any]) -> Any:
    """Weigh rare classes up the way the estimator knows."""
    if conditions.class_weight is None or KINDS[conditions.task] == "quantity":
        return model
    known = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    labels, counts = np.unique(y, return_counts=True)
    if "class_weight" in known:
        return model if known["class_weight"] is not None else model.set_params(class_weight=conditions.class_weight)
    if "scale_pos_weight" in known and len(labels) == 2:  # XGBoost
        return model.set_params(scale_pos_weight=float(counts[0] / counts[1]))
    raise TrainingError(
        f"{type(model).__name__} has no class_weight.",
        hint="leave model.class_weight out, or choose an estimator that has it",
    )


def _answering(model: Any, task: Task, y: NDArray[Any]) -> Any:
    """Make a classifier answer with the data's own labels and with probabilities, by means scikit-learn has itself.

    XGBoost takes only labels 0 to k-1; a vote of one renames them. What has no probabilities gets them by Platt's
    calibration (1999) over folds.
    """
    if KINDS[task] == "quantity":
        return model
    labels, counts = np.unique(y, return_counts=True)
    if type(model).__module__.startswith("xgboost.") and labels.tolist() != list(range(len(labels))):
        return VotingClassifier([("xgboost", model)], voting="soft")
    if not hasattr(model, "predict_proba"):
        if counts.min() < 2:
            raise TrainingError(f"{type(model).__name__} needs two rows of each class to give probabilities.")
        return CalibratedClassifierCV(model, ensemble=False, cv=int(min(5, counts.min())))
    return model


def _installed(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        home = importlib.import_module(module) if module else None
    except ModuleNotFoundError as error:
        root = module.split(".")[0]
        if error.name == root and root in _EXTRAS:
            raise MissingExtra.of(root, _EXTRAS[root]) from error
        home = None
    if home is not None and hasattr(home, name):
        return getattr(home, name)
    raise TrainingError(
        f"There is no estimator '{path}'.",
        hint=f"{_nearest(path, home)}write auto, an import path such as sklearn.linear_model.Ridge, or module:function",
        estimator=path,
    )


def _nearest(path: str, home: ModuleType | None) -> str:
    name = path.rpartition(".")[2]
    known = {short: f"{kind.__module__.rsplit('._', 1)[0]}.{short}" for short, kind in all_estimators()}
    same = [full for short, full in known.items() if short.lower() == name.lower()]
    if same:
        return f"did you mean '{same[0]}'? "
    here = [f"{home.__name__}.{short}" for short in dir(home) if short[0].isupper()] if home is not None else []
    return suggest(path, [*here, *known.values()])


def _own(path: str, directory: str) -> Any:
    name, _, attribute = path.partition(":")
    module = _module(name, path, Path(directory).resolve())
    if not hasattr(module, attribute):
        names = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
        raise TrainingError(
            f"The module '{name}' has no '{attribute}'.",
            hint=f"{suggest(attribute, names)}it has: {', '.join(names[:12]) or 'nothing to call'}",
            estimator=path,
        )
    return getattr(module, attribute)


def _module(name: str, path: str, directory: Path) -> ModuleType:
    loaded = sys.modules.get(name)
    if loaded is not None and (directory / f"{name.replace('.', '/')}.py").exists():
        del sys.modules[name]  # another project's module of the same name, or an older state of this one
    sys.path.insert(0, str(directory))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    except Exception as error:
        raise TrainingError(
            f"The module of '{path}' cannot be imported: {type(error).__name__}: {error}.",
            hint=f"it is looked up in {directory} first",
            estimator=path,
        ) from error
    finally:
        sys.path.remove(str(directory))
