"""Transformers of numbers as operations on a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer

from boucle.adapters.compilers.draft import Draft
from boucle.ports.compiler import CannotCompile

_FUNCTIONS = ("log1p", "log", "log2", "log10", "exp", "expm1", "sqrt", "cbrt", "square", "abs", "arcsinh")


def transform(step: Any, draft: Draft) -> None:
    """Draft one fitted transformer; raises CannotCompile."""
    name = type(step).__name__
    if name in _KINDS:
        _KINDS[name](step, draft)
    elif hasattr(step, "get_support") and hasattr(step, "transform"):
        draft.pick(np.flatnonzero(step.get_support()).tolist())
    else:
        raise CannotCompile(f"{name} has no compiled form yet")


def _fill(step: SimpleImputer, draft: Draft) -> None:
    values = np.asarray(step.statistics_, dtype=object)
    if step.missing_values is not np.nan and step.missing_values == step.missing_values:
        raise CannotCompile(f"it takes {step.missing_values!r} for missing")
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise CannotCompile("it fills gaps with texts") from None
    if np.isnan(numbers).any():
        raise CannotCompile("its imputer drops a column that was empty in training")
    flagged = list(map(int, step.indicator_.features_)) if step.add_indicator else []
    draft.steps.append({"op": "fill", "values": draft.keep(numbers), "flagged": flagged})
    draft.width += len(flagged)
    draft.sources += [-1] * len(flagged)


def _standard(step: Any, draft: Draft) -> None:
    mean = step.mean_ if step.with_mean else np.zeros(draft.width)
    spread = step.scale_ if step.with_std else np.ones(draft.width)
    draft.step("subtract_divide", one=draft.keep(mean), other=draft.keep(spread))


def _robust(step: Any, draft: Draft) -> None:
    centre = step.center_ if step.with_centering else np.zeros(draft.width)
    spread = step.scale_ if step.with_scaling else np.ones(draft.width)
    draft.step("subtract_divide", one=draft.keep(centre), other=draft.keep(spread))


def _minmax(step: Any, draft: Draft) -> None:
    draft.step("multiply_add", one=draft.keep(step.scale_), other=draft.keep(step.min_))
    if step.clip:
        draft.step("clip", low=float(step.feature_range[0]), high=float(step.feature_range[1]))


def _maxabs(step: Any, draft: Draft) -> None:
    draft.step("subtract_divide", one=draft.keep(np.zeros(draft.width)), other=draft.keep(step.scale_))
    if getattr(step, "clip", False):
        draft.step("clip", low=-1.0, high=1.0)


def _function(step: Any, draft: Draft) -> None:
    if step.func is None:
        return
    name = getattr(step.func, "__name__", "")
    if name == "absolute":
        name = "abs"
    if name not in _FUNCTIONS or step.func is not getattr(np, name) or step.kw_args:
        raise CannotCompile("a function of its own has no compiled form")
    draft.step("function", name=name)


def _polynomial(step: Any, draft: Draft) -> None:
    """Draft products of at most ``degree`` features; the place behind the last one stands for a factor of one."""
    powers = np.asarray(step.powers_)
    factors = [np.repeat(np.arange(draft.width), row).tolist() for row in powers]
    most = max(map(len, factors))
    places = [row + [draft.width] * (most - len(row)) for row in factors]
    draft.width = len(places)
    draft.step("products", places=places)


def _components(step: Any, draft: Draft) -> None:
    components = np.asarray(step.components_, dtype=np.float64)
    mean = getattr(step, "mean_", None)
    zeros, ones = np.zeros(draft.width), np.ones(draft.width)
    draft.step("subtract_divide", one=draft.keep(zeros if mean is None else mean), other=draft.keep(ones))
    draft.width = len(components)
    draft.step("matmul", by=draft.keep(components.T))
    if getattr(step, "whiten", False):
        spread = np.sqrt(step.explained_variance_)
        least = np.finfo(spread.dtype).eps  # as scikit-learn keeps from dividing by nothing
        spread[spread < least] = least
        draft.step("subtract_divide", one=draft.keep(np.zeros(draft.width)), other=draft.keep(spread))


_KINDS: dict[str, Callable[[Any, Draft], None]] = {
    "SimpleImputer": _fill,
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _minmax,
    "MaxAbsScaler": _maxabs,
    "FunctionTransformer": _function,
    "PolynomialFeatures": _polynomial,
    "PCA": _components,
    "TruncatedSVD": _components,
}
