"""Rows that were answered wrongly, to look at: the most certain ones first. Personal data is never shown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from boucle.core.signature import Field
from boucle.evaluation.result import Mistake
from boucle.evaluation.scored import Scored
from boucle.measures.metrics import row_losses
from boucle.measures.pictures import head

MOST, LONGEST = 10, 300
HIDDEN = "(personal)"


def mistakes(scored: Scored) -> tuple[Mistake, ...]:
    """Return at most ten wrong answers to texts or images; for other inputs none, their rows say little by themselves.

    Wrong labels come by the probability they were told with, other answers by how far they are off.
    """
    fields = [f for f in scored.signature.inputs if f.dtype in ("text", "image")]
    if not fields or not len(scored):
        return ()
    answers, told = scored.answers, scored.output
    off = row_losses("zero_one" if answers.declared else "unlike" if answers.parts else "absolute", answers)
    sure = answers.probabilities.max(axis=1) if answers.probabilities is not None else off
    wrong = np.flatnonzero(off > 0)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:MOST]
    hidden = any(f.pii for f in fields) and not answers.declared
    return tuple(
        Mistake(
            row=int(row),
            shown=tuple(_shown(f, scored.batch[f.name][row]) for f in fields),
            truth=HIDDEN if hidden else _plain(scored.truth[row]),
            told=HIDDEN if hidden else _plain(told["prediction"][row]),
            sure=float(sure[row]) if answers.probabilities is not None else None,
        )
        for row in chosen
    )


def _shown(field: Field, value: Any) -> str:
    if field.pii:
        return HIDDEN
    if isinstance(value, bytes):
        try:
            found = head(value)
        except ValueError:
            return f"{len(value):,} bytes"
        return f"{found.format}, {found.width} x {found.height} pixels"
    return _cut("" if value is None else str(value))


def _plain(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return _cut(json.dumps(plain, ensure_ascii=False, default=str) if isinstance(plain, list | dict) else str(plain))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
