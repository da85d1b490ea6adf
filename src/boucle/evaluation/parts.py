"""Parts of the rows: the levels of a column, or the quarters of a numeric one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.errors import ProjectError, suggest

LEVELS = 20
_FEW = 5
OTHERS, MISSING = "all others", "missing"


@dataclass(frozen=True, slots=True)
class Part:
    """The rows, shape (rows,) of booleans, where ``column`` is at ``level``."""

    column: str
    level: str
    rows: NDArray[np.bool_]


def parts(frame: pd.DataFrame, column: str, setting: str, masked: bool = False) -> list[Part]:
    """Cut ``frame`` by ``column``: by level, the 20 most frequent by name; numbers with more than 5 values by quarters.

    ``masked`` hides the levels' names (personal data). Raises ProjectError naming ``setting`` for an absent column.
    """
    if column not in frame.columns:
        raise ProjectError(
            f"`{setting}` names the column '{column}', which the data does not have.",
            hint=f"{suggest(column, map(str, frame.columns))}columns: {', '.join(map(str, frame.columns[:20]))}",
            field=setting,
        )
    values = frame[column]
    gone = values.isna().to_numpy(dtype=bool)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and values.nunique() > _FEW:
        found = _quarters(column, values.to_numpy(dtype=np.float64, na_value=np.nan), gone)
    else:
        found = _levels(column, values, gone)
    if gone.any():
        found.append(Part(column, MISSING, gone))
    if masked:
        found = [Part(column, f"level {i}", p.rows) for i, p in enumerate(found, 1)]
    return found


def _levels(column: str, values: pd.Series[Any], gone: NDArray[np.bool_]) -> list[Part]:
    counts = values[~gone].value_counts()
    named = list(counts.index[: LEVELS if len(counts) > LEVELS else len(counts)])
    found = [Part(column, str(v), (values == v).fillna(False).to_numpy(dtype=bool)) for v in named]
    if len(counts) > LEVELS:
        found.append(Part(column, OTHERS, ~gone & ~values.isin(named).to_numpy(dtype=bool)))
    return found


def _quarters(column: str, numbers: NDArray[np.float64], gone: NDArray[np.bool_]) -> list[Part]:
    known = numbers[~gone & np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]))
    if len(edges) < 2:
        return [Part(column, f"{known[0]:.4g}", ~gone)]
    inside = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    return [
        Part(column, f"{low:.4g} to {high:.4g}", ~gone & (inside == i)) for i, (low, high) in enumerate(pairwise(edges))
    ]
