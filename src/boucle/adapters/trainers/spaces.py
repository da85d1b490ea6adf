"""Where to look for better parameters: sensible ranges for known estimators, and the ranges a project declares.

A range is ``{low, high}``, with ``log: true`` for magnitudes and ``step`` for steps; a list is a choice.
"""

from __future__ import annotations

from typing import Any

from boucle.core.errors import TrainingError

Space = dict[str, Any]


def _between(low: float, high: float, log: bool = False) -> dict[str, Any]:
    return {"low": low, "high": high, "log": log}


_FOREST: Space = {
    "n_estimators": _between(50, 300),
    "max_depth": [None, 6, 10, 16],
    "min_samples_leaf": _between(1, 20, log=True),
    "max_features": ["sqrt", 0.33, 0.66, 1.0],
}
_TREE: Space = {"max_depth": [None, 3, 5, 8, 12], "min_samples_leaf": _between(1, 50, log=True)}
_GRADIENT: Space = {
    "n_estimators": _between(50, 400),
    "learning_rate": _between(0.02, 0.3, log=True),
    "max_depth": _between(2, 6),
    "subsample": _between(0.5, 1.0),
}
_HISTOGRAM: Space = {
    "learning_rate": _between(0.02, 0.3, log=True),
    "max_iter": _between(50, 400),
    "max_leaf_nodes": _between(7, 63, log=True),
    "min_samples_leaf": _between(5, 50, log=True),
    "l2_regularization": _between(1e-3, 10.0, log=True),
}
_XGBOOST: Space = {
    "n_estimators": _between(50, 400),
    "learning_rate": _between(0.02, 0.3, log=True),
    "max_depth": _between(2, 8),
    "subsample": _between(0.6, 1.0),
    "colsample_bytree": _between(0.5, 1.0),
    "reg_lambda": _between(0.1, 10.0, log=True),
}
_LIGHTGBM: Space = {
    "n_estimators": _between(50, 400),
    "learning_rate": _between(0.02, 0.3, log=True),
    "num_leaves": _between(7, 63, log=True),
    "min_child_samples": _between(5, 50, log=True),
    "reg_lambda": _between(1e-3, 10.0, log=True),
}
_PENALTY: Space = {"alpha": _between(1e-3, 1e3, log=True)}
_SMALL_PENALTY: Space = {"alpha": _between(1e-5, 10.0, log=True)}
_MARGIN: Space = {"C": _between(1e-3, 1e3, log=True)}
_KERNEL: Space = {**_MARGIN, "gamma": _between(1e-4, 1.0, log=True)}
_NEIGHBOURS: Space = {"n_neighbors": _between(1, 50, log=True), "weights": ["uniform", "distance"]}

SPACES: dict[str, Space] = {
    "Ridge": _PENALTY, "RidgeClassifier": _PENALTY, "Lasso": _SMALL_PENALTY,
    "ElasticNet": {**_SMALL_PENALTY, "l1_ratio": _between(0.05, 0.95)},
    "LogisticRegression": _MARGIN, "LinearSVC": _MARGIN, "LinearSVR": _MARGIN, "SVC": _KERNEL, "SVR": _KERNEL,
    "KNeighborsClassifier": _NEIGHBOURS, "KNeighborsRegressor": _NEIGHBOURS,
    "DecisionTreeClassifier": _TREE, "DecisionTreeRegressor": _TREE,
    "RandomForestClassifier": _FOREST, "RandomForestRegressor": _FOREST,
    "ExtraTreesClassifier": _FOREST, "ExtraTreesRegressor": _FOREST,
    "GradientBoostingClassifier": _GRADIENT, "GradientBoostingRegressor": _GRADIENT,
    "HistGradientBoostingClassifier": _HISTOGRAM, "HistGradientBoostingRegressor": _HISTOGRAM,
    "XGBClassifier": _XGBOOST, "XGBRegressor": _XGBOOST, "LGBMClassifier": _LIGHTGBM, "LGBMRegressor": _LIGHTGBM,
}  # fmt: skip


def parted(params: dict[str, Any], searching: bool) -> tuple[dict[str, Any], Space]:
    """Part declared parameters into fixed values and ranges; lists are choices only while searching.

    Raises TrainingError for a range that is none, or one without a search.
    """
    ranges = {name: value for name, value in params.items() if _is_range(name, value)}
    if ranges and not searching:
        raise TrainingError(
            f"The parameter '{next(iter(ranges))}' is a range, and there is no search.",
            hint="add under model:  search: {trials: 20}",
        )
    choices = {name: value for name, value in params.items() if searching and isinstance(value, list) and value}
    space = {**ranges, **choices}
    return {name: value for name, value in params.items() if name not in space}, space


def space_of(kind: str, fixed: dict[str, Any], declared: Space) -> Space:
    """Return where to search: the declared ranges, else the known ones less what is fixed; raises TrainingError."""
    if declared:
        return declared
    known = {name: spec for name, spec in SPACES.get(kind, {}).items() if name not in fixed}
    if not known:
        raise TrainingError(
            f"There is nothing to search for {kind or 'this estimator'}.",
            hint="declare ranges under model.params, such as  alpha: {low: 0.01, high: 100, log: true}",
        )
    return known


def draw(trial: Any, space: Space) -> dict[str, Any]:
    """Let an Optuna trial choose one value of each range."""
    return {name: _draw(trial, name, spec) for name, spec in space.items()}


def _draw(trial: Any, name: str, spec: Any) -> Any:
    if isinstance(spec, list):
        return spec[trial.suggest_categorical(name, list(range(len(spec))))]
    low, high, log, step = spec["low"], spec["high"], bool(spec.get("log", False)), spec.get("step")
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, step=step or 1, log=log)
    return trial.suggest_float(name, low, high, step=step, log=log)


def _is_range(name: str, value: Any) -> bool:
    if not isinstance(value, dict) or not {"low", "high"} & set(value):
        return False
    numbers = [value.get(end) for end in ("low", "high")]
    wrong = set(value) - {"low", "high", "log", "step"}
    if wrong or any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise TrainingError(f"The range of '{name}' needs numbers for `low` and `high`, and takes `log` and `step`.")
    if value["low"] >= value["high"] or (value.get("log") and (value["low"] <= 0 or value.get("step"))):
        raise TrainingError(
            f"The range of '{name}' from {value['low']} to {value['high']} cannot be searched.",
            hint="`low` is below `high`; with `log: true` both are above 0 and there is no `step`",
        )
    return True
