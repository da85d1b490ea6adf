"""The bounds a version has to meet. Fewer rows than 20 never pass and never fail."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from boucle.core.verdict import Check
from boucle.measures.intervals import Estimate
from boucle.project.values import bound

FEW = 20
COSTS = ("latency_p50_ms", "latency_p99_ms", "size_mb")
"""Bounds on these may stand beside those on metrics."""
_MEETS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def required(
    bounds: Mapping[str, str], metrics: Mapping[str, Estimate], costs: Mapping[str, float]
) -> tuple[Check, ...]:
    """Compare every bound with the measured value; the interval says how sure that is, and is printed."""
    return tuple(
        _metric(name, text, metrics[name]) if name in metrics else _cost(name, text, costs.get(name, math.nan))
        for name, text in bounds.items()
    )


def meets(value: float, text: str) -> bool:
    """Say whether ``value`` keeps the bound ``text``; NaN keeps none."""
    sign, limit = bound(text)
    return _MEETS[sign](value, limit)


def _metric(name: str, text: str, measured: Estimate) -> Check:
    if math.isnan(measured.value):
        return Check(name, "inconclusive", None, text, n=measured.n, note="undefined on these rows")
    low, high = (None if math.isnan(end) else end for end in (measured.low, measured.high))
    if measured.n < FEW or low is None or high is None:
        few = f"fewer than {FEW} rows"
        return Check(name, "inconclusive", measured.value, text, low, high, measured.n, few)
    kept = meets(measured.value, text)
    sure = meets(low, text) == meets(high, text)
    note = "" if sure else "the interval reaches over the bound"
    return Check(name, "pass" if kept else "fail", measured.value, text, low, high, measured.n, note)


def _cost(name: str, text: str, value: float) -> Check:
    if math.isnan(value):
        return Check(name, "inconclusive", None, text, note="not measured")
    return Check(name, "pass" if meets(value, text) else "fail", value, text)
