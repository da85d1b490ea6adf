"""Preprocessing from the contract, in plain scikit-learn, so that it can be converted to other formats later.

Numbers and booleans: the median where a column may be missing, and a column saying so if any was in training; the
others are left alone, since a request without them is refused. Categories: one column a level; a level training did not
have is all zeros. Times are no inputs: their values in production all lie beyond those seen in training. Missing text
is NaN in some frames and None in others, so both are filled. Running text becomes weights of words, and images small
grey pictures; what they make is sparse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from boucle.adapters.trainers.pixels import Pixels
from boucle.adapters.trainers.wording import weights
from boucle.core.signature import Field

ABSENT = "missing_value"
MOST_LEVELS = 100


def usable(fields: Sequence[Field]) -> tuple[Field, ...]:
    """Return the fields that become features."""
    return tuple(field for field in fields if field.dtype != "datetime")


def preparation(fields: Sequence[Field], rows: pd.DataFrame, scale: bool) -> Any:
    """Return the unfitted preprocessing of ``rows``, which hold the canonical columns of usable ``fields``."""
    wordy = [field for field in fields if field.dtype == "text"]
    seen = [field for field in fields if field.dtype == "image"]
    groups = _groups([field for field in fields if field not in (*wordy, *seen)], rows)
    if not wordy and not seen and set(groups) <= {"numbers", "gaps"}:
        # All numbers: no ColumnTransformer, which costs more than many models do on a single row.
        return _numbers(rows if "gaps" in groups else None, scale) or "passthrough"
    parts: list[Any] = [(name, _part(name, rows[columns], scale), columns) for name, columns in groups.items()]
    parts += [(f"words {n}", weights(rows[f.name], f.optional), f.name) for n, f in enumerate(wordy)]
    parts += [(f"pixels {n}", Pixels(), f.name) for n, f in enumerate(seen)]
    return ColumnTransformer(parts, sparse_threshold=1.0 if wordy else 0.0)


def _part(name: str, rows: pd.DataFrame, scale: bool) -> Any:
    if name == "numbers":
        return _numbers(None, scale) or FunctionTransformer(validate=True)  # it makes booleans numbers
    return _numbers(rows, scale) if name == "gaps" else _levels(name, rows)


def _groups(fields: Sequence[Field], rows: pd.DataFrame) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for field in fields:
        if field.numeric or field.dtype == "bool":
            name = "gaps" if field.optional or rows[field.name].hasnans else "numbers"
        elif field.dtype != "string":
            name = "codes"
        else:
            name = "texts" if rows[field.name].nunique() <= MOST_LEVELS else "long_texts"
        groups.setdefault(name, []).append(field.name)
    return groups


def _numbers(rows: pd.DataFrame | None, scale: bool) -> Any:
    """Return what numbers go through; ``rows`` are those that may have gaps, None if there are none to fill."""
    if rows is None:
        return StandardScaler() if scale else None
    gaps = bool(rows.isna().to_numpy().any())
    imputer = SimpleImputer(strategy="median", add_indicator=gaps, keep_empty_features=True)
    return Pipeline([("impute", imputer), ("scale", StandardScaler())]) if scale else imputer


def _levels(name: str, rows: pd.DataFrame) -> Pipeline:
    if name == "codes":
        lowest = np.nanmin(rows.to_numpy(dtype=np.float64), initial=0.0)
        fill = [("impute", SimpleImputer(strategy="constant", fill_value=int(lowest) - 1, keep_empty_features=True))]
    else:
        constant: dict[str, Any] = {"strategy": "constant", "fill_value": ABSENT, "keep_empty_features": True}
        fill = [("impute", SimpleImputer(**constant)), ("fill", SimpleImputer(missing_values=None, **constant))]
    if name == "long_texts":
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS, sparse_output=False, dtype=np.float64
        )
    else:
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64)
    return Pipeline([*fill, ("encode", encoder)])
