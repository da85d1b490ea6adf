"""What every source promises of its table: rows counted from 0, and columns that each have a name of their own."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pyarrow as pa

from boucle.core.errors import SourceError


def plain(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return ``frame`` with text names and a plain index; raises SourceError where there is nothing to read.

    A column without a name, such as a written index, is called ``unnamed_0`` after its place. Categories become the
    values they stand for: another file would have others.
    """
    names = [str(name) if str(name).strip() else f"unnamed_{place}" for place, name in enumerate(frame.columns)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(f"{what} has the column '{twice[0]}' twice.", hint="give each column a name of its own")
    if frame.empty:
        raise SourceError(f"{what} has no rows.", hint="at least a heading and one row are needed")
    frame = _unpacked(frame)
    coded = {name: d.categories.dtype for name, d in zip(names, frame.dtypes, strict=True) if hasattr(d, "categories")}
    return frame.set_axis(names, axis="columns").reset_index(drop=True).astype(coded)


def _unpacked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return images kept as a mapping with ``bytes``, as the Hub's Parquet files do, as those bytes."""
    packed = {
        place
        for place in range(frame.shape[1])
        if pd.api.types.is_object_dtype(frame.dtypes.iloc[place])
        and any(isinstance(v, dict) and "bytes" in v and set(v) <= {"bytes", "path"} for v in frame.iloc[:5, place])
    }
    if not packed:
        return frame
    columns = [
        pd.Series([v["bytes"] if isinstance(v, dict) else v for v in column], index=frame.index, dtype=object)
        if place in packed
        else column
        for place, column in enumerate(frame.iloc[:, i] for i in range(frame.shape[1]))
    ]
    return pd.concat(columns, axis="columns").set_axis(frame.columns, axis="columns")


def emptied(table: pa.Table) -> pd.DataFrame:
    """Return the rows of ``table`` column by column, letting go of each: the table is of no use afterwards.

    A table in one piece is copied whole: pandas would be lent its columns, and could not write to them.
    """
    many = any(column.num_chunks > 1 for column in table.columns)
    frame: pd.DataFrame = table.to_pandas(
        ignore_metadata=True, date_as_object=False, split_blocks=many, self_destruct=many
    )
    pa.default_memory_pool().release_unused()
    return frame
