"""The model's inputs as the project and the data define them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from boucle.core.errors import DataError, ProjectError, suggest
from boucle.core.signature import Field, Label
from boucle.data.infer import infer_field
from boucle.ports.frames import to_batch, to_frame
from boucle.project.learning import ColumnCheck
from boucle.project.settings import Settings


def input_fields(frame: pd.DataFrame, settings: Settings) -> tuple[Field, ...]:
    """Return the inputs in order: what the contract declares goes before what the values say.

    Raises ProjectError for a column that is named and not there, DataError when no input is left.
    """
    data = settings.data
    known = [str(c) for c in frame.columns]
    for name in [*(data.features or ()), *([data.id] if data.id else []), *data.checks]:
        if name not in known:
            raise ProjectError(
                f"boucle.yaml names the column '{name}', which the data does not have.",
                hint=f"{suggest(name, known)}the columns are: {', '.join(known[:20])}",
                field=name,
            )
    aside = {data.target, data.id, data.split.time, data.split.group, *data.drop}
    wanted = data.features or [c for c in known if c not in aside]
    tabular = settings.task.startswith("tabular-")
    fields = []
    for name in wanted:
        found = infer_field(name, frame[name], texts=not tabular)
        if isinstance(found, Field) and tabular and data.features is None and found.dtype in ("text", "image"):
            found = f"{found.dtype}s take part in a tabular task where they are declared"
        if (field := _field(name, frame[name], found, data.checks.get(name), data.features is not None)) is not None:
            fields.append(field)
    if not fields:
        raise DataError("No column is left to predict from.", hint="see data.features and data.drop in boucle.yaml")
    return tuple(fields)


def _field(
    name: str, values: pd.Series[Any], found: Field | str, check: ColumnCheck | None, asked: bool
) -> Field | None:
    """Merge the declaration with the values; a column that cannot be an input is left out unless it was asked for."""
    if check is None or (check.type is None and not check.categories):
        if isinstance(found, str):
            if asked:
                raise DataError(
                    f"Column '{name}' cannot be an input: {found}.", hint="drop it from data.features", field=name
                )
            return None
        field = found
    else:
        kind = check.type or ("int64" if _numbered(values, check) else "string")
        field = replace(found, dtype=kind) if not isinstance(found, str) else Field(name, kind)
        if kind in ("string", "text", "image"):
            field = replace(field, minimum=None, maximum=None)
        if kind != "string":
            field = replace(field, categories=None)
    if check is None:
        return field
    gaps = _blank_to_missing(values.to_frame(name), [field])[name].isna()
    optional = field.optional or bool(gaps.any()) or check.missing not in (None, 0.0)
    levels = _levels(field, check)
    return replace(
        field,
        optional=optional,
        minimum=check.min if check.min is not None else field.minimum,
        maximum=check.max if check.max is not None else field.maximum,
        categories=levels,
        pii=check.pii,
    )


def _numbered(values: pd.Series[Any], check: ColumnCheck) -> bool:
    """Whole numbers for categories of a column of numbers: they stay numbers, as 1 beside a gap is read as 1.0."""
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in check.categories or ())
    return whole and pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _levels(field: Field, check: ColumnCheck) -> tuple[Label, ...] | None:
    if check.categories is None:
        return field.categories
    if field.dtype == "string":
        return tuple(str(v) for v in check.categories)
    return None


def widened(fields: Sequence[Field], frame: pd.DataFrame) -> tuple[Field, ...]:
    """Return the fields with ranges and categories that hold everything in ``frame``: labelled rows the service saw
    are right, whatever the first contract expected."""
    return tuple(_widened(field, frame[field.name]) for field in fields)


def _widened(field: Field, values: pd.Series[Any]) -> Field:
    known = values.dropna()
    if field.categories is not None:
        new = sorted({str(v) for v in known.unique()} - set(map(str, field.categories)))
        return replace(field, categories=(*field.categories, *new)) if new else field
    if field.dtype not in ("float64", "int64") or known.empty:
        return field
    numbers = pd.to_numeric(known, errors="coerce").to_numpy(dtype=np.float64)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    return replace(
        field,
        minimum=low if field.minimum is None else min(field.minimum, low),
        maximum=high if field.maximum is None else max(field.maximum, high),
    )


def conform(frame: pd.DataFrame, fields: Sequence[Field], target: str | None = None) -> pd.DataFrame:
    """Return the canonical frame of ``fields``, with the target column behind them when it is there.

    Raises ContractError for values that are not of their field's type.
    """
    result = to_frame(to_batch(_blank_to_missing(frame, fields), fields), fields)
    result.index = frame.index
    if target is not None and target in frame.columns:
        result[target] = frame[target].to_numpy()
    return result


def _blank_to_missing(frame: pd.DataFrame, fields: Sequence[Field]) -> pd.DataFrame:
    """Numbers that stand in a text column with blanks between them: the blanks are missing values."""
    blanks = [
        f.name
        for f in fields
        if f.dtype in ("float64", "int64", "bool")
        and f.name in frame.columns
        and pd.api.types.is_string_dtype(frame[f.name].dtype)
    ]
    if not blanks:
        return frame
    cleaned = {name: frame[name].where(frame[name].astype(str).str.strip() != "") for name in blanks}
    return frame.assign(**cleaned)
