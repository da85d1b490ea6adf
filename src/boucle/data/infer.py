"""Read the contract off the data: what each column is, and what is to be predicted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from boucle.core.errors import DataError
from boucle.core.signature import Field, Label, Task
from boucle.data.read import require_target
from boucle.data.wording import is_running
from boucle.measures.spans import spans_of

MOST_LEVELS = 50
MOST_CLASSES = 100
MOST_GRADES = 20
"""Whole numbers up to which a target beside texts or images is a class, such as the stars of a review."""
FEW_BESIDE = 3
"""Other inputs from which on a column of running text is one among many, and the task a tabular one."""
BESIDE_TEXT = "beside the text: take it out of drop, and declare it under checks, to learn from it too"
AMONG_MANY = "running text: declare it under data.checks with type: text to learn from it"
_FEW = 10_000
_ID = re.compile(r"(^|[\s_\-.])(id|uuid|guid|key|index|rownames?|unnamed)($|[\s_\-.:0-9])", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z](ID|Id)$")


@dataclass(frozen=True, slots=True)
class Contract:
    """What the data says of itself: ``fields`` are the inputs, ``dropped`` columns that are not, with the reason."""

    task: Task
    fields: tuple[Field, ...]
    target: Field
    id: str | None = None
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def infer(frame: pd.DataFrame, target: str) -> Contract:
    """Read the contract off ``frame``; raises DataError for a target that cannot be learned.

    A table with a column of images, or of running text and hardly anything else, is about those.
    """
    require_target(frame, target)
    identity = next((str(c) for c in frame.columns if c != target and _is_id(str(c), frame[c])), None)
    fields: list[Field] = []
    dropped: dict[str, str] = {}
    for name in map(str, frame.columns):
        if name in (target, identity):
            continue
        found = infer_field(name, frame[name])
        if isinstance(found, str):
            dropped[name] = found
        else:
            fields.append(found)
    if not fields:
        raise DataError("No column is left to predict from.", hint="every other column is an id, or constant")
    fields, aside = _about(fields)
    dropped.update(aside)
    task, told = infer_target(frame[target], fields)
    notes = []
    twice = int(repeated(frame).sum())
    if twice:
        notes.append(f"{twice} rows stand twice; they are kept on one side of the split")
    return Contract(task, tuple(fields), told, identity, dropped, tuple(notes))


def _about(fields: list[Field]) -> tuple[list[Field], dict[str, str]]:
    """Return the inputs that count, and the others with the reason."""
    for dtype in ("image", "text"):
        chosen = [f for f in fields if f.dtype == dtype]
        others = [f for f in fields if f.dtype != dtype]
        if chosen and len(others) < FEW_BESIDE:
            return chosen, {f.name: BESIDE_TEXT.replace("text", dtype) for f in others}
        if chosen:
            return others, {f.name: AMONG_MANY.replace("text", dtype) for f in chosen}
    return fields, {}


def infer_target(values: pd.Series[Any], inputs: Sequence[Field] = ()) -> tuple[Task, Field]:
    """Decide what is to be learned: text, true/false and two values are classes; other numbers are a quantity.

    What is learned from running text or images (the ``inputs``) has a task of theirs; whole numbers, up to 20 of them,
    are classes then. Raises DataError when there is nothing to learn.
    """
    dtypes = {f.dtype for f in inputs}
    if dtypes & {"text", "image"}:
        return _target_of(values, dtypes, [f.name for f in inputs])
    return _tabular_target(values)


def _target_of(values: pd.Series[Any], dtypes: Set[str], names: list[str]) -> tuple[Task, Field]:
    known = present(values)
    name = str(values.name)
    if "text" in dtypes and len(known) and _marked(known):
        return "token-classification", Field(name, "json")
    if (
        "text" in dtypes
        and _textual(known)
        and is_running(pd.Series(known.astype(str).unique()), len(known), MOST_CLASSES)
    ):
        return ("question-answering" if {"question", "context"} <= set(names) else "summarization"), Field(name, "text")
    whole = types.is_numeric_dtype(known.dtype) and label_dtype(known) == "int64" and known.nunique() <= MOST_GRADES
    task, told = _tabular_target(known.astype("int64").astype(str).rename(name) if whole else values)
    if task != "tabular-classification":
        return task, told
    labels = labels_of(known) if whole else told.categories
    return "text-classification" if "text" in dtypes else "image-classification", Field(
        name, label_dtype(known) if whole else told.dtype, categories=labels
    )


def _marked(known: pd.Series[Any]) -> bool:
    """Say whether values are lists of marked pieces of a text, as objects or as JSON."""
    some = known.iloc[:200]
    if _textual(some) and not all(str(v).lstrip().startswith("[") for v in some if isinstance(v, str)):
        return False
    try:
        return any(len(spans_of(v)) > 0 for v in some) if _textual(some) else False
    except ValueError:
        return False


def _tabular_target(values: pd.Series[Any]) -> tuple[Task, Field]:
    name = str(values.name)
    known = present(values)
    if _nested(known):
        raise DataError(f"The target '{name}' holds lists or objects.", hint="predict one value a row", field=name)
    if known.empty:
        raise DataError(f"The target '{name}' has no values at all.", field=name)
    levels = known.nunique()
    if levels == 1:
        raise DataError(
            f"The target '{name}' has the one value {known.iloc[0]} in every row.",
            hint="there is nothing to learn",
            field=name,
        )
    numeric = types.is_numeric_dtype(known.dtype) and not types.is_bool_dtype(known.dtype)
    if numeric and levels > 2:
        low, high = float(known.min()), float(known.max())
        if not np.isfinite([low, high]).all():
            raise DataError(f"The target '{name}' holds infinite values.", field=name)
        return "tabular-regression", Field(name, "float64", minimum=low, maximum=high)
    if levels > MOST_CLASSES:
        raise DataError(
            f"The target '{name}' is text with {levels} different values.",
            hint="a class needs many rows to be learned",
            field=name,
        )
    return "tabular-classification", Field(name, label_dtype(known), categories=labels_of(known))


def infer_field(name: str, values: pd.Series[Any], texts: bool = False) -> Field | str:
    """Return the column as an input field, or the reason why it cannot be one.

    With ``texts`` every column of text with too many values to be levels is running text, however short they are.
    """
    known = present(values)
    optional = len(known) < len(values)
    if known.empty:
        return "no values"
    if _nested(known):
        return "lists or objects: make columns of them"
    if _binary(known):
        return Field(name, "image", optional=optional)
    if types.is_complex_dtype(known.dtype):
        return f"values of type {known.dtype} are not understood"
    distinct = known if types.is_numeric_dtype(known.dtype) else pd.Series(known.unique())
    if len(distinct) == 1 or (distinct is known and known.min() == known.max()):
        return f"the one value {known.iloc[0]} in every row"
    if types.is_bool_dtype(known.dtype):
        return Field(name, "bool", optional=optional)
    if types.is_datetime64_any_dtype(known.dtype) or (_textual(known) and _is_dates(distinct)):
        return "a time: use it to split with data.split.time, or derive inputs from it"
    if types.is_numeric_dtype(known.dtype):
        return _numeric(name, known, optional)
    if _textual(known):
        blank = distinct.astype(str).str.strip() == ""
        numbers = pd.to_numeric(distinct[~blank], errors="coerce")
        if len(numbers) and numbers.notna().all():
            return _numeric(name, numbers, optional or bool(blank.any()))
        levels = sorted(map(str, distinct.astype(str).unique()))
        if is_running(pd.Series(levels), len(known), MOST_LEVELS) or (texts and len(levels) > MOST_LEVELS):
            return Field(name, "text", optional=optional)
        if len(levels) > MOST_LEVELS:
            return f"text with {len(levels)} different values"
        return Field(name, "string", optional=optional, categories=tuple(levels))
    return f"values of type {known.dtype} are not understood"


def present(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values that are not missing: true/false read beside gaps as objects is true/false again."""
    return values.dropna().infer_objects()


def repeated(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows that stand before them already, shape (rows,); lists in cells are compared as text.

    Rows that are alone with their value in one column are set aside before whole rows are compared: in most tables
    a few columns of numbers leave hardly any.
    """
    nested = {str(c): frame[c].astype(str) for c in frame.columns if _nested(frame[c])}
    frame = frame.assign(**nested) if nested else frame
    left = np.arange(len(frame))
    for place in np.flatnonzero([types.is_numeric_dtype(d) for d in frame.dtypes]):
        if len(left) < _FEW:
            break
        left = left[frame.iloc[:, int(place)].iloc[left].duplicated(keep=False).to_numpy()]
    found = np.zeros(len(frame), dtype=bool)
    found[left] = frame.iloc[left].duplicated(keep="first").to_numpy(dtype=bool)
    return found


def label_dtype(values: pd.Series[Any]) -> Any:
    """Return the dtype of class labels: bool, int64 (also for whole floats) or string."""
    if types.is_bool_dtype(values.dtype):
        return "bool"
    if types.is_integer_dtype(values.dtype):
        return "int64"
    if types.is_numeric_dtype(values.dtype) and (values == np.rint(values)).all():
        return "int64"
    return "string"


def labels_of(values: pd.Series[Any]) -> tuple[Label, ...]:
    """Return the sorted labels as plain Python values."""
    kind = label_dtype(values)
    if kind == "bool":
        return tuple(sorted({bool(v) for v in values.unique()}))
    if kind == "int64":
        return tuple(sorted({int(v) for v in values.unique()}))
    return tuple(sorted({str(v) for v in values.unique()}))


def _numeric(name: str, known: pd.Series[Any], optional: bool) -> Field:
    finite = known[np.isfinite(known.astype("float64"))]
    if finite.empty:
        return Field(name, "float64", optional=optional)
    whole = types.is_integer_dtype(known.dtype) or (optional and bool((finite == np.rint(finite)).all()))
    low, high = float(finite.min()), float(finite.max())
    return Field(name, "int64" if whole else "float64", optional=optional, minimum=low, maximum=high)


def _is_id(name: str, values: pd.Series[Any]) -> bool:
    """Every row another value, and a name that says so; or text that is different in every row."""
    if (
        len(values) < 20
        or values.isna().any()
        or types.is_float_dtype(values.dtype)
        or _nested(values)
        or _binary(values)
    ):
        return False
    named = bool(_ID.search(name) or _CAMEL_ID.search(name))
    if not values.is_unique:
        return False
    return named or (_textual(values) and not _is_dates(values) and not isinstance(infer_field(name, values), Field))


def _nested(values: pd.Series[Any]) -> bool:
    return types.is_object_dtype(values.dtype) and any(isinstance(v, list | dict | set | np.ndarray) for v in values)


def _textual(values: pd.Series[Any]) -> bool:
    return (types.is_string_dtype(values.dtype) or types.is_object_dtype(values.dtype)) and not _binary(values)


def _binary(values: pd.Series[Any]) -> bool:
    return types.is_object_dtype(values.dtype) and any(
        isinstance(v, bytes | bytearray) for v in values.dropna().head(20)
    )


def _is_dates(values: pd.Series[Any]) -> bool:
    sample = values.astype(str).head(200)
    if not sample.str.match(r"^\d{4}-\d{2}-\d{2}").all():
        return False
    return bool(pd.to_datetime(sample, errors="coerce", format="ISO8601").notna().all())
