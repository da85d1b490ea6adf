"""Tables to batches and back, for the training side; the data plane never sees a DataFrame.

The canonical frame of a set of fields has their columns in their order, as float64 (also for optional int64 and bool),
int64, bool, datetime64[ns], and strings as objects with None where a value is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from boucle.core.conversations import is_conversation, written
from boucle.core.errors import ContractError, suggest
from boucle.core.signature import Batch, Column, Field

_BYTES = (bytes, bytearray, memoryview)
_FEW = 1_000_000
"""Values up to which a copy costs nothing that anybody notices."""


def to_batch(frame: pd.DataFrame, fields: Sequence[Field]) -> Batch:
    """Return the columns of ``fields`` in their storage dtypes; an absent optional column is all missing.

    Values are brought into the field's type only where nothing is lost: 3.0 is an int64, 3.5 is not. Raises
    ContractError naming the column.
    """
    return {field.name: to_column(_column(frame, field), field) for field in fields}


def to_frame(batch: Batch, fields: Sequence[Field], names: pd.Index | None = None) -> pd.DataFrame:
    """Return the canonical frame of a batch; its columns are those of the batch, not copies, unless they are few.

    ``names`` are those of the fields as an index, for who makes frames of the same fields over and over.
    """
    few = len(fields) * len(batch[fields[0].name]) <= _FEW if fields else False
    if few and all(field.storage == np.float64 and not field.shape for field in fields):
        # One block: building it is eight times quicker than column by column, which counts for single rows.
        block = np.array([batch[field.name] for field in fields]).T
        return pd.DataFrame(block, columns=[field.name for field in fields] if names is None else names, copy=False)
    return pd.DataFrame({field.name: _series(batch[field.name]) for field in fields}, copy=False)


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose conversations are texts, which is how they are kept; the same table if it has none."""
    held = [name for name in frame.columns if is_conversation(next(iter(frame[name]), None))]
    return frame.assign(**{name: frame[name].map(written) for name in held}) if held else frame


def to_column(series: pd.Series[Any], field: Field) -> Column:
    """Return one column in the field's storage dtype; raises ContractError."""
    try:
        column = _CONVERSIONS[field.dtype](series)
        if field.storage.kind in "ib" and column.dtype.kind == "f":
            raise ValueError(f"{int(np.isnan(column).sum())} of its values are missing")
        return column.astype(field.storage, copy=False)
    except (ValueError, TypeError, OverflowError) as error:
        raise ContractError(
            f"Column '{field.name}' cannot be read as {field.dtype}: {str(error).splitlines()[0].rstrip('.')}.",
            hint="mend the values, or declare another type for the column under data.checks",
            field=field.name,
        ) from error


def _column(frame: pd.DataFrame, field: Field) -> pd.Series[Any]:
    if field.name in frame.columns:
        return frame[field.name]
    if field.optional:
        return pd.Series(np.full(len(frame), None, dtype=object))
    known = [str(name) for name in frame.columns]
    raise ContractError(
        f"Column '{field.name}' is missing.",
        hint=f"{suggest(field.name, known)}the columns are: {', '.join(known[:12])}",
        field=field.name,
    )


def _series(column: Column) -> Any:
    return pd.Series(column, dtype=object, copy=False) if column.dtype == object else column


def _floats(series: pd.Series[Any]) -> Column:
    if types.is_datetime64_any_dtype(series.dtype):
        raise TypeError("its values are dates")
    values = series.to_numpy(dtype=np.float64, na_value=np.nan) if series.dtype != object else None
    return values if values is not None else pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)


def _integers(series: pd.Series[Any]) -> Column:
    """Whole numbers: int64 where none is missing, else float64 with NaN."""
    if types.is_integer_dtype(series.dtype) and not series.hasnans:
        values = series.to_numpy()
        if values.dtype.kind == "u" and len(values) and values.max() > np.iinfo(np.int64).max:
            raise OverflowError(f"{values.max()} does not fit into 64 bits")
        return values.astype(np.int64, copy=False)
    values = _floats(series)
    known = values[~np.isnan(values)]
    if not np.isfinite(known).all():
        raise ValueError("it holds infinite values")
    broken = known[known != np.rint(known)]
    if len(broken):
        raise ValueError(f"{broken[0]:g} is not a whole number")
    if len(known) and np.abs(known).max() >= 2.0**63:
        raise OverflowError(f"{known[np.abs(known).argmax()]:g} does not fit into 64 bits")
    return values if len(known) < len(values) else values.astype(np.int64)


def _booleans(series: pd.Series[Any]) -> Column:
    """Booleans, also written as 0 and 1: bool where none is missing, else float64 with NaN."""
    if series.dtype == bool:
        return series.to_numpy()
    values = _floats(series)
    other = values[~np.isin(values, (0.0, 1.0)) & ~np.isnan(values)]
    if len(other):
        raise ValueError(f"{other[0]:g} is neither 0 nor 1")
    return values if np.isnan(values).any() else values.astype(bool)


def _strings(series: pd.Series[Any]) -> Column:
    if series.dtype == object and types.infer_dtype(series, skipna=True) == "string":
        plain: Column = series.to_numpy()
        if all(value is None for value in plain[series.isna().to_numpy()]):
            return plain
    values = series.to_numpy(dtype=object, copy=True)
    absent = series.isna().to_numpy()
    if not types.is_string_dtype(series.dtype) or series.dtype == object:
        values[:] = [value if isinstance(value, str) else str(written(value)) for value in values]
    values[absent] = None
    return values


def _images(series: pd.Series[Any]) -> Column:
    """The bytes of image files; None where one is missing."""
    values = series.to_numpy(dtype=object, copy=True)
    absent = series.isna().to_numpy()
    strange = next((v for v, gap in zip(values, absent, strict=True) if not gap and not isinstance(v, _BYTES)), None)
    if strange is not None:
        raise TypeError(f"it holds {type(strange).__name__}, not the bytes of image files")
    values[:] = [None if gap else bytes(value) for value, gap in zip(values, absent, strict=True)]
    return values


def _datetimes(series: pd.Series[Any]) -> Column:
    """Times without a zone, those with one brought to UTC; text is read as ISO 8601."""
    if types.is_numeric_dtype(series.dtype):
        if series.notna().any():
            raise TypeError("its values are numbers")
        return np.full(len(series), np.datetime64("NaT"), dtype="datetime64[ns]")  # a column of nothing has any type
    times = (
        series if types.is_datetime64_any_dtype(series.dtype) else pd.to_datetime(series, utc=True, format="ISO8601")
    )
    if getattr(times.dtype, "tz", None) is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.to_numpy().astype("datetime64[ns]", copy=False)


_CONVERSIONS: dict[str, Callable[[pd.Series[Any]], Column]] = {
    "float64": _floats,
    "int64": _integers,
    "bool": _booleans,
    "string": _strings,
    "datetime": _datetimes,
    "text": _strings,
    "image": _images,
}
