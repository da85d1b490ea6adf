"""Decoders made from a signature: the quick way in for tables that are exactly as they should be.

A typed decoder takes a body whole and right, or gives None: then the exact reader of ``codec`` takes it (it is more
lenient) or says what is wrong with it. So the answer never depends on which way a body came in.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from boucle.core.signature import Batch, Column, Field, Rows, Signature
from boucle.serving.columns import LONGEST_TEXT
from boucle.serving.messages import Row

Read = Callable[[bytes], Sequence[Row] | None]
EXACT = 2**53  # whole numbers beyond it are not kept as floats
_NUMBERS = ("float64", "int64", "bool")
_pack = msgspec.msgpack.Encoder().encode


class Typed:
    """The types of one signature. ``usable`` is false where only the exact reader understands a column."""

    def __init__(self, signature: Signature, max_rows: int, refuse: Sequence[str] = ()) -> None:
        self.fields = signature.inputs
        self.names = list(signature.names)
        self.outputs = [field.name for field in signature.outputs]
        self.max_rows = max_rows
        self.usable = bool(self.fields) and all(_usable(field, refuse) for field in self.fields)
        self.numeric = self.usable and all(field.dtype in _NUMBERS for field in self.fields)
        self.floats = self.numeric and all(field.dtype == "float64" for field in self.fields) and not refuse
        self.gaps = any(field.optional for field in self.fields)
        self._plain = self.floats and not self.gaps
        types = tuple(_type(field, refuse) for field in self.fields) if self.usable else ()
        self.row: Any = tuple.__class_getitem__(types)
        self.record: Any = None if not self.usable else _record(self.fields, types)

    def reader(self, shape: Any, rows: Callable[[Any], Sequence[Row]]) -> Read:
        """Return what decodes a body as ``shape`` and takes its rows out; it gives None for any other body."""
        decode = msgspec.json.Decoder(shape).decode
        most = self.max_rows

        def read(body: bytes) -> Sequence[Row] | None:
            try:
                found = rows(decode(body))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return None
            return found if 0 < len(found) <= most else None

        return read

    def join(self, rows: Sequence[Row]) -> Batch:
        """Return decoded rows as one batch."""
        if self._plain:
            return Rows(self.fields, matrix(rows, len(self.fields)))
        if self.numeric:
            return Rows(self.fields, np.array(rows, dtype=np.float64))
        columns = zip(*rows, strict=True)
        return {field.name: _column(field, values) for field, values in zip(self.fields, columns, strict=True)}


def matrix(rows: Sequence[Row], width: int) -> NDArray[np.float64]:
    """Return rows of floats, nothing else, as a matrix.

    They go through MessagePack, where each is a byte and then its eight, behind the head of its row: that is five times
    as fast as taking them one by one.
    """
    packed = _pack(rows)
    count, head = len(rows), 1 if width < 16 else 3 if width < 65_536 else 5
    stride = head + 9 * width
    values = np.ndarray((count, width), ">f8", packed, len(packed) - count * stride + head + 1, (stride, 9))
    return values.astype(np.float64)


def records(found: Sequence[Any]) -> Sequence[Row]:
    """Return decoded objects as rows."""
    return [astuple(record) for record in found]


def nothing(body: bytes) -> None:
    """Leave every body to the exact reader."""


def first_inside(body: bytes, opening: bytes) -> bytes:
    """Return the first byte that is no space behind ``opening`` in ``body``; empty when there is none."""
    place = body.find(opening) + 1
    while place and body[place : place + 1].isspace():
        place += 1
    return body[place : place + 1]


def _usable(field: Field, refuse: Sequence[str]) -> bool:
    if field.dtype in ("datetime", "text", "image") or field.shape:
        return False
    if "category" in refuse and field.categories:
        return field.dtype in ("string", "int64") and all(type(label) in (str, int) for label in field.categories)
    return not (field.dtype == "bool" and "range" in refuse)


def _type(field: Field, refuse: Sequence[str]) -> Any:
    held: Any = {"float64": float, "int64": int, "bool": bool, "string": str}[field.dtype]
    if "category" in refuse and field.categories:
        held = Literal.__getitem__(tuple(field.categories))
    elif field.dtype == "string":
        held = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
    elif field.dtype == "int64":
        low, high = _within(field, refuse, -EXACT, EXACT)
        held = Annotated[int, msgspec.Meta(ge=math.ceil(low), le=math.floor(high))]
    elif field.dtype == "float64" and "range" in refuse and (field.minimum is not None or field.maximum is not None):
        low, high = _within(field, refuse, -sys.float_info.max, sys.float_info.max)
        held = Annotated[float, msgspec.Meta(ge=low, le=high)]
    return held | None if field.optional else held


def _within(field: Field, refuse: Sequence[str], low: float, high: float) -> tuple[float, float]:
    if "range" in refuse:
        low = low if field.minimum is None else max(low, field.minimum)
        high = high if field.maximum is None else min(high, field.maximum)
    return low, high


def _record(fields: Sequence[Field], types: Sequence[Any]) -> Any:
    members = [
        (f"f{place}", kind, None) if field.optional else (f"f{place}", kind)
        for place, (field, kind) in enumerate(zip(fields, types, strict=True))
    ]
    rename = {f"f{place}": field.name for place, field in enumerate(fields)}
    return msgspec.defstruct("Record", members, rename=rename, forbid_unknown_fields=True, kw_only=True, gc=False)


def _column(field: Field, values: Sequence[Any]) -> Column:
    if field.dtype == "string":
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return np.array(values, dtype=field.storage)  # None becomes NaN
