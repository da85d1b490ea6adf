"""Models made of others: votes, calibrated classifiers, bags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from boucle.adapters.compilers.draft import Draft, Part
from boucle.ports.compiler import CannotCompile

Make = Callable[[Any, Draft], Part]


def vote(model: Any, draft: Draft, make: Make) -> Part:
    """Return the part of a VotingRegressor, or of a VotingClassifier that averages probabilities."""
    if hasattr(model, "classes_") and model.voting != "soft":
        raise CannotCompile("a vote by labels has no compiled form yet")
    weights = model._weights_not_none
    return mean(model.estimators_, draft, make, [1.0] * len(model.estimators_) if weights is None else weights)


def bag(model: Any, draft: Draft, make: Make) -> Part:
    """Return the part of a bag whose members see all features or some of them."""
    columns = model.estimators_features_
    if hasattr(model, "classes_") and not all(hasattr(one, "predict_proba") for one in model.estimators_):
        raise CannotCompile("a vote by labels has no compiled form yet")

    def member(one: tuple[Any, Any], draft: Draft) -> Part:
        draft.pick(np.asarray(one[1]).tolist())
        return make(one[0], draft)

    members = list(zip(model.estimators_, columns, strict=True))
    return mean(members, draft, member, [1.0] * len(members))


def mean(models: Sequence[Any], draft: Draft, make: Make, weights: Sequence[float]) -> Part:
    """Return the weighted mean of the answers of models; of one model it is that model's."""
    if len(models) == 1:
        return make(models[0], draft)
    parts = [draft.inside(partial(make, one)) for one in models]
    return draft.part("mean", takes="all", parts=parts, weights=draft.keep(weights))


def calibrated(model: Any, draft: Draft, make: Make) -> Part:
    """Return the part of a CalibratedClassifierCV: scores of its classifiers, mapped and averaged."""
    members = model.calibrated_classifiers_
    return mean(members, draft, partial(_calibrated, make, len(model.classes_)), [1.0] * len(members))


def _calibrated(make: Make, classes: int, one: Any, draft: Draft) -> Part:
    if len(one.estimator.classes_) != classes:
        raise CannotCompile("one of its classifiers does not know all classes")
    if one.method not in ("sigmoid", "isotonic"):
        raise CannotCompile(f"calibration by {one.method} has no compiled form yet")
    inner = draft.inside(partial(make, one.estimator))
    if hasattr(one.estimator, "decision_function"):
        inner["links"] = []
    elif classes == 2:
        inner["links"].append("second")
    maps = [_map(calibrator, draft) for calibrator in one.calibrators]
    return draft.part("calibrated", ["complement" if classes == 2 else "shares"], "all", inner=inner, maps=maps)


def _map(calibrator: Any, draft: Draft) -> dict[str, Any]:
    if isinstance(calibrator, IsotonicRegression):
        if calibrator.out_of_bounds != "clip":
            raise CannotCompile("its isotonic calibration does not clip")
        return {"x": draft.keep(calibrator.X_thresholds_), "y": draft.keep(calibrator.y_thresholds_)}
    return {"slope": float(calibrator.a_), "intercept": float(calibrator.b_)}
