"""Tables as requests carry them (objects, columns, rows, CSV) to a batch, held to the model's signature.

Knows nothing of HTTP or of any protocol. A table is taken whole or refused whole, with the first thing
wrong in it named.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from boucle.core.conversations import written
from boucle.core.errors import RequestError, suggest
from boucle.core.signature import Batch, Column, Field, Signature
from boucle.serving.columns import check_declared, expected, fault, shown, to_column
from boucle.serving.forms import Part
from boucle.serving.media import MediaLimits, only, to_media

_decode = msgspec.json.Decoder().decode
_GONE = {"", "na", "nan", "null", "none"}


def parse(body: bytes, lenient: bool = False) -> Any:
    """Read JSON; raises RequestError for what is none, NaN and Infinity literals among it.

    ``lenient`` takes the literal NaN for null: Python's own writer makes it of a missing value, and so do clients.
    """
    try:
        try:
            return _decode(body)
        except (msgspec.MsgspecError, ValueError):
            if lenient and b"NaN" in body:
                return json.loads(body, parse_constant=_gap)
            raise
    except RecursionError:
        raise malformed("The JSON body is nested too deeply.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise malformed(
            f"The body is not JSON: {why}.", "numbers are written 1.5; NaN and Infinity are no JSON"
        ) from None


def _gap(literal: str) -> None:
    if literal != "NaN":
        raise ValueError(f"{literal} is no number")


def malformed(message: str, hint: str | None = None, **facts: Any) -> RequestError:
    """Build the error of a body that has the wrong shape."""
    return RequestError(message, hint=hint, code="malformed", **facts)


class TableReader:
    """Reads tables for one signature; made once a version."""

    def __init__(
        self, signature: Signature, max_rows: int, refuse: Sequence[str] = (), limits: MediaLimits | None = None
    ) -> None:
        self.signature = signature
        self.limits = limits or MediaLimits()
        self.media = tuple(field for field in signature.inputs if field.dtype in ("text", "image"))
        self.only = only(signature.inputs)
        self.converses = signature.task == "text-generation" and self.only is not None
        csv.field_size_limit(max(csv.field_size_limit(), self.limits.characters + 1))
        self._fields = signature.inputs
        self._names = frozenset(signature.names)
        self._max_rows = max_rows
        self._refuse = refuse
        self._declared = [field for field in signature.inputs if refuse]

    def records(self, records: Sequence[Any]) -> Batch:
        """Read a list of objects."""
        self._count(len(records))
        for row, record in enumerate(records):
            if type(record) is not dict:
                raise malformed(f"Row {row} is {shown(record)}, not an object of columns.", row=row)
            if not record.keys() <= self._names:
                raise self._unknown(record, row)
        return self.columns({field.name: self._gathered(field, records) for field in self._fields})

    def columns(self, columns: Mapping[str, Sequence[Any]]) -> Batch:
        """Read one list of values per column."""
        self._check_columns(columns)
        rows = max(map(len, columns.values()))
        self._count(rows)
        absent = [None] * rows
        batch = {field.name: self._column(field, columns.get(field.name, absent)) for field in self._fields}
        return self.checked(batch)

    def rows(self, rows: Sequence[Any], names: Sequence[Any] | None = None) -> Batch:
        """Read a list of rows of values, in the order of ``names`` or of the signature."""
        names = self.signature.names if names is None else self._named(names)
        self._count(len(rows))
        for place, row in enumerate(rows):
            if type(row) is not list or len(row) != len(names):
                got = f"{len(row)} values" if isinstance(row, list) else shown(row)
                raise malformed(
                    f"Row {place} has {got}; a list of {len(names)} is expected: {_some(names)}.", row=place
                )
        return self.columns(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))

    def csv(self, body: bytes) -> Batch:
        """Read CSV text with a line of column names; empty cells are missing values."""
        try:
            lines = [
                line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line
            ]
        except (UnicodeDecodeError, csv.Error) as error:
            raise malformed(f"The body is not CSV in UTF-8: {error}.") from None
        if not lines:
            raise malformed("The CSV body is empty.", "the first line names the columns")
        names, rows = self._named(lines[0]), lines[1:]
        self._count(len(rows))
        for place, row in enumerate(rows):
            if len(row) != len(names):
                raise malformed(f"Row {place} of the CSV has {len(row)} cells, its head {len(names)}.", row=place)
        cells = dict(zip(names, zip(*rows, strict=True), strict=True))
        self._check_columns(cells)
        return self.columns({name: self._cells(self.signature.input(name), found) for name, found in cells.items()})

    def values(self, values: Sequence[Any]) -> Batch:
        """Read the values of the only field of a model of texts or of images."""
        assert self.only is not None
        return self.columns({self.only.name: values})

    def form(self, parts: Sequence[Part]) -> Batch:
        """Read the parts of a form: files and values named as the fields; parts of one name are rows.

        ``file`` stands for the only field of texts or images.
        """
        alone = self.media[0].name if len(self.media) == 1 else ""
        found: dict[str, list[Any]] = {}
        for part in parts:
            name = alone if alone and part.name == "file" and "file" not in self._names else part.name
            found.setdefault(name, []).append(part.body)
        self._check_columns(found)
        return self.columns({name: self._parts(self.signature.input(name), bodies) for name, bodies in found.items()})

    def _parts(self, field: Field, bodies: Sequence[bytes]) -> Sequence[Any]:
        if field.dtype in ("text", "image"):
            return bodies
        try:
            return self._cells(field, [body.decode() for body in bodies])
        except UnicodeDecodeError:
            raise fault("wrong_type", f"{field.name} is not UTF-8.", field) from None

    def _column(self, field: Field, values: Sequence[Any]) -> Column:
        if field not in self.media:
            return to_column(field, values)
        return to_media(field, list(map(written, values)) if self.converses else values, self.limits)

    def checked(self, batch: Batch) -> Batch:
        """Hold typed columns to the declared ranges and categories, where values outside are refused."""
        for field in self._declared:
            check_declared(field, batch[field.name], self._refuse)
        return batch

    def tensor(self, tensor: Column) -> Batch:
        """Read numbers of shape (rows, columns), in the order of the signature."""
        self._count(len(tensor))
        for field in self._fields:
            if field.dtype not in ("float64", "int64"):
                raise fault(
                    "wrong_type", f"{field.name} takes {expected(field)}; send it as an input of its own.", field
                )
        return self.columns({field.name: column.tolist() for field, column in zip(self._fields, tensor.T, strict=True)})

    def _gathered(self, field: Field, records: Sequence[dict[str, Any]]) -> list[Any]:
        name = field.name
        try:
            return [record[name] for record in records]
        except KeyError:
            if field.optional:
                return [record.get(name) for record in records]
            row = next(row for row, record in enumerate(records) if name not in record)
            raise self._absent(field, row) from None

    def _check_columns(self, columns: Mapping[str, Sequence[Any]]) -> None:
        if not columns.keys() <= self._names:
            raise self._unknown(columns)
        lengths = {len(values) for values in columns.values()}
        if len(lengths) != 1:
            told = ", ".join(f"{name} {len(values)}" for name, values in list(columns.items())[:6]) or "there are none"
            raise malformed(f"The columns differ in length: {told}.")
        for field in self._fields:
            if field.name not in columns and not field.optional:
                raise self._absent(field)

    def _named(self, names: Sequence[Any]) -> tuple[str, ...]:
        """Check a list of column names, as frames and CSV files carry them."""
        if not all(type(name) is str for name in names) or len(set(names)) != len(names):
            raise malformed("The names of the columns are not a list of different texts.")
        if not self._names.issuperset(names):
            raise self._unknown(names)
        return tuple(names)

    def _cells(self, field: Field, cells: Sequence[str]) -> list[Any]:
        if field.dtype not in _CELLS:
            return [cell or None for cell in cells]
        read = _CELLS[field.dtype]
        values: list[Any] = []
        for row, cell in enumerate(cells):
            try:
                values.append(None if cell.strip().lower() in _GONE else read(cell.strip()))
            except (ValueError, KeyError):
                raise fault(
                    "wrong_type", f'{field.name} takes {expected(field)}, not "{cell[:60]}".', field, row, cell
                ) from None
        return values

    def _count(self, rows: int) -> None:
        if rows == 0:
            raise RequestError("The request has no rows.", hint="send at least one", code="empty")
        if rows > self._max_rows:
            raise RequestError(
                f"The request has {rows} rows, the limit is {self._max_rows}.",
                hint="send them in several requests, or predict a file: boucle predict NAME FILE",
                code="too_many_rows",
            )

    def _unknown(self, names: Mapping[str, Any] | Sequence[str], row: int | None = None) -> RequestError:
        name = next(name for name in names if name not in self._names)
        absent = [known for known in self.signature.names if known not in names]
        hint = suggest(name, absent) or suggest(name, self._names)
        return fault(
            "unknown_column",
            f"The model has no column '{name[:100]}'; it takes: {_some(self.signature.names)}.",
            name[:100], row, name, hint=hint,
        )  # fmt: skip

    def _absent(self, field: Field, row: int | None = None) -> RequestError:
        return fault("missing_column", f"{field.name} is missing, it needs {expected(field)}.", field, row)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(text)
    return value


def _whole(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else _number(text)


_CELLS: dict[str, Any] = {
    "float64": _number,
    "int64": _whole,
    "bool": lambda text: {"true": True, "false": False, "1": True, "0": False}[text.lower()],
}
