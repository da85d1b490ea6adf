"""LightGBM's estimators as a kernel, read from the model LightGBM itself dumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from boucle.adapters.compilers.draft import Draft, Part
from boucle.adapters.compilers.ensemble import Ensemble, trees_part
from boucle.ports.compiler import CannotCompile

_REGRESSIONS = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_EXPONENTIAL = ("poisson", "gamma", "tweedie")
_ZERO = float(np.float32(1e-35))
"""LightGBM takes values up to here, of either sign, for zero."""


def part(model: Any, draft: Draft) -> Part:
    """Return the part of a fitted LightGBM estimator; raises CannotCompile."""
    dumped = model.booster_.dump_model()
    if dumped.get("average_output"):
        raise CannotCompile("a LightGBM forest has no compiled form yet")
    links = _links(str(dumped.get("objective", "regression")).split())
    targets = int(dumped["num_tree_per_iteration"])
    ensemble = Ensemble(targets)
    for place, tree in enumerate(dumped["tree_info"]):
        _Tree(tree["tree_structure"]).add(ensemble, place % targets)
    return trees_part(ensemble, draft, links=links, takes="all")


def _links(objective: list[str]) -> tuple[str, ...]:
    name, options = objective[0], objective[1:]
    if name in _REGRESSIONS and "sqrt" not in options:
        return ()
    if name in _EXPONENTIAL:
        return ("exp",)
    if name == "binary" and "sigmoid:1" in options:
        return ("sigmoid",)
    if name == "multiclass":
        return ("softmax",)
    raise CannotCompile(f"the objective {' '.join(objective)} has no compiled form yet")


def _border(threshold: float) -> float:
    """Return the threshold for values as they come, of which LightGBM takes the smallest for zero."""
    if -_ZERO <= threshold < 0.0:
        return float(np.nextafter(-_ZERO, -1.0))
    return _ZERO if 0.0 <= threshold < _ZERO else threshold


class _Tree:
    """One dumped tree, flattened: the root first."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._feature: list[int] = []
        self._threshold: list[float] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._value: list[float] = []
        self._missing: list[bool] = []
        self._flatten(root)

    def add(self, ensemble: Ensemble, target: int) -> None:
        ensemble.add(
            np.array(self._feature), np.array(self._threshold), np.array(self._left), np.array(self._right),
            np.array(self._value), target, missing_left=np.array(self._missing),
        )  # fmt: skip

    def _flatten(self, node: dict[str, Any]) -> int:
        place = len(self._left)
        if "leaf_value" in node:
            self._put(0, 0.0, float(node["leaf_value"]), False)
            return place
        if node["decision_type"] != "<=":
            raise CannotCompile("its splits on categories have no compiled form yet")
        threshold, kind = float(node["threshold"]), node["missing_type"]
        if kind == "Zero":
            raise CannotCompile("zeros that mean missing have no compiled form yet")
        # Without missing values in training LightGBM takes them for zeros.
        missing_left = bool(node["default_left"]) if kind == "NaN" else threshold >= 0.0
        self._put(int(node["split_feature"]), _border(threshold), 0.0, missing_left)
        self._left[place] = self._flatten(node["left_child"])
        self._right[place] = self._flatten(node["right_child"])
        return place

    def _put(self, feature: int, threshold: float, value: float, missing: bool) -> None:
        self._feature.append(feature)
        self._threshold.append(threshold)
        self._left.append(-1)
        self._right.append(-1)
        self._value.append(value)
        self._missing.append(missing)
