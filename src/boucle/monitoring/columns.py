"""Captured JSON values back into columns, as far as profiles need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.observation import Observation
from boucle.core.signature import Column, Field, Signature
from boucle.measures.derived import MEDIA, derived

Floats = NDArray[np.float64]


def to_batch(observations: Sequence[Observation], signature: Signature) -> dict[str, Column]:
    """Return the input columns of answered observations, in order; an absent value is missing.

    Of texts and images it is the columns that were derived when they were captured; from what was kept of them, where
    none were.
    """
    found = {f.name: to_column(_gathered(observations, f.name), f) for f in signature.inputs if f.dtype not in MEDIA}
    media = [f for f in signature.inputs if f.dtype in MEDIA]
    if not media:
        return found
    told = dict.fromkeys(name for o in observations for name in o.inputs if name not in signature.names)
    found |= {name: _told(_gathered(observations, name)) for name in told}
    plain = [f for f in media if not any(name.startswith(f"{f.name}.") for name in told)]
    return {**derived(plain, {f.name: _gathered(observations, f.name) for f in plain}), **found}


def answers(observations: Sequence[Observation], signature: Signature) -> tuple[Column, Floats | None]:
    """Return the predictions, shape (rows,), and the probabilities, shape (rows, classes), if the model has any."""
    field = signature.prediction
    predicted = [v for o in observations for v in _padded(o.outputs.get(field.name, ()), o.rows)]
    classes = signature.classes
    if classes is None or len(signature.outputs) < 2:
        return to_column(predicted, field), None
    told = [v for o in observations for v in _padded(o.outputs.get("probabilities", ()), o.rows)]
    return to_column(predicted, field), shares(told, len(classes))


def shares(rows: Iterable[Any], classes: int) -> Floats:
    """Return probabilities, shape (rows, classes); a row that has not one number a class is NaN."""
    nothing = [np.nan] * classes
    held = [r if isinstance(r, list | tuple) and len(r) == classes else nothing for r in rows]
    return numbers([v for r in held for v in r]).reshape(-1, classes)


def to_column(values: list[Any], field: Field) -> Column:
    """Return one column: numbers as float64 (times in seconds), anything else as objects with None for missing."""
    if field.dtype == "datetime":
        return np.array([_seconds(v) for v in values], dtype=np.float64)
    if field.numeric:
        return numbers(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def numbers(values: list[Any]) -> Floats:
    """Return float64; what is no number is NaN."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_number(v) for v in values], dtype=np.float64)


def _told(values: list[Any]) -> Column:
    """Return a derived column: levels as objects, numbers as float64."""
    if any(isinstance(value, str) for value in values):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return numbers(values)


def _gathered(observations: Sequence[Observation], name: str) -> list[Any]:
    return [v for o in observations for v in _padded(o.inputs.get(name, ()), o.rows)]


def _padded(values: Sequence[Any], rows: int) -> Sequence[Any]:
    return values if len(values) == rows else [*values[:rows], *[None] * (rows - len(values))]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _seconds(value: Any) -> float:
    if not isinstance(value, str):
        return _number(value)
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return float("nan")
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
