"""The primary metric on each part of the rows, worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from boucle.evaluation.parts import parts
from boucle.evaluation.result import Slice
from boucle.evaluation.scored import Scored
from boucle.measures.derived import MEDIA, derived, name_of
from boucle.measures.intervals import Estimate, bootstrap
from boucle.measures.metrics import METRICS, Answers

FEW = 30
_RESAMPLES = 300
AUTOMATIC = {"text": ("characters", "language"), "image": ("width", "bytes", "format")}


def described(frame: pd.DataFrame, scored: Scored, wanted: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with what is derived of their texts and images beside them, and the columns to judge.

    Texts are judged by their length and language, images by their size and format, asked for or not.
    """
    fields = [f for f in scored.signature.inputs if f.dtype in MEDIA]
    if not fields:
        return frame, list(wanted)
    found = derived(scored.signature.inputs, scored.batch)
    parts = [name_of(f, what) for f in fields for what in AUTOMATIC[f.dtype] if name_of(f, what) in found]
    varied = [name for name in parts if pd.Series(found[name]).nunique() > 1]
    asked = [name for name in wanted if name not in {f.name for f in fields}]
    return frame.assign(**found), list(dict.fromkeys([*asked, *varied]))


def judge_slices(
    frame: pd.DataFrame,
    columns: Sequence[str],
    answers: Answers,
    primary: str,
    whole: Estimate,
    *,
    masked: frozenset[str] = frozenset(),
    seed: int = 0,
) -> tuple[Slice, ...]:
    """Judge every level (numbers: quarters) of ``columns``. Parts of fewer than 30 rows are said to be too few."""
    found = []
    for column in columns:
        for part in parts(frame, column, "evaluate.slices", column in masked):
            here = answers.take(part.rows)
            estimate = bootstrap([primary], here, resamples=_RESAMPLES, seed=seed)[primary]
            share = len(here) / max(len(answers), 1)
            found.append(Slice(column, part.level, estimate, share, _standing(primary, estimate, len(here), whole)))
    sign = METRICS[primary].sign
    return tuple(sorted(found, key=lambda s: (s.standing == "too few rows", _worst_first(s.estimate.value * sign))))


def _worst_first(improvement: float) -> float:
    return math.inf if math.isnan(improvement) else improvement


def _standing(primary: str, estimate: Estimate, rows: int, whole: Estimate) -> str:
    """Say where a part stands: its whole interval has to lie on one side of the value on all rows."""
    if rows < FEW or math.isnan(estimate.value) or math.isnan(estimate.low):
        return "too few rows"
    turned, level = estimate.scaled(METRICS[primary].sign), whole.value * METRICS[primary].sign
    if turned.high < level:
        return "worse than all rows"
    return "better than all rows" if turned.low > level else "as all rows"
