"""Part the rows for testing, so that a row keeps its side when others are added.

A champion and a challenger trained months apart are compared on rows that neither has learned from: the side of a row
follows from a hash of its content (or its id, or its group), not from its place in the table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.errors import DataError, suggest
from boucle.data.infer import present
from boucle.project.learning import Data
from boucle.project.values import seconds

_KEY_LENGTH = 16
_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows to learn from and rows to be judged on; ``summary`` says how they were parted."""

    train: pd.DataFrame
    test: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)


def split(frame: pd.DataFrame, data: Data, classification: bool) -> Parts:
    """Part ``frame`` as ``data.split`` asks; rows without a target go to neither side.

    Rows with one id (or one group) go together; rows that have none go by their content. Raises DataError when a
    side would be empty, or when one id stands on both sides.
    """
    _require(frame, data)
    known = frame[data.target].notna()
    rows = (frame if known.all() else frame.loc[known]).reset_index(drop=True)  # all of them are not copied
    rows[data.target] = present(rows[data.target])
    if len(rows) < 2:
        raise DataError("There are fewer than two rows with a target.", field=data.target)
    how = data.split
    stratify = (classification if how.stratify is None else how.stratify) and not (how.group or how.time)
    if how.time:
        test = _by_time(rows, how.time, how.test)
    else:
        share = float(how.test)
        place = _unit_places(rows, how.group or data.id, how.seed)
        test = _stratified(rows[data.target], place, share) if stratify else place < share
        test = _both_sides(test, place)
    _refuse_leak(rows, test, data)
    kind = "time" if how.time else "group" if how.group else "stratified" if stratify else "random"
    summary = {"kind": kind, "train": int((~test).sum()), "test": int(test.sum())}
    return Parts(rows.loc[~test].reset_index(drop=True), rows.loc[test].reset_index(drop=True), summary)


def _require(frame: pd.DataFrame, data: Data) -> None:
    """Raise DataError when a column that the rows are parted by is not there."""
    known = [str(c) for c in frame.columns]
    for key, name in (("id", data.id), ("split.group", data.split.group), ("split.time", data.split.time)):
        if name is not None and name not in known:
            raise DataError(
                f"The data has no column '{name}', named in data.{key}.",
                hint=f"{suggest(name, known)}the columns are: {', '.join(known[:20])}",
                field=name,
            )


def _unit_places(rows: pd.DataFrame, unit: str | None, seed: int) -> NDArray[np.float64]:
    """Return the place of each row's id or group; a row without one has the place of its content."""
    if unit is None:
        return _places(rows, seed)
    place = _places(rows[[unit]], seed)
    alone = rows[unit].isna().to_numpy()
    if alone.any():
        place[alone] = _places(rows.loc[alone], seed)
    return place


def _places(rows: pd.DataFrame, seed: int) -> NDArray[np.float64]:
    """Return each row's place in [0, 1): equal rows have equal places, another seed gives others."""
    columns = [_plain(rows[c]) for c in sorted(rows.columns, key=str)]
    key = f"boucle{seed}".ljust(_KEY_LENGTH, "0")[:_KEY_LENGTH]
    hashed = np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), _AT_ONCE):  # plain values take several times the room of the table
        some = slice(start, start + _AT_ONCE)
        plain = pd.DataFrame({place: _hashable(column.iloc[some]) for place, column in enumerate(columns)})
        hashed[some] = pd.util.hash_pandas_object(plain, index=False, hash_key=key).to_numpy(dtype=np.uint64)
    mixed = (hashed ^ np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)) * np.uint64(0xFF51AFD7ED558CCD)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(2**53)


def _plain(values: pd.Series[Any]) -> pd.Series[Any]:
    """Leave numbers as they are and bring the rest to text, times all written alike."""
    kind = present(values).dtype if values.dtype == object else values.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind):
        return values if values.dtype != object else values.astype("float64")
    if values.dtype == object and any(isinstance(value, bytes) for value in values):
        return values.map(lambda v: hashlib.blake2b(v, digest_size=16).hexdigest() if isinstance(v, bytes) else str(v))
    return values.astype(str)


def _hashable(values: pd.Series[Any]) -> pd.Series[Any]:
    """Bring numbers to float64: 3 read from a file and 3.0 from a request are the same row."""
    numeric = pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype)
    return values.astype("float64" if numeric else object)


def _stratified(target: pd.Series[Any], place: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Take the lowest places; a class all on one side gives its nearest place, whose rows all move, to the other."""
    test = place < share
    rows = pd.DataFrame({"label": target.to_numpy(), "place": place, "test": test})
    label = rows.groupby("label").agg(
        low=("place", "min"), high=("place", "max"), some=("test", "any"), whole=("test", "all")
    )
    label = label.loc[label["low"] < label["high"]]
    moved = pd.concat([label["low"][~label["some"]], label["high"][label["whole"]]])
    parted: NDArray[np.bool_] = test ^ np.isin(place, moved)
    return parted


def _both_sides(test: NDArray[np.bool_], place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Move the nearest rows over when a side is empty; raises DataError when all rows have one place."""
    if test.any() and not test.all():
        return test
    if len(np.unique(place)) < 2:
        raise DataError("All rows are the same one, or belong to one group.", hint="they cannot be parted for testing")
    edge = place.min() if not test.any() else place.max()
    moved: NDArray[np.bool_] = test ^ (place == edge)
    return moved


def _by_time(rows: pd.DataFrame, column: str, newest: float | str) -> NDArray[np.bool_]:
    times = _times(rows[column])
    if times.isna().any():
        raise DataError(f"{int(times.isna().sum())} rows have no time in '{column}'.", field=column)
    if isinstance(newest, str):
        cut = times.max() - pd.Timedelta(seconds=seconds(newest))
    else:
        cut = times.quantile(1 - newest, interpolation="lower")
    test: NDArray[np.bool_] = (times > cut).to_numpy()
    if not test.any() or test.all():
        raise DataError(
            f"Parted at {cut} in '{column}', one side is empty.",
            hint=f"the times go from {times.min()} to {times.max()}; change data.split.test",
            field=column,
        )
    return test


def times_of(rows: pd.DataFrame, data: Data) -> NDArray[np.float64] | None:
    """Return the time of each row (Unix seconds); None where ``split.time`` is not declared, or a time is missing."""
    if data.split.time is None or data.split.time not in rows:
        return None
    times = _times(rows[data.split.time])
    if times.isna().any():
        return None
    plain = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return plain.to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6


def _times(values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.to_datetime(values, unit="s", errors="coerce")
    return pd.to_datetime(values, errors="coerce", format="mixed", utc=True)


def _refuse_leak(rows: pd.DataFrame, test: NDArray[np.bool_], data: Data) -> None:
    """Refuse a split that has the same id, or the same group, on both sides."""
    for column in filter(None, (data.id, data.split.group)):
        values = rows[column]
        both = set(values[test].dropna()) & set(values[~test].dropna())
        if both:
            shown = ", ".join(map(str, sorted(both, key=str)[:5]))
            raise DataError(
                f"{len(both)} values of '{column}' stand on both sides of the split, such as {shown}.",
                hint=f"part by group with data.split.group: {column}, or leave data.id out",
                field=column,
            )
