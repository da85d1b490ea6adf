"""Columns that hold the paths of image files: found, and brought in as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from boucle.core.errors import SourceError

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
MOST_BYTES, MOST_OF_ONE = 8_000_000_000, 200_000_000
_SAMPLE, _SHARE = 200, 0.9


def path_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of text of which nearly all values end as image files do."""
    return [str(name) for name in frame.columns if _is_paths(frame[name])]


def _is_paths(values: pd.Series[Any]) -> bool:
    if not (types.is_string_dtype(values.dtype) or types.is_object_dtype(values.dtype)):
        return False
    some = [str(value).lower() for value in values.dropna().head(_SAMPLE) if isinstance(value, str)]
    return bool(some) and sum(value.endswith(ENDINGS) for value in some) >= _SHARE * len(some)


def brought_in(frame: pd.DataFrame, columns: Iterable[str], folders: Sequence[Path]) -> pd.DataFrame:
    """Return the rows with the bytes of the files that ``columns`` name, looked up in ``folders`` in turn.

    Columns that hold no text are left alone. Raises SourceError for files that are not there, or are too large.
    """
    named = [n for n in columns if n in frame.columns and any(isinstance(v, str) for v in frame[n].dropna().head(1))]
    return frame.assign(**{name: _read(frame[name], name, folders) for name in named}) if named else frame


def _read(values: pd.Series[Any], name: str, folders: Sequence[Path]) -> pd.Series[Any]:
    files = [_find(value, folders) if isinstance(value, str) else None for value in values]
    lost = [
        row for row, (value, file) in enumerate(zip(values, files, strict=True)) if isinstance(value, str) and not file
    ]
    if lost:
        raise SourceError(
            f"{len(lost)} of {len(values)} files that '{name}' names are not there, the first is "
            f"{values.iloc[lost[0]]} in row {lost[0]}.",
            hint="paths start at the table's folder, or at the project's",
            field=name,
            rows=lost[:20],
        )
    sizes = [0 if file is None else file.stat().st_size for file in files]
    if sum(sizes) > MOST_BYTES or max(sizes, default=0) > MOST_OF_ONE:
        raise SourceError(
            f"The files of '{name}' have {sum(sizes) / 1e9:.1f} GB, the largest {max(sizes) / 1e6:.0f} MB.",
            hint="a training holds them in memory: take fewer, or smaller ones",
            field=name,
        )
    return pd.Series([None if file is None else file.read_bytes() for file in files], index=values.index, dtype=object)


def _find(value: str, folders: Sequence[Path]) -> Path | None:
    return next((path for folder in folders if (path := folder / value).is_file()), None)
