"""Data faults: inputs that are broken, which is another matter than inputs that have changed.

A fault blocks retraining, so it is only what no honest change of the world looks like: values that go missing, levels
that nobody knew, numbers in another unit. Numbers somewhat beyond the reference's range are drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from boucle.core.profile import ColumnProfile, Profile
from boucle.core.verdict import Check, Verdict
from boucle.measures.distances import Excess, benjamini_hochberg, rate_test
from boucle.measures.profiles import NUMERIC

ENOUGH = 200
"""Rows from which on quiet means fine. A fault may be plain on fewer."""
_FLOORS = {"missing": 0.01, "unseen": 0.005, "far": 0.005}
"""What the rate has to exceed what was to be expected by, to matter."""
_WORDS = {
    "missing": "missing",
    "unseen": "with a level the reference does not have",
    "far": "far outside the reference's range, as in another unit",
}


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
