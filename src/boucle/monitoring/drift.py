"""Drift and data faults: the inputs, or the answers, are not distributed as they were in the reference.

Counts only. Three horizons (the newest windows, four and sixteen times as many), three families of tests (shape, rates,
products of columns), Benjamini-Hochberg inside each; an alarm needs a small p-value and an effect that matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import RATES, Counts
from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.distances import benjamini_hochberg, effective_rows, pooled
from boucle.measures.effects import effect_intervals
from boucle.measures.law import GRAIN, Law
from boucle.measures.smooth import NOTHING, TRIFLE, Found, settled, smooth_test
from boucle.measures.special import binomial_tail, chi2_tail, normal_tail

ENOUGH = 200
"""Rows from which on quiet means fine."""
HORIZONS = (1, 4, 16)
LONGEST = 16
"""Windows looked back at most."""
LEVEL, EFFECT = 0.005, 0.10
FLOORS = {"missing": 0.01, "unseen": 0.005, "outside": 0.005, "far": 0.005, "small": 0.5, "large": 0.5,
          "whole": 0.02, "common": 0.02}  # fmt: skip
"""What a rate has to exceed what was to be expected by, to matter. The grain, ``whole`` and ``common``, also by
``effect`` times its own standard deviation: where most values are 0 anyway, a few more are a small shift."""
FAULTS = frozenset(("missing", "unseen", "far", "small", "large"))
"""Rates that no honest change of the world looks like: they block retraining."""
WORDS = {
    "missing": "missing",
    "unseen": "with a level the reference does not have",
    "outside": "beyond the reference's range",
    "far": "far outside the reference's range, as in another unit",
    "small": "a twentieth of the reference's median at most, as in another unit",
    "large": "twenty times the reference's median at least, as in another unit",
    "whole": "whole numbers",
    "common": "the reference's most common value",
}
_FLOORS = np.array([FLOORS[kind] for kind in RATES])
_IS_GRAIN = np.isin(RATES, GRAIN)
_TRIPLE_FLOOR, _TRIPLE_ROWS = 0.15, 500
_SLACK = 1.1
_WORTH = 20
"""Independent rows that a window has to be worth for shapes and products to be tested: fewer have no usual tails."""
_SCATTERED, _SURELY = 8, 2.326
_GAPS = 0.05
_PICTURED = 24
_FAMILIES = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The counts of one window, and its place in the cycle."""

    counts: Counts
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of one column, or of columns together, over the newest ``windows`` windows.

    ``effect`` is in about standard deviations for shapes and products, a share of the rows for rates; ``bound`` is
    what it has to exceed. ``worth`` are the effective rows of a shape, ``order`` its degrees of freedom.
    """

    column: str
    test: str
    windows: int
    rows: int
    p: float
    effect: float
    bound: float
    others: tuple[str, ...] = ()
    adjusted: float = 1.0
    sure: bool = False
    worth: float = 0.0
    order: int = 0

    @property
    def fault(self) -> bool:
        return self.test in FAULTS


def findings(
    law: Law, windows: Sequence[Seen], level: float = LEVEL, effect: float = EFFECT, least: int = ENOUGH
) -> list[Finding]:
    """Test the newest windows, oldest first, against the reference; none with fewer than ``least`` rows in all.

    ``level`` is the chance of a false alarm per window, over all columns and tests; ``effect`` the least that counts.
    """
    horizons = _horizons(windows, least)
    share = level / (len(HORIZONS) * _FAMILIES)
    found: list[Finding] = []
    for many in horizons:
        horizon = _Horizon(law, windows[-many:], many, effect)
        for tests, tried in (horizon.shapes(), horizon.rates(), horizon.products()):
            sure, adjusted = benjamini_hochberg([f.p for f in tests], share, tried)
            found += [
                replace(f, adjusted=p, sure=known and f.effect >= f.bound) if p < 1.0 else f
                for f, known, p in zip(tests, sure, adjusted, strict=True)
            ]
    return _explained(found)


def _explained(found: Sequence[Finding]) -> list[Finding]:
    """Drop products of a column that has changed by itself: it explains them, and the others are not to blame."""
    changed = {f.column for f in found if f.sure and f.test not in ("pair", "triple")}
    return [f for f in found if f.test not in ("pair", "triple") or changed.isdisjoint((f.column, *f.others))]


def _horizons(windows: Sequence[Seen], least: int) -> list[int]:
    """Return how many windows are judged together: as few as have enough rows, then four and sixteen times as many."""
    rows = 0
    for many, seen in enumerate(reversed(windows), start=1):
        rows += seen.counts.rows
        if rows >= least:
            return list(dict.fromkeys(min(many * times, len(windows), LONGEST) for times in HORIZONS))
    return []


Ends = dict[Finding, tuple[float, float]]
"""The intervals of effects of shapes."""
Family = tuple[list[Finding], int]
"""What a family found, and how many tests it made: those whose effect does not matter have no finding, and p = 1."""


class _Horizon:
    """Windows judged together."""

    def __init__(self, law: Law, windows: Sequence[Seen], many: int, effect: float) -> None:
        self.law, self.windows, self.many, self.effect = law, windows, many, effect
        total = windows[0].counts
        for seen in windows[1:]:
            total = total + seen.counts
        self.total = total
        self.weights = law.weights([s.phase for s in windows], [s.counts.rows for s in windows])
        self.steady = law.steadiness(float(total.rows))

    def shapes(self) -> Family:
        if self.total.rows < _WORTH * self.law.typical:
            return [], 0
        means = self.law.means(self.total.bins)
        found = [self._shape(i, means[i]) for i in self.law.testable]
        return found, len(found)

    def _shape(self, i: int, mean: Floats) -> Finding:
        law, column = self.law, self.law.profile.columns[i]
        counts = self.total.bins[law.place(i)]
        rows, burst = int(counts.sum()), float(law.design[i])
        if not column.numeric:
            unseen = int(self.total.rates[i, RATES.index("unseen")])
            expected = law.expected(i, self.weights)
            found = self._levels(i, counts, unseen, expected.shares, expected.rows, burst)
            return self._told(column.name, "chi2", rows, found)
        if law.cyclic[i]:
            expected = law.expected(i, self.weights)
            worth = effective_rows(rows / burst, expected.rows / burst)
            found = smooth_test(mean - expected.means, expected.covariance, worth, floor=self.effect, known=self.steady)
        else:
            worth = effective_rows(rows / burst, float(law.known[i]) / burst)
            found = smooth_test(mean, None, worth, floor=self.effect, known=self.steady)
        return self._told(column.name, "smooth", rows, found)

    def _told(self, column: str, test: str, rows: int, found: Found) -> Finding:
        return Finding(
            column, test, self.many, rows, found.p, found.effect, self.effect, worth=found.worth, order=found.order
        )

    def _levels(
        self, i: int, counts: NDArray[np.int64], unseen: int, shares: Floats, rows: float, burst: float
    ) -> Found:
        """Pearson's test (1900); rows of levels still unmet stand together, and so do rare levels."""
        place = self.law.place(i)
        held = self.law.held[place]
        known = shares * rows
        before = float(self.law.total.rates[i, RATES.index("unseen")])
        old = np.append(known * held, (known * (1.0 - held)).sum() + before)
        new = np.append(counts, unseen).astype(np.float64)
        old, new = pooled(old / burst, new / burst)
        before, now = float(old.sum()), float(new.sum())
        freedom = len(old) - 1
        if before <= 0.0 or now <= 0.0 or freedom < 1:
            return NOTHING
        worth = effective_rows(before, now)
        together = (old + new) / (before + now)
        square = float(np.sum(np.square(new / now - old / before) / together))
        effect = math.sqrt(max(0.0, square - freedom / worth))
        if effect < self.effect:
            return Found(1.0, effect, worth, freedom)
        p = chi2_tail(settled(worth * square, self.steady), freedom, worth * TRIFLE * TRIFLE)
        return Found(p, effect, worth, freedom)

    def rates(self) -> Family:
        """Test the rates that matter: an exact binomial tail at the upper side of the reference's rate."""
        law, seen = self.law, self.total.rates.astype(np.float64)
        rows, base, base_rows = self._rate_rows(seen)
        design = np.repeat(law.design[:, None], len(RATES), axis=1)
        rate = np.divide(seen, rows, out=np.zeros_like(seen), where=rows > 0)
        tested = law.has_rate & (base_rows > 0) & (~_IS_GRAIN | (rows >= ENOUGH))
        # Cohen's w (1988) of a share: what it moves by in its own standard deviations, as shapes are measured.
        spread = np.sqrt(np.maximum(0.0, base * (1.0 - base)))  # a weighted share of 1 may come out a rounding above
        least = np.maximum(_FLOORS, np.where(_IS_GRAIN, self.effect * spread, 0.0))
        risen = list(zip(*np.nonzero(tested & (rate >= base + least)), strict=True))
        for i, place in risen:
            design[i, place] = min(law.design[i], self._scatter(i, place))
        # Counts of a burst are worth as many rows as it has users, and so is the reference.
        many, before = rows / design, base_rows / design
        share = np.minimum(1.0, (base * before + 1.5) / (before + 1.5))
        expected = np.minimum(1.0, share + law.caution * np.sqrt(share * (1.0 - share) / (before + 1.5)))
        found = []
        for i, place in risen:
            asked, bound = float(expected[i, place]), float(expected[i, place] + least[i, place])
            if rate[i, place] >= bound:
                p = binomial_tail(float(seen[i, place] / design[i, place]), float(many[i, place]), asked)
                name, n = law.profile.columns[i].name, int(rows[i, place])
                found.append(Finding(name, RATES[place], self.many, n, p, float(rate[i, place]), bound))
        return found, int(tested.sum())

    def _scatter(self, i: int, place: int) -> float:
        """Return the most that the design effect of a rate can be, seeing how little it differs from window to window.

        Gaps that come one by one are as many as they are, also where all else comes in bursts. The variance is that of
        successive differences (von Neumann, 1941), which a change does not swell, and its 99 % upper bound is taken
        (Wilson and Hilferty, 1931).
        """
        if len(self.windows) < _SCATTERED or self.law.design[i] <= 1.0:
            return math.inf
        rows = np.array([max(seen.counts.rows, 1) for seen in self.windows], dtype=np.float64)
        rate = np.array([float(seen.counts.rates[i, place]) for seen in self.windows]) / rows
        mean, many = float(rate @ rows / rows.sum()), len(rows)
        found = float((np.diff(rate) ** 2 / (1.0 / rows[1:] + 1.0 / rows[:-1])).sum()) / (many - 1)
        freedom = 2.0 * (many - 1) ** 2 / (3.0 * many - 4.0)
        lowest = (1.0 - 2.0 / (9.0 * freedom) - _SURELY * math.sqrt(2.0 / (9.0 * freedom))) ** 3
        return max(1.0, found / max(mean * (1.0 - mean), 1e-12) / lowest)

    def _rate_rows(self, seen: Floats) -> tuple[Floats, Floats, Floats]:
        """Return rows, the reference's rates and its rows, shape (columns, rates); all but missing of known ones."""
        law, profile = self.law, self.law.profile
        missing = RATES.index("missing")
        rows = np.repeat((self.total.rows - seen[:, missing])[:, None], len(RATES), axis=1)
        rows[:, missing] = self.total.rows
        before = law.total.rates.astype(np.float64)
        old = np.repeat((law.total.rows - before[:, missing])[:, None], len(RATES), axis=1)
        old[:, missing] = law.total.rows
        met = np.add.reduceat(np.append(profile.met, 0.0), law.offsets[:-1])
        unseen = RATES.index("unseen")
        before[:, unseen] = np.maximum(old[:, unseen] - met, 0.0)
        base = np.divide(before, old, out=np.zeros_like(before), where=old > 0)
        if law.period > 1:
            of_phase = law.phase_rates / np.maximum(law.phase_rows, 1.0)[:, None, None]
            mixed = np.tensordot(self.weights, of_phase, axes=1)
            mixed[:, RATES.index("unseen")] = 0.0
            base = np.maximum(base, mixed)
        return rows, base, old

    def products(self) -> Family:
        """Test correlations of normal scores by Fisher's z (1915), and mean products of three."""
        law, rows = self.law, float(self.total.rows)
        names = law.counting.pairs
        if not names or rows < max(ENOUGH, _WORTH * law.typical):
            return [], 0
        worth = effective_rows(rows / law.typical, self._reference_rows() / law.typical)
        now = _correlations(self.total.pairs / rows, *law.moments(self.total.bins, rows))
        before = _correlations(*(self.weights @ each for each in law.phase_products))
        off = np.abs(np.arctanh(now) - np.arctanh(before))
        error = np.sqrt(law.profile.pair_noise / worth)
        whole = self._whole()
        known = whole[law.counting.pair_places].all(axis=1)
        found = self._far_off("pair", names, np.where(known, off, 0.0), error, self.effect)
        tried = len(names)
        if rows / law.typical >= _TRIPLE_ROWS and len(self.total.triples):
            off = np.abs(self.total.triples / rows - self.weights @ law.phase_cubes)
            error = np.sqrt(law.profile.triple_noise / worth)
            known = whole[law.counting.triple_places].all(axis=1)
            found += self._far_off(
                "triple", law.counting.triples, np.where(known, off, 0.0), error, max(_TRIPLE_FLOOR, self.effect)
            )
            tried += len(off)
        return found, tried

    def _whole(self) -> NDArray[np.bool_]:
        """Say which columns have products: no clock, and no more gaps than in the reference, which have no score."""
        missing = RATES.index("missing")
        before = self.law.total.rates[:, missing] / max(self.law.total.rows, 1)
        whole = self.total.rates[:, missing] / self.total.rows <= before + _GAPS
        return np.asarray(whole & ~self.law.ticking)

    def _reference_rows(self) -> float:
        return 1.0 / float((self.weights**2 / np.maximum(self.law.phase_rows, 1.0)).sum())

    def _far_off(
        self, test: str, names: Sequence[tuple[str, ...]], off: Floats, error: Floats, floor: float
    ) -> list[Finding]:
        effects = np.sqrt(np.maximum(off**2 - error**2, 0.0))
        found = []
        for place in np.flatnonzero(effects >= floor).tolist():
            z = float((off[place] - TRIFLE) / (_SLACK * error[place]))
            p = min(1.0, 2.0 * normal_tail(math.sqrt(settled(z * z, self.steady)) if z > 0.0 else z))
            first, *others = names[place]
            found.append(
                Finding(first, test, self.many, self.total.rows, p, float(effects[place]), floor, tuple(others))
            )
        return found


def _correlations(products: Floats, means: Floats, squares: Floats) -> Floats:
    """Return correlations from mean products, means and mean squares, kept inside (-1, 1)."""
    first, second = _upper(means.shape[-1])
    spread = np.sqrt(np.maximum(squares - means**2, 1e-9))
    found = (products - means[first] * means[second]) / (spread[first] * spread[second])
    return np.asarray(np.clip(found, -0.999, 0.999))


@lru_cache(8)
def _upper(many: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(many, 1)
    return first, second


def drift_verdict(subject: str, law: Law, windows: Sequence[Seen], found: Sequence[Finding], floor: float) -> Verdict:
    """Conclude from the findings that are no faults: one check a column, the largest effects first."""
    rows = sum(s.counts.rows for s in windows)
    untested = sorted(c.name for i, c in enumerate(law.profile.columns) if law.silent(i))
    facts = {"untested": untested, "clocks": sorted(law.clocks), "period": law.period, "design_effect": law.typical,
             "ordered": law.profile.ordered}  # fmt: skip
    if rows < ENOUGH:
        few = Check("rows", "inconclusive", rows, f">= {ENOUGH}", note=f"too few rows: {rows} of {ENOUGH}")
        return Verdict.of(subject, "drift", [few], rows=rows, **facts)
    about: dict[str, list[Finding]] = {}
    for finding in found:
        if not finding.fault and (finding.sure or finding.test in ("smooth", "chi2")):
            about.setdefault(finding.column, []).append(finding)
    ends = _ends([f for tests in about.values() for f in tests])
    checks = [_pictured(_summed(column, tests, floor, ends), law, windows) for column, tests in about.items()]
    checks += [Check(c.name, "pass", n=rows, note="the same in every row of the reference")
               for i, c in enumerate(law.profile.columns) if c.name not in about and not law.silent(i)]  # fmt: skip
    checks.sort(key=lambda check: (check.status != "fail", -(check.observed or 0.0)))
    return Verdict.of(subject, "drift", checks, rows=rows, windows=sorted({f.windows for f in found}), **facts)


def fault_verdict(subject: str, law: Law, window: Counts, found: Sequence[Finding]) -> Verdict:
    """Conclude from the rates of what is broken in the newest ``window``; one under 200 rows is inconclusive.

    What only many windows together make sure is told as long as the newest has as much of it.
    """
    rows = window.rows
    newest = min((f.windows for f in found), default=1)
    sure = [f for f in found if f.fault and f.sure and (f.windows == newest or _rate(law, window, f) >= f.bound)]
    broken = list({(f.column, f.test): f for f in sorted(sure, key=lambda f: -f.windows)}.values())
    units = {f.column for f in broken if f.test == "far"}  # what is far away is large as well
    broken = [f for f in broken if f.test not in ("small", "large") or f.column not in units]
    checks = [_fault(f, rows) for f in broken]
    if rows < ENOUGH and not broken:
        checks = [Check("rows", "inconclusive", rows, f">= {ENOUGH}", note=f"too few rows: {rows} of {ENOUGH}")]
    else:
        names = {f.column for f in broken}
        checks += [Check(c.name, "pass", n=rows) for c in law.profile.columns if c.name not in names]
    return Verdict.of(subject, "fault", checks, rows=rows)


def _rate(law: Law, window: Counts, f: Finding) -> float:
    """Return the share of a window's rows that has what ``f`` has found."""
    column = next(i for i, one in enumerate(law.profile.columns) if one.name == f.column)
    rates = dict(zip(RATES, window.rates[column].tolist(), strict=True))
    rows = window.rows - (0 if f.test == "missing" else rates["missing"])
    return float(rates[f.test] / rows) if rows else 0.0


def _fault(f: Finding, rows: int) -> Check:
    note = f"{round(f.effect * f.rows)} of {f.rows} values are {WORDS[f.test]}"
    evidence = {"column": f.column, "kind": f.test, "p": f.p, "adjusted": f.adjusted}
    return Check(f"{f.column} {f.test}", "fail", f.effect, f"<= {f.bound:.2g}", n=rows, note=note, evidence=evidence)


def _ends(found: Sequence[Finding]) -> Ends:
    """Return the intervals of the effects of shapes, all at once."""
    shapes = [f for f in found if f.order]
    low, high = effect_intervals([f.effect for f in shapes], [f.worth for f in shapes], [f.order for f in shapes])
    return dict(zip(shapes, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _summed(column: str, tests: Sequence[Finding], floor: float, ends: Ends) -> Check:
    """Sum up one column's tests: the effect is that of its shape, on the horizon that speaks loudest."""
    sure = [f for f in tests if f.sure]
    shapes = [f for f in tests if f.test in ("smooth", "chi2")] or list(tests)
    shown = max(shapes, key=lambda f: (f.sure, f.effect if f.sure else -f.windows))
    longest = {(f.test, f.others): f for f in sorted(sure, key=lambda f: f.windows)}
    evidence = {
        "_".join((f.test, *f.others, str(f.windows))): {"effect": f.effect, "p": f.p, "adjusted": f.adjusted,
                                                        "rows": f.rows, "sure": f.sure, **_between(ends.get(f))}
        for f in tests if f.sure or f.test in ("smooth", "chi2")
    }  # fmt: skip
    status: Status = "fail" if sure else "pass"
    note = "; ".join(map(_words, longest.values()))
    low, high = ends.get(shown, (None, None))
    return Check(column, status, shown.effect, f"< {floor:g}", low, high, shown.rows, note, evidence)


def _between(ends: tuple[float, float] | None) -> dict[str, float]:
    return {} if ends is None else {"low": ends[0], "high": ends[1]}


def _pictured(check: Check, law: Law, windows: Sequence[Seen]) -> Check:
    """Put what is needed for a picture beside a failed check: counts of both in at most 24 bins."""
    if check.status != "fail":
        return check
    i = next(i for i, column in enumerate(law.profile.columns) if column.name == check.name)
    counts = {"reference": law.total.bins[law.place(i)], "current": windows[-1].counts.bins[law.place(i)]}
    if not law.profile.columns[i].numeric:
        common = np.sort(np.argsort(-counts["reference"], kind="stable")[:_PICTURED])
        counts = {name: values[common] for name, values in counts.items()}
    bins = {name: [int(part.sum()) for part in np.array_split(values, min(_PICTURED, len(values)))]
            for name, values in counts.items()}  # fmt: skip
    return replace(check, evidence={**check.evidence, "bins": bins})


def _words(f: Finding) -> str:
    over = f" over {f.windows} windows" if f.windows > 1 else ""
    if f.test in WORDS:
        return f"{f.effect:.1%} of its values {WORDS[f.test]}{over}"
    if f.others:
        return f"no longer goes with {' and '.join(f.others)} as it did{over}"
    return f"changed{over}"
