"""Profiles of rows: counts over bins that the reference fixes, so that windows add up.

The sum of the profiles of two windows is the profile of their union; no row is needed twice.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import ColumnProfile, Profile
from boucle.core.signature import Batch, Column, Field, missing

PREDICTION = "prediction"
NUMERIC, TIME, CATEGORICAL, BOOL = "numeric", "datetime", "categorical", "bool"
BINS = 128
LEVELS = 500
"""Levels kept of a categorical column, the most common ones; rows of the others are counted as unseen."""
OUTSIDE = 0.1
"""Values further than this share of the reference's width beyond its ends are outside."""
FAR = 10.0
"""Values further than this many times the reference's scale beyond its ends are far: another unit, not another law."""
_LARGEST = 1e149
"""Sums take values up to here, so that squares of many rows stay finite and can be written as JSON."""

Floats = NDArray[np.float64]


def reference_profile(
    batch: Batch, fields: Sequence[Field], prediction: Column, probabilities: Floats | None = None
) -> Profile:
    """Profile the reference rows, and fix the bins that every window is counted in.

    Numeric columns get up to 128 bins: quantiles of the reference (each value its own bin where they are few), one
    below its smallest and one above its largest value. Others get their levels, the 500 most common at most. The
    output is the column ``prediction``: the number, the probability of the last of two classes, or the label. Personal
    data has no profile: its levels would be written down in it.
    ``prediction`` has shape (rows,), ``probabilities`` (rows, classes).
    """
    output = _output(prediction, probabilities)
    columns = [(f.name, _kind(f), batch[f.name]) for f in fields if not f.pii]
    columns.append((PREDICTION, _output_kind(output), output))
    empty = Profile(0, tuple(_binned(name, kind, column) for name, kind, column in columns))
    return window_profile(batch, empty, prediction, probabilities)


def window_profile(
    batch: Batch, reference: Profile, prediction: Column | None = None, probabilities: Floats | None = None
) -> Profile:
    """Count rows in the reference's bins; a column that is not there is all missing.

    Values of a type that the column does not have count as missing (numbers) or as unseen (levels).
    """
    output = None if prediction is None else _output(prediction, probabilities)
    lengths = [len(column) for column in batch.values()]
    rows = len(output) if output is not None else max(lengths, default=0)
    counted = []
    for column in reference.columns:
        values = output if column.name == PREDICTION else batch.get(column.name)
        counted.append(_absent(column, rows) if values is None else _count(column, values))
    return Profile(rows, tuple(counted))


def _output(prediction: Column, probabilities: Floats | None) -> Column:
    if probabilities is not None and probabilities.ndim == 2 and probabilities.shape[1] == 2:
        return np.asarray(probabilities[:, 1], dtype=np.float64)
    return np.asarray(prediction)


def _kind(field: Field) -> str:
    if field.numeric:
        return NUMERIC
    return {"datetime": TIME, "bool": BOOL}.get(field.dtype, CATEGORICAL)


def _output_kind(output: Column) -> str:
    return {"f": NUMERIC, "b": BOOL}.get(output.dtype.kind, CATEGORICAL)


def _binned(name: str, kind: str, column: Column) -> ColumnProfile:
    """Return the empty profile of a reference column: its bins."""
    if kind in (BOOL, CATEGORICAL):
        found = _levels(column, kind)
        kept = sorted(found, key=lambda level: (-found[level], level))[:LEVELS]
        return ColumnProfile(name, kind, levels=tuple(sorted(kept)), counts=(0,) * len(kept))
    ordered = _ordered(_numbers(column))
    finite = ordered[np.isfinite(ordered)]
    if not len(finite):
        return ColumnProfile(name, kind, counts=(0,))
    edges = _edges(finite)
    low, high = float(finite[0]), float(finite[-1])
    return ColumnProfile(name, kind, edges, counts=(0,) * (len(edges) + 1), low=low, high=high)


def _ordered(values: Floats) -> Floats:
    """Sort the known values: NumPy's sort is several times quicker than looking up each value's bin."""
    ordered = np.sort(values)
    return ordered[: int(np.searchsorted(ordered, np.nan))]


def _edges(finite: Floats) -> tuple[float, ...]:
    """Return the inner cut points; a bin holds the values from its lower cut point on, below its upper one."""
    distinct = finite[np.concatenate(([True], finite[1:] != finite[:-1]))]
    if len(distinct) > BINS - 2:
        places = np.linspace(0, len(finite), BINS - 1).astype(np.int64)[:-1]
        distinct = np.unique(finite[places])
    cuts = np.append(distinct, math.nextafter(float(finite[-1]), math.inf))
    return tuple(float(cut) for cut in cuts[np.isfinite(cuts)])


def _absent(column: ColumnProfile, rows: int) -> ColumnProfile:
    return replace(column, counts=(0,) * len(column.counts), **_ZERO | {"missing": rows})


_ZERO: dict[str, Any] = {"missing": 0, "unseen": 0, "outside": 0, "far": 0, "total": 0.0, "squares": 0.0}


def _count(column: ColumnProfile, values: Column) -> ColumnProfile:
    if column.kind in (BOOL, CATEGORICAL):
        return _count_levels(column, values)
    return _count_numbers(column, _numbers(values))


def _count_levels(column: ColumnProfile, values: Column) -> ColumnProfile:
    found = _levels(values, column.kind)
    counts = tuple(found.get(level, 0) for level in column.levels)
    known = sum(found.values())
    changes = _ZERO | {"missing": len(values) - known, "unseen": known - sum(counts)}
    return replace(column, counts=counts, **changes)


def _count_numbers(column: ColumnProfile, values: Floats) -> ColumnProfile:
    known = _ordered(values)
    below = np.searchsorted(known, np.array(column.edges, dtype=np.float64))
    counts = np.diff(np.concatenate(([0], below, [len(known)])))
    held = np.clip(known, -_LARGEST, _LARGEST)
    outside, far = _beyond(column, known)
    return replace(
        column,
        counts=tuple(counts.astype(np.int64).tolist()),
        missing=len(values) - len(known),
        unseen=0,
        outside=outside,
        far=far,
        total=float(held.sum()),
        squares=float(held @ held),
    )


def _beyond(column: ColumnProfile, known: Floats) -> tuple[int, int]:
    """Count the values outside the reference's range, and those far outside of it."""
    if column.low is None or column.high is None:
        return 0, 0
    width = column.high - column.low
    scale = max(width, abs(column.low), abs(column.high))
    # A reference of nothing but zeros has no scale: nothing but infinity is far from it.
    reach = FAR * scale if scale else _LARGEST
    return _out_of(known, column.low, column.high, OUTSIDE * width), _out_of(known, column.low, column.high, reach)


def _out_of(known: Floats, low: float, high: float, slack: float) -> int:
    within = np.searchsorted(known, high + slack, side="right") - np.searchsorted(known, low - slack)
    return len(known) - int(within)


def _numbers(column: Column) -> Floats:
    """Return a column as float64, times as seconds; what is no number is NaN."""
    if column.dtype.kind == "M":
        seconds = column.astype("datetime64[ns]").astype(np.int64) / 1e9
        return np.where(np.isnat(column), np.nan, seconds)
    if column.dtype.kind in "fiub":
        return column.astype(np.float64, copy=False)
    return np.fromiter((_number(v) for v in column.tolist()), dtype=np.float64, count=len(column))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _levels(column: Column, kind: str) -> Counter[str]:
    """Count the known values of a column by their text."""
    if column.dtype.kind in "OUST":
        plain: Iterable[Any] = column.tolist()
        raw = Counter(plain)
    else:
        distinct, counts = np.unique(column[~missing(column)], return_counts=True)
        raw = Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))
    found: Counter[str] = Counter()
    for value, count in raw.items():
        if value is not None and value == value:
            found[level(value, kind)] += count
    return found


def level(value: Any, kind: str = CATEGORICAL) -> str:
    """Return the text a level is known by: 3, 3.0 and "3" are one, and so are 1 and True of a truth value."""
    if kind == BOOL and value in (0, 1):
        return str(bool(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
