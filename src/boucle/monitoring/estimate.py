"""Estimated performance: a guess from the model's own scores while the labels have not come, and never more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boucle.core.expected import Calibration, QualityReference
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.verdict import Check, Verdict
from boucle.measures.estimates import METRICS, estimate
from boucle.measures.intervals import Estimate, bootstrap
from boucle.measures.metrics import Answers
from boucle.measures.metrics import answers as paired
from boucle.monitoring.columns import answers
from boucle.monitoring.labels import labelled
from boucle.monitoring.newest import newest
from boucle.monitoring.windows import ROLES
from boucle.ports.stores import Transaction

ASSUMPTION = "estimated, assumes P(y|x) unchanged"
ENOUGH = 100
"""Rows from which on an estimate is shown, and labels from which on they can contradict it."""
_LABELS = 2000


def estimate_quality(
    subject: str,
    given: Answers,
    reference: QualityReference | None,
    known: Answers | None = None,
    metrics: Sequence[str] = METRICS,
) -> Verdict:
    """Estimate the metrics of answers whose truth has not come (``given.truth`` is not looked at).

    A check is "pass" when there is an estimate, "inconclusive" when there is none or when labels have proved it
    wrong: on the newest labelled rows, ``known``, the metric's interval has no point in common with that of the
    estimate on these same rows. Never "fail": no action follows from an estimate.
    """
    tables = reference.calibrations if reference is not None else ()
    found = estimate(given, tables, metrics) if len(given) >= ENOUGH else {}
    if not found:
        why = f"too few rows: {len(given)} of {ENOUGH}" if len(given) < ENOUGH else "no calibrated probabilities"
        return Verdict.of(subject, "estimate", [Check("estimate", "inconclusive", n=len(given), note=why)])
    wrong = contradicted(known, tables, list(found)) if known is not None else {}
    checks = [_check(name, one, wrong.get(name)) for name, one in found.items()]
    return Verdict.of(subject, "estimate", checks, assumption=ASSUMPTION, rows=len(given))


def contradicted(known: Answers, tables: Sequence[Calibration], metrics: Sequence[str]) -> dict[str, str]:
    """Return what labels say against the estimates on their own rows, by metric; nothing under 100 labels."""
    if len(known) < ENOUGH:
        return {}
    guessed, true = estimate(known, tables, metrics), bootstrap(metrics, known)
    return {
        name: f"where labels came, {true[name].value:.4g} was right and {one.value:.4g} estimated"
        for name, one in guessed.items()
        if one.high < true[name].low or one.low > true[name].high
    }


def look_at_estimate(
    tx: Transaction, version: ModelVersion, info: BundleInfo, reference: QualityReference | None, rows: int
) -> Verdict | None:
    """Estimate the quality of the newest ``rows`` requests; None for models that give no calibrated probabilities."""
    signature = info.signature
    if signature.kind != "class" or reference is None or not reference.calibrations:
        return None
    predicted, shares = answers(newest(tx, version.name, version.number, rows), signature)
    given = paired(signature.task, predicted, predicted, shares, signature.classes)
    joined = tx.observations.joined(version.name, version.number, limit=_LABELS)
    told = labelled(joined, signature.task, signature.classes, ROLES)
    known = told.answers() if len(told) and told.probabilities is not None else None
    return estimate_quality(version.ref, given, reference, known)


def _check(name: str, found: Estimate, wrong: str | None) -> Check:
    if found.value != found.value:
        return Check(name, "inconclusive", n=found.n, note=f"{ASSUMPTION}: not defined on these rows")
    if wrong is not None:
        note = f"muted, P(y|x) has changed: {wrong}"
        return Check(name, "inconclusive", note=note, n=found.n, evidence={"muted": found.value})
    low, high = (v if np.isfinite(v) else None for v in (found.low, found.high))
    return Check(name, "pass", found.value, "", low, high, found.n, ASSUMPTION)
