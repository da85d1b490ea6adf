"""Drift: the inputs, or the answers, are not distributed as they were in the reference.

Counts only. Columns are judged over the newest window and over four times as much, each kind of test with its share of
the level and Benjamini-Hochberg inside; an alarm needs a small p-value and an effect that matters. A longer horizon or
another family of tests is one more line in ``_horizons`` or ``_judged``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from boucle.core.profile import ColumnProfile, Profile
from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.distances import benjamini_hochberg, chi2_test, ks_test, rate_test
from boucle.measures.profiles import TIME
from boucle.project.settings import Drift

ENOUGH = 200
LONGEST = 16
"""Windows looked back at most."""
_LONGER = 4
_TRIFLE = 0.03
"""Effect, in standard deviations, that is not told apart from none."""
_OUTSIDE = 0.005
"""Share of values beyond the reference's range, above what was to be expected, that matters."""
_FAMILIES = 3


@dataclass(frozen=True, slots=True)
class _Finding:
    """One test of one column over one horizon of ``windows`` windows."""

    column: str
    test: str
    windows: int
    rows: int
    p: float
    effect: float
    matters: bool
    adjusted: float = 1.0
    drifted: bool = False


def judge_drift(subject: str, profiles: Sequence[Profile], reference: Profile, settings: Drift) -> Verdict:
    """Judge the newest windows, oldest first, against the reference; one check per column with its effect.

    The effect is in about standard deviations. With fewer than 200 rows over all given windows the verdict is
    inconclusive, and says so. The largest effects come first. Times are not tested: they always move on.
    """
    horizons = _horizons(profiles)
    untested = [c.name for c in reference.columns if c.kind == TIME or not any(c.counts)]
    if not horizons:
        rows = sum(p.rows for p in profiles)
        few = Check("rows", "inconclusive", rows, f">= {ENOUGH}", note=f"too few rows: {rows} of {ENOUGH}")
        return Verdict.of(subject, "drift", [few], untested=untested, rows=rows)
    level = settings.level / (len(horizons) * _FAMILIES)
    found: dict[str, list[_Finding]] = {}
    for windows, profile in horizons:
        for finding in _judged(windows, profile, reference, settings.effect, level):
            found.setdefault(finding.column, []).append(finding)
    checks = [_check(column, findings, settings.effect) for column, findings in found.items()]
    checks.sort(key=lambda check: (check.status != "fail", -(check.observed or 0.0)))
    rows = horizons[0][1].rows
    return Verdict.of(subject, "drift", checks, untested=untested, rows=rows, windows=[h for h, _ in horizons])


def _horizons(profiles: Sequence[Profile]) -> list[tuple[int, Profile]]:
    """Return the shortest sum of newest windows that has enough rows, and one four times as long if there is one."""
    sums: list[Profile] = []
    for profile in reversed(profiles):
        sums.append(profile.merged(sums[-1]) if sums else profile)
    shortest = next((i for i, total in enumerate(sums) if total.rows >= ENOUGH), None)
    if shortest is None:
        return []
    longer = min((shortest + 1) * _LONGER, len(sums)) - 1
    return [(i + 1, sums[i]) for i in dict.fromkeys((shortest, longer))]


def _judged(windows: int, profile: Profile, reference: Profile, effect: float, level: float) -> Iterator[_Finding]:
    """Test every column, each family of tests by itself."""
    pairs = [(c, reference.column(c.name)) for c in profile.columns]
    tested = [(now, old) for now, old in pairs if now.kind != TIME and any(old.counts)]
    numbers = [(now, old) for now, old in tested if old.edges]
    levels = [(now, old) for now, old in tested if not old.edges]
    families = (
        [_shape("ks", windows, now, old, effect) for now, old in numbers],
        [_shape("chi2", windows, now, old, effect) for now, old in levels],
        [_range(windows, now, old) for now, old in numbers],
    )
    for findings in families:
        rejected, adjusted = benjamini_hochberg([f.p for f in findings], level)
        for finding, surely, p in zip(findings, rejected, adjusted, strict=True):
            yield replace(finding, adjusted=p, drifted=surely and finding.matters)


def _shape(test: str, windows: int, now: ColumnProfile, old: ColumnProfile, effect: float) -> _Finding:
    if test == "ks":
        distance = ks_test(old.counts, now.counts, _TRIFLE)
    else:
        distance = chi2_test((*old.counts, old.unseen), (*now.counts, now.unseen), _TRIFLE)
    return _Finding(now.name, test, windows, now.rows, distance.p, distance.effect, distance.effect >= effect)


def _range(windows: int, now: ColumnProfile, old: ColumnProfile) -> _Finding:
    excess = rate_test(now.outside, sum(now.counts), old.outside, sum(old.counts))
    matters = excess.rate > excess.expected + _OUTSIDE
    return _Finding(now.name, "range", windows, now.rows, excess.p, excess.rate, matters)


def _check(column: str, findings: Sequence[_Finding], floor: float) -> Check:
    """Sum up one column's tests: the effect is that of its shape, on the horizon that speaks loudest."""
    shapes = [f for f in findings if f.test != "range"]
    shown = max(shapes, key=lambda f: (f.drifted, f.effect if f.drifted else -f.windows))
    drifted = [f for f in findings if f.drifted]
    longest = {f.test: f for f in sorted(drifted, key=lambda f: f.windows)}
    note = "; ".join(map(_words, longest.values()))
    evidence = {
        f"{f.test}_{f.windows}": {"effect": f.effect, "p": f.p, "adjusted": f.adjusted, "rows": f.rows}
        for f in findings
    }
    status: Status = "fail" if drifted else "pass"
    return Check(column, status, shown.effect, f"< {floor:g}", n=shown.rows, note=note, evidence=evidence)


def _words(finding: _Finding) -> str:
    over = f" over {finding.windows} windows" if finding.windows > 1 else ""
    if finding.test == "range":
        return f"{finding.effect:.1%} of its values beyond the reference's range{over}"
    return f"changed{over}"
