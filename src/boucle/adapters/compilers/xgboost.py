"""XGBoost's estimators as a kernel, read from the JSON that XGBoost itself writes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from boucle.adapters.compilers.draft import Draft, Part
from boucle.adapters.compilers.ensemble import LESS, Ensemble, trees_part
from boucle.ports.compiler import CannotCompile

TOLERANCE = 1e-5
"""XGBoost adds its leaves up in float32."""
_LINKS: dict[str, tuple[str, ...]] = {
    "reg:squarederror": (),
    "reg:absoluteerror": (),
    "reg:pseudohubererror": (),
    "binary:logistic": ("sigmoid",),
    "multi:softprob": ("softmax",),
    "multi:softmax": ("softmax",),
    "count:poisson": ("exp",),
    "reg:gamma": ("exp",),
    "reg:tweedie": ("exp",),
}


def part(model: Any, draft: Draft) -> Part:
    """Return the part of a fitted XGBoost estimator; raises CannotCompile."""
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    booster = learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise CannotCompile(f"its booster {booster['name']} has no compiled form yet")
    objective = learner["objective"]["name"]
    links = _LINKS.get(objective)
    if links is None:
        raise CannotCompile(f"the objective {objective} has no compiled form yet")
    trees = booster["model"]["trees"]
    groups = booster["model"]["tree_info"]
    best = getattr(model, "best_iteration", None) if _stopped_early(model) else None
    targets = max(int(learner["learner_model_param"]["num_class"]), 1)
    if best is not None:
        trees = trees[: (best + 1) * targets]
    start = _start(learner["learner_model_param"]["base_score"], objective, targets)
    ensemble = Ensemble(targets, start)
    for tree, group in zip(trees, groups, strict=False):
        if any(tree.get("split_type", ())) or len(tree["categories"]):
            raise CannotCompile("its splits on categories have no compiled form yet")
        left = np.array(tree["left_children"], dtype=np.int64)
        # At a leaf the condition is its value; both are float32, and float64 holds them exactly.
        conditions = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
        ensemble.add(
            np.array(tree["split_indices"]), conditions, left, np.array(tree["right_children"], dtype=np.int64),
            conditions, int(group), mode=LESS, float32=True, missing_left=np.array(tree["default_left"]),
        )  # fmt: skip
    return trees_part(ensemble, draft, links=links, takes="all", tolerance=TOLERANCE)


def _stopped_early(model: Any) -> bool:
    return getattr(model, "early_stopping_rounds", None) is not None


def _start(text: str, objective: str, targets: int) -> Any:
    """Return what the trees are added to: the base score, which XGBoost keeps as an answer, as a score."""
    values = np.array(json.loads(text) if text.startswith("[") else [float(text)], dtype=np.float64)
    if objective == "binary:logistic":
        values = np.log(values / (1.0 - values))
    elif _LINKS[objective] == ("exp",):
        values = np.log(values)
    return np.broadcast_to(values, (targets,)).copy()
