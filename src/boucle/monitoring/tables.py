"""Tables of other libraries as columns that can be profiled: pandas, polars and Arrow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from boucle.core.errors import ContractError
from boucle.core.profile import Kind
from boucle.core.signature import Column
from boucle.measures.counting import Coded

Columns = dict[str, Column | Coded]
_AT_ONCE = 65_536
_WIDER = {1: np.int16, 2: np.int32, 4: np.int64}


def columns_of(table: Any, wanted: Collection[str] | None = None) -> tuple[Columns, dict[str, Kind]]:
    """Return the columns of a pandas, polars or Arrow table, or of a mapping of arrays, with their kinds.

    Text and other objects become codes of their levels. ``wanted`` are the columns to return, where not all are
    needed. Raises ContractError for anything else, and for columns of different lengths.
    """
    if isinstance(table, Mapping):
        table = pd.DataFrame({str(n): values for n, values in table.items() if _is_in(n, wanted)}, copy=False)
    elif hasattr(table, "to_arrow"):  # polars, without importing it
        table = table.to_arrow()
    if isinstance(table, pa.Table):
        found = {str(name): _of_arrow(table.column(name)) for name in table.column_names if _is_in(name, wanted)}
    elif isinstance(table, pd.DataFrame):
        found = {str(name): _of_pandas(column) for name, column in table.items() if _is_in(name, wanted)}
    else:
        raise ContractError(
            f"A {type(table).__name__} is no table.",
            hint="give a pandas or polars DataFrame, an Arrow table, or a dict of arrays",
        )
    return {name: values for name, (values, _) in found.items()}, {name: kind for name, (_, kind) in found.items()}


def _is_in(name: Any, wanted: Collection[str] | None) -> bool:
    return wanted is None or str(name) in wanted


def rows_of(columns: Columns) -> int:
    return max((len(values) for values in columns.values()), default=0)


def _of_pandas(series: pd.Series[Any]) -> tuple[Column | Coded, Kind]:
    kind = _kind(series.dtype)
    if kind == "numeric":
        usual = series.dtype == np.float64
        return (series.to_numpy() if usual else series.to_numpy(dtype=np.float64, na_value=np.nan)), kind
    if kind == "datetime":
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(series.dtype, "tz", None) else series
        return plain.to_numpy().astype("datetime64[ns]"), kind
    return _coded(series), kind


@lru_cache(64)
def _kind(dtype: Any) -> Kind:
    types = pd.api.types
    if types.is_bool_dtype(dtype):
        return "bool"
    if types.is_numeric_dtype(dtype):
        return "numeric"
    return "datetime" if types.is_datetime64_any_dtype(dtype) else "categorical"


def _coded(series: pd.Series[Any]) -> Coded:
    """Return a column's codes, part by part: in full length they would be the most memory that a comparison takes."""
    if len(series) <= _AT_ONCE:
        plain: Any = series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array
        codes, distinct = pd.factorize(plain, use_na_sentinel=True)
        return Coded(np.asarray(codes, dtype=np.int32), distinct.tolist())
    known: dict[Any, int] = {}
    found: NDArray[np.signedinteger[Any]] = np.empty(len(series), dtype=np.int8)
    for start in range(0, len(series), _AT_ONCE):
        codes, levels = pd.factorize(series.iloc[start : start + _AT_ONCE], use_na_sentinel=True)
        table = np.array([*(known.setdefault(level, len(known)) for level in levels.tolist()), -1], dtype=np.int32)
        while len(known) > np.iinfo(found.dtype).max:
            found = found.astype(_WIDER[found.dtype.itemsize])
        found[start : start + _AT_ONCE] = table[codes]
    return Coded(found, list(known))


def _of_arrow(column: pa.ChunkedArray) -> tuple[Column | Coded, Kind]:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        plain = pc.cast(column, pa.float64(), safe=False)
        return pc.fill_null(plain, float("nan")).to_numpy().astype(np.float64, copy=False), "numeric"
    if pa.types.is_temporal(kind):
        return _of_pandas(column.to_pandas())
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
    coded = pc.dictionary_encode(column).combine_chunks()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return Coded(codes, coded.dictionary.to_pylist()), "bool" if pa.types.is_boolean(kind) else "categorical"
