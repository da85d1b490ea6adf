"""Estimated performance: a guess from the model's own scores while the labels have not come, and never more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boucle.core.expected import QualityReference
from boucle.core.verdict import Check, Verdict
from boucle.measures.estimates import METRICS, estimate
from boucle.measures.intervals import Estimate
from boucle.measures.metrics import Answers

ASSUMPTION = "estimated, assumes P(y|x) unchanged"
ENOUGH = 100
"""Answered rows from which on an estimate is shown."""
_CONTRADICTED = 100
"""Labels from which on they can contradict an estimate."""


def estimate_quality(
    subject: str,
    given: Answers,
    reference: QualityReference | None,
    labelled: Mapping[str, Estimate] | None = None,
    metrics: Sequence[str] = METRICS,
) -> Verdict:
    """Estimate the metrics of answers whose truth has not come (``given.truth`` is not looked at).

    A check is "pass" when there is an estimate, "inconclusive" when there is none or when the labels have proved it
    wrong: ``labelled`` are the metrics of the newest labelled rows, and an interval that has no point in common with
    the estimate's mutes it. Never "fail": no action follows from an estimate.
    """
    tables = reference.calibrations if reference is not None else ()
    found = estimate(given, tables, metrics) if len(given) >= ENOUGH else {}
    if not found:
        why = f"too few rows: {len(given)} of {ENOUGH}" if len(given) < ENOUGH else "no calibrated probabilities"
        return Verdict.of(subject, "estimate", [Check("estimate", "inconclusive", n=len(given), note=why)])
    checks = [_check(name, one, (labelled or {}).get(name)) for name, one in found.items()]
    return Verdict.of(subject, "estimate", checks, assumption=ASSUMPTION, rows=len(given))


def contradicted(estimated: Estimate, labelled: Estimate | None) -> bool:
    """Say whether labels prove the estimate wrong: their intervals are apart."""
    if labelled is None or labelled.n < _CONTRADICTED or labelled.low != labelled.low:
        return False
    return estimated.high < labelled.low or estimated.low > labelled.high


def _check(name: str, found: Estimate, labelled: Estimate | None) -> Check:
    if found.value != found.value:
        return Check(name, "inconclusive", n=found.n, note=f"{ASSUMPTION}: not defined on these rows")
    if labelled is not None and contradicted(found, labelled):
        note = (
            f"muted: labels say {labelled.value:.4g} [{labelled.low:.4g}, {labelled.high:.4g}], so P(y|x) has changed"
        )
        return Check(name, "inconclusive", note=note, n=found.n, evidence={"muted": found.value})
    low, high = (v if v == v else None for v in (found.low, found.high))
    return Check(name, "pass", found.value, "", low, high, found.n, ASSUMPTION)
