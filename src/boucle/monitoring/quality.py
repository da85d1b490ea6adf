"""Quality: how good the answers turned out to be, once their truth came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.intervals import Estimate, bootstrap
from boucle.measures.metrics import Metric, default_metrics, metric_of
from boucle.measures.sequences import change_point
from boucle.monitoring.labels import Labelled

ENOUGH = 100
"""Labelled rows from which on quality is judged."""
LOOKBACK = 4
"""The change is looked for over as many times the rows that are judged."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The verdict, and since when (Unix seconds of the request) the losses are higher, if it failed."""

    verdict: Verdict
    changed: float | None = None


def judge_quality(
    subject: str,
    rows: Labelled,
    newest: int,
    reference: Mapping[str, float],
    metrics: Sequence[str] | None,
    tolerance: float,
) -> Quality:
    """Judge the ``newest`` labelled rows against the reference values of the version's metrics.

    The first metric decides: it fails when even the better end of its 95 % interval is worse than the reference by
    more than ``tolerance``, relative. The others are reported. ``rows`` may reach further back, to date the change.
    """
    names = list(metrics or default_metrics(rows.task))
    window = rows.take(slice(max(0, len(rows) - newest), None))
    found = bootstrap(names, window.answers()) if len(window) else {}
    nothing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    first = _judged(metric_of(names[0]), found.get(names[0], nothing), reference.get(names[0]), tolerance)
    rest = [_reported(name, found[name]) for name in names[1:] if name in found]
    since = _since(rows, names[0]) if first.status == "fail" else None
    dropped = {"dropped": rows.dropped} if rows.dropped else {}
    return Quality(Verdict.of(subject, "quality", [first, *rest], changed=since, labels=len(window), **dropped), since)


def tolerated(metric: Metric, reference: float, tolerance: float) -> float:
    """Return the worst value that still passes."""
    return reference - metric.sign * tolerance * abs(reference)


def _judged(metric: Metric, found: Estimate, reference: float | None, tolerance: float) -> Check:
    if found.n < ENOUGH:
        note = f"too few labels: {found.n} of {ENOUGH}"
        return _check(metric.name, "inconclusive", found, "", note)
    if reference is None or reference != reference:
        return _check(metric.name, "inconclusive", found, "", "the version has no reference value to compare with")
    bound = tolerated(metric, reference, tolerance)
    text = f"{'>=' if metric.greater_is_better else '<='} {bound:.4g}"
    better = found.high if metric.greater_is_better else found.low
    if better != better:
        return _check(metric.name, "inconclusive", found, text, "it cannot be computed on these labels")
    lost = metric.sign * (better - bound) < 0.0
    worse = metric.sign * (found.value - bound) < 0.0
    status: Status = "fail" if lost else "inconclusive" if worse else "pass"
    note = f"was {reference:.4g}" if status != "inconclusive" else "beyond the bound, and not surely"
    return _check(metric.name, status, found, text, note)


def _reported(name: str, found: Estimate) -> Check:
    return _check(name, "pass", found, "", "reported, not judged")


def _check(name: str, status: Status, found: Estimate, bound: str, note: str) -> Check:
    value, low, high = (v if v == v else None for v in (found.value, found.low, found.high))
    return Check(name, status, value, bound, low, high, found.n, note)


def _since(rows: Labelled, metric: str) -> float | None:
    """Estimate when the losses rose: the time of the first request after the change."""
    place = change_point(rows.losses(metric))
    return None if place is None else float(rows.times[place])
