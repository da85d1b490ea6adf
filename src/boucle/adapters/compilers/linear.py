"""Linear models and others that are a few matrix operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from boucle.adapters.compilers.draft import Draft, Part
from boucle.ports.compiler import CannotCompile

_SIGMOID_LOSSES = ("log_loss", "logistic")
_ELSEWHERE = ("LinearSVC", "LinearSVR", "LinearDiscriminantAnalysis")
_ACTIVATIONS = ("identity", "relu", "tanh", "logistic")


def is_linear(model: Any) -> bool:
    module = type(model).__module__
    known = module.startswith("sklearn.linear_model.") or type(model).__name__ in _ELSEWHERE
    return known and hasattr(model, "coef_") and hasattr(model, "intercept_")


def linear(model: Any, draft: Draft) -> Part:
    """Return the part of a fitted linear model; raises CannotCompile."""
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64)).T
    bias = np.broadcast_to(np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64)), (weights.shape[1],))
    if weights.shape[0] != draft.width:
        raise CannotCompile(f"{type(model).__name__} has {weights.shape[0]} coefficients for {draft.width} features")
    links = _links(model, weights.shape[1])
    decides = "" if not hasattr(model, "predict_proba") else ">" if weights.shape[1] == 1 else "argmax"
    return draft.part("linear", links, decides=decides, weights=draft.keep(weights), bias=draft.keep(bias))


def _links(model: Any, outputs: int) -> tuple[str, ...]:
    name = type(model).__name__
    if not hasattr(model, "classes_"):
        if outputs != 1:
            raise CannotCompile(f"{name} answers several values at once")
        if name in ("PoissonRegressor", "GammaRegressor"):
            return ("exp",)
        if name == "TweedieRegressor":
            linked = model.link == "log" or (model.link == "auto" and model.power > 0)
            return ("exp",) if linked else ()
        return ()
    if not hasattr(model, "predict_proba"):
        return ("sides",) if outputs == 1 else ()
    if name in ("LogisticRegression", "LogisticRegressionCV"):
        one_by_one = getattr(model, "solver", "") == "liblinear"
        return ("sigmoid",) if outputs == 1 else ("one_against_rest",) if one_by_one else ("softmax",)
    if name == "LinearDiscriminantAnalysis":
        return ("sigmoid",) if outputs == 1 else ("softmax",)
    if name == "SGDClassifier" and model.loss in _SIGMOID_LOSSES:
        return ("sigmoid",) if outputs == 1 else ("one_against_rest",)
    raise CannotCompile(f"the probabilities of {name} have no compiled form yet")


def perceptron(model: Any, draft: Draft) -> Part:
    """Return the part of a fitted multi-layer perceptron; raises CannotCompile."""
    classes = hasattr(model, "classes_")
    if (model.n_outputs_ != 1 and not classes) or model.activation not in _ACTIVATIONS:
        raise CannotCompile(f"{type(model).__name__} answers several values at once, or by a function not known here")
    if np.any(np.asarray(model.coefs_[0]).dtype != np.float64):
        raise CannotCompile("it computes in float32")
    layers = [
        [draft.keep(weights), draft.keep(bias)] for weights, bias in zip(model.coefs_, model.intercepts_, strict=True)
    ]
    links = {"identity": (), "logistic": ("sigmoid",), "softmax": ("softmax",)}.get(model.out_activation_)
    if links is None:
        raise CannotCompile(f"its output by {model.out_activation_} has no compiled form yet")
    return draft.part("layers", links, layers=layers, activation=model.activation)
