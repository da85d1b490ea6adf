"""Values as JSON gives them to one typed column: strict about kinds, lenient about whole numbers for floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from boucle.core.errors import RequestError, suggest
from boucle.core.signature import Column, Field, missing

Values = Sequence[Any]
_WORDS = {
    "float64": "a number",
    "int64": "a whole number",
    "bool": "true or false",
    "string": "a text",
    "datetime": "a time as text (ISO 8601)",
    "text": "a text",
    "image": "an image file as base64",
}
LONGEST_TEXT = 100_000  # characters
_NONE = np.array(None, dtype=object)
_INT64 = range(-(2**63), 2**63)


def to_column(field: Field, values: Values) -> Column:
    """Return the values of ``field`` in its storage dtype; raises RequestError naming column, row, expected and got.

    ``None`` is a missing value. Text is not a number, nor is a truth value.
    """
    kinds = set(map(type, values))
    if type(None) in kinds and not field.optional:
        raise _missing(field, values)
    return _CONVERSIONS[field.dtype](field, values, kinds - {type(None)})


def check_declared(field: Field, column: Column, refuse: Sequence[str]) -> None:
    """Refuse values outside the declared range or categories, where ``refuse`` says so; raises RequestError."""
    if "range" in refuse and (field.minimum is not None or field.maximum is not None):
        _check_range(field, column)
    if "category" in refuse and field.categories is not None:
        _check_categories(field, column)


def plain(column: Column) -> list[Any]:
    """Return a column as JSON values: missing and infinite ones are None, times are ISO 8601 text."""
    held: Any = column
    if column.dtype.kind == "M":
        held = np.where(np.isnat(column), np.array(None), column.astype("datetime64[us]").astype(str))
    elif column.dtype.kind == "f" and not np.isfinite(column).all():
        held = np.where(np.isfinite(column), column.astype(object), np.array(None))
    values: list[Any] = held.tolist()
    return values


def expected(field: Field) -> str:
    """Say in words what a field takes."""
    return _WORDS[field.dtype] + (" or null" if field.optional else "")


def _floats(field: Field, values: Values, kinds: set[type]) -> Column:
    if not kinds <= {float, int}:
        raise _wrong(field, values, lambda v: type(v) in (float, int))
    try:
        column = np.array(values, dtype=np.float64)  # None becomes NaN
    except OverflowError:
        raise _wrong(field, values, _fits_float) from None
    if kinds and np.isinf(column).any():
        raise _wrong(field, values, lambda v: not math.isinf(v))
    if float in kinds and np.isnan(column).any():
        _check_nan(field, values, column)
    return column


def _check_nan(field: Field, values: Values, column: Column) -> None:
    """NaN is a missing value, as None is; only callers inside Python can send one."""
    if not field.optional:
        raise _missing(field, [None if gone else value for value, gone in zip(values, missing(column), strict=True)])


def _integers(field: Field, values: Values, kinds: set[type]) -> Column:
    whole = values
    if kinds != {int} and kinds:
        if not kinds <= {int, float} or not all(map(_is_whole, values)):
            raise _wrong(field, values, _is_whole)
        whole = [None if v is None or v != v else int(v) for v in values]
        if not field.optional and None in whole:
            raise _missing(field, whole)
    if any(value is not None and value not in _INT64 for value in whole):
        raise _wrong(field, values, lambda v: v is None or int(v) in _INT64)
    return np.array(whole, dtype=field.storage)


def _booleans(field: Field, values: Values, kinds: set[type]) -> Column:
    if not kinds <= {bool}:
        raise _wrong(field, values, lambda v: type(v) is bool)
    return np.array(values, dtype=field.storage)


def _strings(field: Field, values: Values, kinds: set[type]) -> Column:
    if not kinds <= {str}:
        raise _wrong(field, values, lambda v: type(v) is str)
    if any(value is not None and len(value) > LONGEST_TEXT for value in values):
        raise _too_long(field, values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _datetimes(field: Field, values: Values, kinds: set[type]) -> Column:
    if not kinds <= {str, datetime}:
        raise _wrong(field, values, lambda v: type(v) in (str, datetime))
    times = [None if v is None else _time(v) for v in values]
    if kinds and any(v is not None and t is None for v, t in zip(values, times, strict=True)):
        raise _wrong(field, values, lambda v: _time(v) is not None)
    return np.array(times, dtype="datetime64[us]").astype("datetime64[ns]")


def _time(value: str | datetime) -> datetime | None:
    """Read ISO 8601; a zone is brought to UTC. None for what is no time, or lies outside of what 64 bits hold."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        read = read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None
    return read if 1678 <= read.year <= 2261 else None


def _is_whole(value: Any) -> bool:
    if type(value) is float:
        return value != value or value.is_integer()
    return value is None or type(value) is int


def _fits_float(value: Any) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _check_range(field: Field, column: Column) -> None:
    if column.dtype.kind not in "if":
        return
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    numbers = column.astype(np.float64)
    outside = np.flatnonzero((numbers < low) | (numbers > high))
    if len(outside):
        row, value = int(outside[0]), column[outside[0]].item()
        raise fault("out_of_range", f"{field.name} is {value:g}, outside {low:g} to {high:g}.", field, row, value)


def _check_categories(field: Field, column: Column) -> None:
    known = field.categories or ()
    for row, value in enumerate(plain(column)):
        if value is not None and value not in known:
            near = suggest(str(value), map(str, known))
            raise fault("unknown_category", f"{field.name} does not know {value!r}.", field, row, value, hint=near)


def _missing(field: Field, values: Values) -> RequestError:
    row = next((row for row, value in enumerate(values) if value is None), 0)
    return fault("missing_value", f"{field.name} is missing, it needs {expected(field)}.", field, row, None)


def _wrong(field: Field, values: Values, right: Callable[[Any], bool]) -> RequestError:
    row, got = next(((r, v) for r, v in enumerate(values) if v is not None and not right(v)), (0, None))
    return fault("wrong_type", f"{field.name} takes {expected(field)}, not {shown(got)}.", field, row, got)


def _too_long(field: Field, values: Values) -> RequestError:
    row, got = next((row, v) for row, v in enumerate(values) if v is not None and len(v) > LONGEST_TEXT)
    message = f"{field.name} has {len(got)} characters, the limit is {LONGEST_TEXT}."
    return fault("too_long", message, field, row, got, hint="cut it, or send its parts in rows of their own")


def fault(
    code: str, message: str, field: Field | str, row: int | None = None, got: Any = None, hint: str = ""
) -> RequestError:
    """Build the error of one value: ``facts`` name the column, the row (from 0), what was expected and what came."""
    name, wanted = (field, "") if isinstance(field, str) else (field.name, expected(field))
    where = f" (row {row})" if row else ""
    return RequestError(
        message.removesuffix(".") + where + ".",
        hint=hint.strip() or None,
        code=code,
        field=name,
        row=row,
        expected=wanted,
        got=shown(got),
    )


def shown(value: Any) -> str:
    """Say a value briefly, as JSON would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    try:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    except ValueError:  # Python does not write out integers of thousands of digits
        text = "a number that is too large"
    return text if len(text) <= 60 else f"{text[:57]}..."


_CONVERSIONS: dict[str, Callable[[Field, Values, set[type]], Column]] = {
    "float64": _floats,
    "int64": _integers,
    "bool": _booleans,
    "string": _strings,
    "datetime": _datetimes,
}
