"""Rates by declared group, with intervals, and the gaps between groups.

A group counts from 50 rows on (for the true and false positive rates, from 20 rows of that truth on). A gap fails when
its whole interval is beyond the bound, is inconclusive when only the value is, and passes otherwise.
The ratio of selection rates has the interval of Katz et al. (1978), differences that of Newcombe (1998).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from boucle.core.verdict import Check, Status
from boucle.evaluation.gates import FEW as FEW_OF_TRUTH
from boucle.evaluation.parts import parts
from boucle.evaluation.result import Fairness, Gap, Group
from boucle.measures.intervals import Estimate, normal, share
from boucle.measures.metrics import Answers
from boucle.project.learning import Fairness as Limits

FEW = 50
SELECTED, CAUGHT, FALSE, RIGHT, ERROR = "selected", "true positive", "false positive", "accuracy", "mean error"


def by_group(
    frame: pd.DataFrame, limits: Limits, answers: Answers, masked: frozenset[str] = frozenset()
) -> tuple[Fairness, ...]:
    """Measure every declared column's groups."""
    return tuple(_one(frame, column, limits, answers, column in masked) for column in limits.groups)


def checks(found: Iterable[Fairness]) -> tuple[Check, ...]:
    """Say each gap as a check; a column with fewer than two counted groups is inconclusive."""
    said: list[Check] = []
    for fairness in found:
        if not fairness.gaps and fairness.note:
            said.append(Check(f"fairness {fairness.column}", "inconclusive", note=fairness.note))
        for gap in fairness.gaps:
            e = gap.estimate
            who = f"{gap.between[0]} against {gap.between[1]}"
            said.append(
                Check(
                    f"fairness {fairness.column}: {gap.name}", gap.status, e.value, gap.bound, e.low, e.high, e.n, who
                )
            )
    return tuple(said)


def _one(frame: pd.DataFrame, column: str, limits: Limits, answers: Answers, masked: bool) -> Fairness:
    groups = []
    for part in parts(frame, column, "evaluate.fairness.groups", masked):
        here = answers.take(part.rows)
        groups.append(Group(part.level, len(here), _rates(here), len(here) >= FEW))
    counted = [g for g in groups if g.counted]
    if len(counted) < 2:
        return Fairness(column, tuple(groups), (), f"fewer than two groups of {FEW} rows or more")
    return Fairness(column, tuple(groups), _gaps(counted, limits, answers))


def _rates(here: Answers) -> dict[str, Estimate]:
    if here.parts:
        return {RIGHT: share(float(np.sum(here.prediction)), len(here))}
    if not here.declared:
        return {ERROR: normal(np.asarray(here.prediction - here.truth, dtype=np.float64))}
    right = {RIGHT: share(float(np.sum(here.truth == here.prediction)), len(here))}
    if not here.binary:
        return right
    told, true = here.prediction == here.positive, here.truth == here.positive
    return {
        SELECTED: share(float(told.sum()), len(here)),
        CAUGHT: share(float((told & true).sum()), int(true.sum())),
        FALSE: share(float((told & ~true).sum()), int((~true).sum())),
        **right,
    }


def _gaps(groups: Sequence[Group], limits: Limits, answers: Answers) -> tuple[Gap, ...]:
    if answers.kind == "quantity":
        return _mean_gap(groups)
    most = f"<= {limits.difference:g}"
    if not answers.binary:
        return tuple(_difference(RIGHT, groups, most, limits.difference))
    found = [_ratio(groups, limits.ratio)]
    for name in (CAUGHT, FALSE):
        found += _difference(name, [g for g in groups if g.rates[name].n >= FEW_OF_TRUTH], most, limits.difference)
    return tuple(found)


def _ends(name: str, groups: Sequence[Group]) -> tuple[Group, Group]:
    ranked = sorted(groups, key=lambda g: g.rates[name].value)
    return ranked[0], ranked[-1]


def _ratio(groups: Sequence[Group], limit: float) -> Gap:
    low, high = _ends(SELECTED, groups)
    estimate = ratio(low.rates[SELECTED], high.rates[SELECTED])
    sure, seen = estimate.high < limit, estimate.value < limit
    return Gap(f"{SELECTED}, ratio", "ratio", estimate, f">= {limit:g}", _state(sure, seen), (low.level, high.level))


def _difference(name: str, groups: Sequence[Group], bound: str, limit: float) -> list[Gap]:
    if len(groups) < 2:
        return []
    low, high = _ends(name, groups)
    estimate = difference(high.rates[name], low.rates[name])
    status = _state(estimate.low > limit, estimate.value > limit)
    return [Gap(f"{name}, difference", "difference", estimate, bound, status, (high.level, low.level))]


def _mean_gap(groups: Sequence[Group]) -> tuple[Gap, ...]:
    """Compare mean errors; they have no bound, being in the target's unit, so the gap is reported and passes."""
    low, high = _ends(ERROR, groups)
    a, b = high.rates[ERROR], low.rates[ERROR]
    reach = math.hypot(a.half, b.half)
    gap = a.value - b.value
    estimate = Estimate(gap, gap - reach, gap + reach, a.n + b.n)
    return (Gap(f"{ERROR}, difference", "difference", estimate, "", "pass", (high.level, low.level)),)


def _state(surely_beyond: bool, beyond: bool) -> Status:
    return "fail" if surely_beyond else "inconclusive" if beyond else "pass"


def difference(one: Estimate, two: Estimate) -> Estimate:
    """Return one share minus another, with Newcombe's interval from both Wilson intervals."""
    gap = one.value - two.value
    down = math.hypot(one.value - one.low, two.high - two.value)
    up = math.hypot(one.high - one.value, two.value - two.low)
    return Estimate(gap, max(-1.0, gap - down), min(1.0, gap + up), one.n + two.n)


def ratio(one: Estimate, two: Estimate) -> Estimate:
    """Return one share over another with the log interval, half a case added on each side so that 0 can be told."""
    if two.value == 0:
        return Estimate(1.0, 0.0, math.inf, one.n + two.n)
    first, second = (e.value * e.n + 0.5 for e in (one, two))
    spread = math.sqrt(max(1 / first - 1 / (one.n + 0.5) + 1 / second - 1 / (two.n + 0.5), 0.0))
    middle = math.log(first / (one.n + 0.5)) - math.log(second / (two.n + 0.5))
    value = one.value / two.value
    low, high = math.exp(middle - 1.959964 * spread), math.exp(middle + 1.959964 * spread)
    return Estimate(value, min(low, value), max(high, value), one.n + two.n)
