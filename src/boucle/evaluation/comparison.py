"""Champion against challenger on the same rows.

The rule, on the primary metric, with the difference turned so that above 0 the challenger is better:

* fail, when the whole interval lies below -margin: surely worse than is let through;
* inconclusive, when there are fewer than 20 rows or the difference itself lies below -margin: worse, perhaps by chance;
* pass otherwise: not worse on these rows. Whether that is proven (the lower end above -margin) is said besides.

Asking for proof with a margin of 0 would refuse every challenger as good as the champion, for ever; the canary that
follows asks the same question again on live rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from boucle.core.verdict import Check, Status
from boucle.evaluation.gates import FEW
from boucle.evaluation.result import Comparison
from boucle.measures.intervals import Estimate, paired, score_all
from boucle.measures.metrics import METRICS, Answers


def compare(
    reference: str, metrics: Sequence[str], champion: Answers, challenger: Answers, margin: float, seed: int
) -> Comparison:
    """Compare two sets of answers to the same rows; the first of ``metrics`` decides."""
    raw = paired(metrics, champion, challenger, seed=seed)
    differences = {m: e.scaled(METRICS[m].sign) for m, e in raw.items()}
    deciding = differences[metrics[0]]
    status, note = judge(deciding, margin)
    return Comparison(
        reference,
        metrics[0],
        margin,
        status,
        differences,
        score_all(metrics, champion),
        score_all(metrics, challenger),
        rows_needed(deciding, margin),
        note,
    )


def judge(difference: Estimate, margin: float) -> tuple[Status, str]:
    """Apply the rule at the top of this file; returns the outcome and one sentence."""
    if math.isnan(difference.value) or math.isnan(difference.high):
        return "inconclusive", "the difference cannot be told on these rows"
    if difference.n < FEW:
        return "inconclusive", f"fewer than {FEW} rows"
    if difference.high < -margin:
        return "fail", "surely worse"
    enough = rows_needed(difference, margin)
    more = f"; about {enough:,} rows would tell" if enough and enough > difference.n else ""
    if difference.value < -margin:
        return "inconclusive", f"worse on these rows, perhaps by chance{more}"
    if difference.low > 0:
        return "pass", "surely better"
    if difference.low >= -margin:
        return "pass", "surely not worse than the margin"
    return "pass", f"not worse on these rows, not proven{more}"


def rows_needed(difference: Estimate, margin: float) -> int | None:
    """Return the rows at which the interval, narrowing with their root, would no longer hold -margin."""
    distance = abs(difference.value + margin)
    if not math.isfinite(difference.half) or difference.half <= 0 or distance <= 0:
        return None
    return min(math.ceil(difference.n * (difference.half / distance) ** 2), 10**9)


def check(comparison: Comparison, name: str) -> Check:
    """Say the comparison as a check."""
    found = comparison.differences[comparison.primary]
    known = not math.isnan(found.value)
    return Check(
        name,
        comparison.status,
        found.value if known else None,
        f">= {0.0 - comparison.margin:g}",
        found.low if known and not math.isnan(found.low) else None,
        found.high if known and not math.isnan(found.high) else None,
        found.n,
        f"improvement of {comparison.primary} over {comparison.reference}: {comparison.note}",
        {"reference": comparison.reference, "margin": comparison.margin, "rows_needed": comparison.rows_needed},
    )
