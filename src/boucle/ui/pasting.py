"""Rows that people paste: CSV with a head, JSON or JSON lines, read as the contract says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from boucle.core.errors import RequestError
from boucle.ui.pages.row import native
from boucle.views.contract import FieldRow

MOST = 100
"""Rows at most."""
LONGEST = 1_000_000
"""Characters at most."""
_PARTED = ("\t", ";", ",")
_BOOLS = {"true": True, "1": True, "yes": True, "oui": True, "false": False, "0": False, "no": False, "non": False}


def rows_of(text: str, fields: Sequence[FieldRow]) -> list[dict[str, Any]]:
    """Return the rows of a text, at most 100; raises RequestError that names the row and the column.

    CSV may be parted by commas, semicolons or tabs. A column that the contract does not have is left out.
    """
    if len(text) > LONGEST:
        raise RequestError("This is too much to paste.", hint=f"at most {MOST} rows")
    found = _json(text) if text.lstrip()[:1] in ("{", "[") else _csv(text)
    if not found:
        raise RequestError("There is no row.", hint="CSV with a head, or JSON")
    if len(found) > MOST:
        raise RequestError(f"{len(found)} rows are too many.", hint=f"at most {MOST}; more with: boucle predict")
    return [_row(one, fields, number) for number, one in enumerate(found, 1)]


def _csv(text: str) -> list[Mapping[str, Any]]:
    head = next(iter(text.strip("\ufeff\r\n ").splitlines()), "")
    apart = max(_PARTED, key=head.count)
    table = csv.DictReader(io.StringIO(text.strip("\ufeff\r\n ")), delimiter=apart, restkey="", restval="")
    try:
        return [{(key or "").strip(): value for key, value in row.items()} for row in table]
    except csv.Error as error:
        raise RequestError(f"This is no CSV: {error}.", hint="a head with the names of the fields, then rows") from None


def _json(text: str) -> list[Mapping[str, Any]]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = [_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = read if isinstance(read, list) else [read]
    if not all(isinstance(one, dict) for one in found):
        raise RequestError("A row is an object with a value for each field.", hint='[{"field": 1.5, …}, …]')
    return found


def _line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise RequestError(f"Line {number} is no JSON.", hint="a list of objects, or an object a line") from None


def _row(given: Mapping[str, Any], fields: Sequence[FieldRow], number: int) -> dict[str, Any]:
    row = {}
    for one in fields:
        value = given.get(one.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if not one.optional:
                raise RequestError(f"Row {number} has no '{one.name}'.", hint="it is needed", field=one.name)
            continue
        try:
            row[one.name] = _value(one, value)
        except (ValueError, TypeError):
            told = f"Row {number}: '{str(value)[:40]}' is no value of '{one.name}'."
            raise RequestError(told, hint=f"it takes {one.dtype}", field=one.name) from None
    return row


def _value(one: FieldRow, value: Any) -> Any:
    if isinstance(value, list | dict):
        raise TypeError(value)
    if one.dtype == "bool":
        try:
            return _BOOLS[str(value).strip().lower()]
        except KeyError:
            raise ValueError(value) from None
    return native(one, str(value).strip())
