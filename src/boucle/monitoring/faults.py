"""Data faults: inputs that are broken, which is another matter than inputs that have changed.

A fault blocks retraining, so it is only what no honest change of the world looks like: values that go missing, levels
that nobody knew, numbers in another unit. Numbers somewhat beyond the reference's range are drift.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from boucle.core.profile import ColumnProfile, Profile
from boucle.core.verdict import Check, Verdict
from boucle.measures.distances import Excess, benjamini_hochberg, rate_test
from boucle.measures.profiles import NUMERIC, PREDICTION

ENOUGH = 200
"""Rows from which on quiet means fine. A fault may be plain on fewer."""
_FLOORS = {"missing": 0.01, "unseen": 0.005, "far": 0.005, "small": 0.5, "large": 0.5}
"""What the rate has to exceed what was to be expected by, to matter."""
_WORDS = {
    "missing": "missing",
    "unseen": "with a level the reference does not have",
    "far": "far outside the reference's range, as in another unit",
    "small": "a twentieth of the reference's median at most, as in another unit",
    "large": "twenty times the reference's median at least, as in another unit",
}
_SHRUNK, _GROWN = 0.05, 20.0
"""Multiples of the reference's median that most values of a quantity stay above, and below."""


@dataclass(frozen=True, slots=True)
class _Rate:
    column: str
    kind: str
    seen: int
    excess: Excess


def judge_faults(subject: str, window: Profile, reference: Profile, level: float) -> Verdict:
    """Judge a window's rates of missing, unseen and far-off values, all columns together at ``level``.

    A column fails when its rate is surely above the reference's (exact binomial, Benjamini-Hochberg over all rates) and
    by enough to matter. Under 200 rows a window without a fault is inconclusive.
    """
    rates = [rate for column in window.columns for rate in _rates(column, reference.column(column.name))]
    found, adjusted = benjamini_hochberg([rate.excess.p for rate in rates], level)
    checks: dict[str, Check] = {}
    for rate, surely, p in zip(rates, found, adjusted, strict=True):
        broken = surely and rate.excess.rate > rate.excess.expected + _FLOORS[rate.kind]
        if broken or rate.column not in checks:
            name = f"{rate.column} {rate.kind}" if broken else rate.column
            checks[name] = _check(name, rate, p, window.rows, broken)
    return Verdict.of(subject, "fault", checks.values(), rows=window.rows)


def _rates(column: ColumnProfile, before: ColumnProfile) -> Iterator[_Rate]:
    known = column.rows - column.missing
    known_before = before.rows - before.missing
    yield _Rate(
        column.name, "missing", column.missing, rate_test(column.missing, column.rows, before.missing, before.rows)
    )
    if before.levels and known_before:
        # Levels met once stand for those still unmet (Good, 1953).
        rare = before.unseen + sum(count == 1 for count in before.counts)
        yield _Rate(column.name, "unseen", column.unseen, rate_test(column.unseen, known, rare, known_before))
    if column.kind == NUMERIC and known_before:
        # The range is widened so much that the reference's own rate needs no more caution.
        yield _Rate(column.name, "far", column.far, rate_test(column.far, known, before.far, known_before, 0.0))
        yield from _rescaled(column, before, known, known_before)


def _rescaled(column: ColumnProfile, before: ColumnProfile, known: int, known_before: int) -> Iterator[_Rate]:
    """Ask whether most values are in another unit that stays within reach of the range, such as kg for g.

    Only of quantities: inputs that were never negative, and mostly not zero. A score has no unit.
    """
    median = _median(before)
    if column.name == PREDICTION or before.low is None or before.low < 0.0 or median <= 0.0:
        return
    small, large = _SHRUNK * median, _GROWN * median
    # Bins end at the reference's smallest value. Markov's inequality on x² says how many lie below ``small`` at least.
    seen = max(0, known - math.ceil(min(column.squares / small**2, known)))
    small_before = sum(before.counts[: bisect_left(before.edges, small) + 1])
    yield _Rate(column.name, "small", seen, rate_test(seen, known, small_before, known_before))
    grown = bisect_left(before.edges, large) + 1
    seen, large_before = sum(column.counts[grown:]), sum(before.counts[grown:])
    yield _Rate(column.name, "large", seen, rate_test(seen, known, large_before, known_before))


def _median(column: ColumnProfile) -> float:
    """Return the median, as the lower end of its bin; 0 without one."""
    half, below = sum(column.counts) / 2.0, 0
    for lower, count in zip((0.0, *column.edges), column.counts, strict=True):
        below += count
        if below and below >= half:
            return lower
    return 0.0


def _check(name: str, rate: _Rate, p: float, rows: int, broken: bool) -> Check:
    excess = rate.excess
    bound = f"<= {excess.expected + _FLOORS[rate.kind]:.2g}"
    evidence = {"column": rate.column, "kind": rate.kind, "p": excess.p, "adjusted": p}
    if broken:
        note = f"{rate.seen} of {rows} values are {_WORDS[rate.kind]}"
        return Check(name, "fail", excess.rate, bound, n=rows, note=note, evidence=evidence)
    if rows < ENOUGH:
        return Check(name, "inconclusive", bound="", n=rows, note=f"too few rows: {rows} of {ENOUGH}")
    return Check(name, "pass", excess.rate, bound, n=rows, evidence=evidence)
