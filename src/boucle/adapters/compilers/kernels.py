"""The last step of a scikit-learn model as a scoring part: trees, what is boosted of them, and other kinds by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from boucle.adapters.compilers.combined import bag, calibrated, vote
from boucle.adapters.compilers.draft import Draft, Part
from boucle.adapters.compilers.ensemble import Ensemble, trees_part
from boucle.adapters.compilers.linear import is_linear, linear, perceptron
from boucle.ports.compiler import CannotCompile

Make = Callable[[Any, Draft], Part]
_BOOSTERS = {"xgboost": "boucle.adapters.compilers.xgboost", "lightgbm": "boucle.adapters.compilers.lightgbm"}


def part(model: Any, draft: Draft, nested: Make) -> Part:
    """Return the part of a fitted estimator on the drafted features; ``nested`` makes the parts of models inside it.

    Raises CannotCompile.
    """
    name = type(model).__name__
    family = type(model).__module__.partition(".")[0]
    if family in _BOOSTERS:
        # Only where the model is one of theirs are they installed for certain.
        made: Part = importlib.import_module(_BOOSTERS[family]).part(model, draft)
        return made
    if family != "sklearn":
        raise CannotCompile(f"{name} is not one of scikit-learn's own")
    if name in _NESTING:
        return _NESTING[name](model, draft, nested)
    if name.startswith("MLP"):
        return perceptron(model, draft)
    if getattr(model, "n_outputs_", 1) != 1:
        raise CannotCompile(f"{name} answers several values at once")
    make = _KINDS.get(name) or (linear if is_linear(model) else None)
    if make is None:
        raise CannotCompile(f"{name} has no compiled form yet")
    return make(model, draft)


def _takes(model: Any) -> str:
    """Say what trees take: a float32 is made of every value, and some trees know where to go with missing ones."""
    return "float32" if get_tags(model).input_tags.allow_nan else "finite float32"


def _tree(model: Any, draft: Draft) -> Part:
    return _forest_of([model], model, draft)


def _forest(model: Any, draft: Draft) -> Part:
    return _forest_of(model.estimators_, model, draft)


def _forest_of(trees: list[Any], model: Any, draft: Draft) -> Part:
    classes = len(model.classes_) if hasattr(model, "classes_") else 0
    values = [one.tree_.value[:, 0, :] for one in trees]
    # Of two classes one is enough where leaves are of one class: then the sums are whole numbers, and exact.
    halved = classes == 2 and any(len(shares) > 1 for shares in values) and all(_whole(one.tree_) for one in trees)
    shown = [1] if halved else range(max(classes, 1))
    ensemble = Ensemble(len(shown))
    for one, shares in zip(trees, values, strict=True):
        for target, place in enumerate(shown):
            _add(ensemble, one.tree_, shares[:, place], target)
    count = float(len(trees))
    made = trees_part(ensemble, draft, takes=_takes(model), divisor=count)
    return {**made, "of_two": True} if halved else made


def _whole(tree: Any) -> bool:
    """Say whether every leaf is of one class."""
    leaves = tree.value[tree.children_left < 0]
    return bool(np.isin(leaves, (0.0, 1.0)).all())


def _add(ensemble: Ensemble, tree: Any, values: NDArray[np.float64], target: int) -> None:
    missing = getattr(tree, "missing_go_to_left", None)
    ensemble.add(
        tree.feature, tree.threshold, tree.children_left, tree.children_right, values, target,
        float32=True, missing_left=missing,
    )  # fmt: skip


def _boosted(model: Any, draft: Draft) -> Part:
    stages, targets = model.estimators_.shape
    ensemble = Ensemble(targets, _start(model, draft.width, targets))
    for stage in range(stages):
        for target in range(targets):
            tree = model.estimators_[stage, target].tree_
            _add(ensemble, tree, tree.value[:, 0, 0] * model.learning_rate, target)
    links: tuple[str, ...] = ()
    decides = ""
    if hasattr(model, "classes_"):
        if model.loss != "log_loss":
            raise CannotCompile(f"the probabilities of the loss {model.loss} have no compiled form yet")
        links, decides = (("sigmoid",), ">=") if targets == 1 else (("softmax",), "argmax")
    return trees_part(ensemble, draft, links=links, takes=_takes(model), decides=decides)


def _start(model: Any, width: int, targets: int) -> NDArray[np.float64]:
    """Return what boosting starts from, which has to be the same for every row."""
    if model.init is not None and not isinstance(model.init, str):
        raise CannotCompile("it starts from another model")
    first = model._raw_predict_init(np.zeros((1, width), dtype=np.float32))
    return np.asarray(first, dtype=np.float64).reshape(targets)


def _histogram_boosted(model: Any, draft: Draft) -> Part:
    if getattr(model, "_preprocessor", None) is not None or np.any(getattr(model, "is_categorical_", None)):
        raise CannotCompile("its splits on categories have no compiled form yet")
    targets = len(model._predictors[0]) if model._predictors else 1
    ensemble = Ensemble(targets, np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1))
    for stage in model._predictors:
        for target, tree in enumerate(stage):
            nodes = tree.nodes
            left = np.where(nodes["is_leaf"] == 1, -1, nodes["left"].astype(np.int64))
            right = nodes["right"].astype(np.int64)
            ensemble.add(
                nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"], target,
                missing_left=nodes["missing_go_to_left"],
            )  # fmt: skip
    links: tuple[str, ...] = ()
    decides = ""
    if hasattr(model, "classes_"):
        links, decides = (("sigmoid",), ">") if targets == 1 else (("softmax",), "argmax")
    elif model.loss in ("poisson", "gamma"):
        links = ("exp",)
    return trees_part(ensemble, draft, links=links, takes="all", decides=decides)


def _dummy(model: Any, draft: Draft) -> Part:
    if hasattr(model, "classes_"):
        if model.strategy not in ("prior", "most_frequent", "constant"):
            raise CannotCompile(f"it guesses ({model.strategy})")
        values = model.predict_proba(np.zeros((1, draft.width)))[0]
    else:
        values = np.asarray(model.constant_, dtype=np.float64).reshape(-1)
    return draft.part("constant", takes="all", values=draft.keep(values))


_KINDS: dict[str, Make] = {
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
_NESTING: dict[str, Callable[[Any, Draft, Make], Part]] = {
    "VotingRegressor": vote,
    "VotingClassifier": vote,
    "BaggingRegressor": bag,
    "BaggingClassifier": bag,
    "CalibratedClassifierCV": calibrated,
}
