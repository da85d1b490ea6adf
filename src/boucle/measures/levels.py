"""Slices: the levels of columns that have few, and what losses are expected on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import Expected
from boucle.measures.counting import Coded, level

MOST = 12
"""Columns with more levels have no slices."""
LEAST = 0.02
"""A slice has this share of the reference's rows, at least."""
ALL = 120
"""Slices in all, those of the first columns: each takes time at every look, and a share of the evidence."""
Floats = NDArray[np.float64]
Slices = Mapping[str, Mapping[str, Expected]]

_SAME = {"True": "1", "False": "0", "1": "True", "0": "False"}
"""A truth value is a number where some of its column are missing."""


@dataclass(frozen=True, slots=True)
class Parted:
    """Rows by the slices of one column: ``codes`` into ``names``, shape (rows,), -1 for rows in none."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    expected: tuple[Expected, ...]


def slices_of(
    columns: Mapping[str, Any], losses: Floats, whole: Expected, phase: NDArray[np.int64] | None = None
) -> dict[str, dict[str, Expected]]:
    """Describe ``losses`` on every level of columns with 12 levels at most, from 2 % of the rows on.

    A column with one level has no slices: they would be all rows. A missing value is in none.
    With the rows' ``phase`` in the cycle of the whole, each slice's own course through it is learnt.
    """
    scaled = np.minimum(losses / whole.cut, 1.0)
    usable = np.isfinite(scaled)
    found: dict[str, dict[str, Expected]] = {}
    for name, column in columns.items():
        codes, levels = coded(column)
        met = np.bincount(codes[usable & (codes >= 0)], minlength=len(levels))
        if not 1 < np.count_nonzero(met) <= MOST:
            continue
        large = [i for i in np.argsort(levels).tolist() if met[i] >= max(1.0, LEAST * usable.sum())]
        if sum(map(len, found.values())) + len(large) > ALL:
            break
        among = {i: usable & (codes == i) for i in large}
        found[name] = {
            levels[i]: _expected(scaled[rows], whole, None if phase is None else phase[rows])
            for i, rows in among.items()
        }
    return found


def part(columns: Mapping[str, Any], slices: Slices) -> list[Parted]:
    """Say for each row which slices it is in; columns that are not there are left out."""
    found = []
    for name, levels in slices.items():
        if name not in columns:
            continue
        codes, met = coded(columns[name])
        places = {one: i for i, one in enumerate(levels)}
        table = np.array([*(places.get(one, places.get(_SAME.get(one, ""), -1)) for one in met), -1], dtype=np.int64)
        titles = tuple(title(name, one) for one in levels)
        found.append(Parted(table[codes], titles, tuple(levels.values())))
    return found


def titles_of(slices: Slices) -> list[str]:
    return [title(name, one) for name, levels in slices.items() for one in levels]


def title(column: str, one: str) -> str:
    """Return the name of a slice."""
    return f"{column}={one}"


def coded(column: Any) -> tuple[NDArray[np.int64], Sequence[str]]:
    """Return each value's code, shape (rows,), -1 for a missing one, and the texts of the levels."""
    if isinstance(column, Coded):
        return np.asarray(column.codes, dtype=np.int64), [level(v) for v in column.levels]
    values = np.asarray(column)
    if values.dtype.kind not in "OUST":
        distinct, of = np.unique(values, return_inverse=True)
        plain, places = distinct.tolist(), of.astype(np.int64)
    else:
        known: dict[Any, int] = {}
        places = np.array([known.setdefault(v, len(known)) for v in values.tolist()], dtype=np.int64)
        plain = list(known)
    missing = np.array([v is None or v != v for v in plain], dtype=bool)
    names = [level(v) for v in plain]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    table = np.where(missing, -1, np.array([first[name] for name in names], dtype=np.int64))
    return (table[places] if len(places) else places), names


def _expected(losses: Floats, whole: Expected, phase: NDArray[np.int64] | None) -> Expected:
    mean, spread = float(losses.mean()), max(float(losses.std()), 1e-9)
    plain = Expected(mean, float(len(losses)), spread, whole.errors, whole.cut, whole.design)
    if phase is None or not whole.phases:
        return plain
    phases = _course(losses, phase, np.array(whole.phases), spread * spread * whole.design)
    return replace(plain, phases=tuple(phases.tolist()), span=whole.span, origin=whole.origin)


def _course(losses: Floats, phase: NDArray[np.int64], common: Floats, noise: float) -> Floats:
    """Return a slice's means by phase: the course of all rows at its own level, and what it surely has of its own.

    What it departs from the common course is drawn to nothing as far as chance explains it (James and Stein, 1961).
    """
    rows = np.bincount(phase, minlength=len(common)).astype(np.float64)
    level: Floats = common + (float(losses.sum()) - float(rows @ common)) / float(rows.sum())
    sums = np.bincount(phase, weights=losses, minlength=len(common))
    off = np.divide(sums, rows, out=level.copy(), where=rows > 0) - level
    freedom = max(int(np.count_nonzero(rows)) - 1, 1)
    ratio = float(rows @ np.square(off)) / freedom / noise
    return np.asarray(np.clip(level + max(0.0, 1.0 - 1.0 / max(ratio, 1e-12)) * off, 0.0, 1.0), dtype=np.float64)
