"""Marked pieces of a text: read as they are written in data, answers and feedback, and counted against each other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A piece of a text: the characters from ``start`` up to ``end``."""

    start: int
    end: int
    label: str


def listed(value: Any, what: str) -> list[Any]:
    """Read a list of ``what``, or its JSON text; nothing at all is an empty one. Raises ValueError for all else."""
    if value is None or (isinstance(value, float) and value != value):
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except json.JSONDecodeError as error:
            raise ValueError(f"{value[:40]!r} is no JSON list of {what}") from error
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise ValueError(f"{str(value)[:40]!r} is no list of {what}")
    return list(value)


def spans_of(value: Any) -> tuple[Span, ...]:
    """Read ``[{"label", "start", "end", …}, …]``, as objects or as JSON text; nothing at all is no span.

    Raises ValueError saying what is wrong.
    """
    return tuple(sorted(_span(one) for one in listed(value, "spans")))


def written(spans: Sequence[Span]) -> str:
    """Write spans as JSON text, always alike."""
    return json.dumps([{"label": s.label, "start": s.start, "end": s.end} for s in sorted(spans)], ensure_ascii=False)


def counts(truth: Sequence[Any], told: Sequence[Any]) -> NDArray[np.float64]:
    """Count per row the spans found right, those told and those true, shape (rows, 3).

    A span is right when its ends and its label are (as in CoNLL-2003: Tjong Kim Sang and De Meulder).
    """
    found = np.zeros((len(truth), 3))
    for row, (right, answer) in enumerate(zip(truth, told, strict=True)):
        one, other = Counter(spans_of(right)), Counter(spans_of(answer))
        found[row] = (one & other).total(), other.total(), one.total()
    return found


def _span(one: Any) -> Span:
    if isinstance(one, Span):
        return one
    if not isinstance(one, dict) or not {"label", "start", "end"} <= set(one):
        raise ValueError(f"{str(one)[:60]} has no `label`, `start` and `end`")
    start, end = one["start"], one["end"]
    if isinstance(start, bool) or isinstance(end, bool) or int(start) != start or int(end) != end:
        raise ValueError(f"{str(one)[:60]}: `start` and `end` are whole numbers")
    if not 0 <= start < end:
        raise ValueError(f"{str(one)[:60]}: `start` is not before `end`")
    return Span(int(start), int(end), str(one["label"]))
