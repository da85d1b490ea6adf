"""The last step of a scikit-learn model as a kernel: linear models, trees and what is boosted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from boucle.adapters.compilers.ensemble import Ensemble, program
from boucle.ports.compiler import CannotCompile, Program

_SIGMOID_LOSSES = ("log_loss", "logistic")


def kernel(model: Any, width: int) -> Program:
    """Return the kernel of a fitted estimator on ``width`` features; raises CannotCompile."""
    name = type(model).__name__
    family = type(model).__module__.partition(".")[0]
    if family != "sklearn":
        raise CannotCompile(f"{name} is not one of scikit-learn's own")
    if getattr(model, "n_outputs_", 1) != 1:
        raise CannotCompile(f"{name} answers several values at once")
    make = _KERNELS.get(name) or (_linear if _is_linear(model) else None)
    if make is None:
        raise CannotCompile(f"{name} has no compiled form yet")
    return make(model, width)


def refuses_gaps(model: Any) -> bool:
    return not get_tags(model).input_tags.allow_nan


def _is_linear(model: Any) -> bool:
    module = type(model).__module__
    known = module.startswith("sklearn.linear_model.") or type(model).__name__ in ("LinearSVC", "LinearSVR")
    return known and hasattr(model, "coef_") and hasattr(model, "intercept_")


def _linear(model: Any, width: int) -> Program:
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64)).T
    bias = np.broadcast_to(np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64)), (weights.shape[1],)).copy()
    if weights.shape[0] != width:
        raise CannotCompile(f"{type(model).__name__} has {weights.shape[0]} coefficients for {width} features")
    link = _linear_link(model, weights.shape[1])
    steps = {"kernel": {"kind": "linear", "weights": "weights", "bias": "bias"}, "link": link, "finite": True}
    return Program(steps, {"weights": weights, "bias": bias})


def _linear_link(model: Any, outputs: int) -> str:
    name = type(model).__name__
    if not hasattr(model, "classes_"):
        if outputs != 1:
            raise CannotCompile(f"{name} answers several values at once")
        if name in ("PoissonRegressor", "GammaRegressor"):
            return "exp"
        if name == "TweedieRegressor":
            linked = model.link == "log" or (model.link == "auto" and model.power > 0)
            return "exp" if linked else "identity"
        return "identity"
    if not hasattr(model, "predict_proba"):
        return "sides" if outputs == 1 else "identity"
    if name in ("LogisticRegression", "LogisticRegressionCV"):
        one_by_one = getattr(model, "solver", "") == "liblinear"
        return "sigmoid" if outputs == 1 else "one_against_rest" if one_by_one else "softmax"
    if name == "SGDClassifier" and model.loss in _SIGMOID_LOSSES:
        return "sigmoid" if outputs == 1 else "one_against_rest"
    raise CannotCompile(f"the probabilities of {name} have no compiled form yet")


def _tree(model: Any, width: int) -> Program:
    return _forest_of([model], model, width)


def _forest(model: Any, width: int) -> Program:
    return _forest_of(model.estimators_, model, width)


def _forest_of(trees: list[Any], model: Any, width: int) -> Program:
    classes = len(model.classes_) if hasattr(model, "classes_") else 0
    shown = _shown(classes)
    ensemble = Ensemble(len(shown) if classes else 1)
    for one in trees:
        tree = one.tree_
        values = tree.value[:, 0, :]
        if not classes:
            _add(ensemble, tree, values[:, 0], 0)
            continue
        shares = values / values.sum(axis=1, keepdims=True)
        for target, place in enumerate(shown):
            _add(ensemble, tree, shares[:, place], target)
    link = "identity" if classes != 2 else "complement"
    refuses = refuses_gaps(model)
    return program(ensemble, width, link=link, float32=True, refuses=refuses, divisor=float(len(trees)))


def _shown(classes: int) -> list[int]:
    """Return the classes whose shares are summed: of two, the second is enough."""
    return [1] if classes == 2 else list(range(classes))


def _add(ensemble: Ensemble, tree: Any, values: NDArray[np.float64], target: int) -> None:
    missing = getattr(tree, "missing_go_to_left", None)
    ensemble.add(
        tree.feature, tree.threshold, tree.children_left, tree.children_right, values, target, missing_left=missing
    )


def _boosted(model: Any, width: int) -> Program:
    stages, targets = model.estimators_.shape
    ensemble = Ensemble(targets)
    for stage in range(stages):
        for target in range(targets):
            tree = model.estimators_[stage, target].tree_
            _add(ensemble, tree, tree.value[:, 0, 0] * model.learning_rate, target)
    start = _start(model, width, targets)
    link = "identity"
    if hasattr(model, "classes_"):
        if model.loss != "log_loss":
            raise CannotCompile(f"the probabilities of the loss {model.loss} have no compiled form yet")
        link = "sigmoid" if targets == 1 else "softmax"
    return program(ensemble, width, link=link, float32=True, refuses=refuses_gaps(model), offset=start)


def _start(model: Any, width: int, targets: int) -> NDArray[np.float64]:
    """Return what boosting starts from, which has to be the same for every row."""
    if model.init is not None and not isinstance(model.init, str):
        raise CannotCompile("it starts from another model")
    first = model._raw_predict_init(np.zeros((1, width), dtype=np.float32))
    return np.asarray(first, dtype=np.float64).reshape(targets)


def _histogram_boosted(model: Any, width: int) -> Program:
    if getattr(model, "_preprocessor", None) is not None or np.any(getattr(model, "is_categorical_", None)):
        raise CannotCompile("its splits on categories have no compiled form yet")
    targets = len(model._predictors[0]) if model._predictors else 1
    ensemble = Ensemble(targets)
    for stage in model._predictors:
        for target, tree in enumerate(stage):
            nodes = tree.nodes
            left = np.where(nodes["is_leaf"] == 1, -1, nodes["left"].astype(np.int64))
            right = nodes["right"].astype(np.int64)
            ensemble.add(
                nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"], target,
                missing_left=nodes["missing_go_to_left"],
            )  # fmt: skip
    start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)
    link = "identity"
    if hasattr(model, "classes_"):
        link = "sigmoid" if targets == 1 else "softmax"
    elif model.loss in ("poisson", "gamma"):
        link = "exp"
    return program(ensemble, width, link=link, float32=False, refuses=False, offset=start)


def _dummy(model: Any, width: int) -> Program:
    if hasattr(model, "classes_"):
        if model.strategy not in ("prior", "most_frequent", "constant"):
            raise CannotCompile(f"it guesses ({model.strategy})")
        values = model.predict_proba(np.zeros((1, width)))[0]
    else:
        values = np.asarray(model.constant_, dtype=np.float64).reshape(-1)
    steps = {"kernel": {"kind": "constant", "values": "offset"}, "link": "identity", "finite": False}
    return Program(steps, {"offset": np.asarray(values, dtype=np.float64)})


_KERNELS: dict[str, Callable[[Any, int], Program]] = {
    "DecisionTreeRegressor": _tree,
    "DecisionTreeClassifier": _tree,
    "ExtraTreeRegressor": _tree,
    "ExtraTreeClassifier": _tree,
    "RandomForestRegressor": _forest,
    "RandomForestClassifier": _forest,
    "ExtraTreesRegressor": _forest,
    "ExtraTreesClassifier": _forest,
    "GradientBoostingRegressor": _boosted,
    "GradientBoostingClassifier": _boosted,
    "HistGradientBoostingRegressor": _histogram_boosted,
    "HistGradientBoostingClassifier": _histogram_boosted,
    "DummyRegressor": _dummy,
    "DummyClassifier": _dummy,
}
