"""Observed rows as Arrow tables, and tables of different versions brought together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from boucle.core.observation import Feedback
from boucle.core.observed import ObservedRows, Values

_TIME = pa.timestamp("us", "UTC")
_LATEST = 253402300799.0  # the last second of the year 9999
_FEEDBACK = pa.schema(
    [
        ("id", pa.string()), ("time", _TIME), ("row", pa.int32()), ("truth", pa.string()),
        ("event", pa.string()), ("value", pa.float64()),
    ]
)  # fmt: skip
_json = msgspec.json.Encoder().encode


def observed(rows: ObservedRows) -> pa.Table:
    """Return one table row a row: id, time, version, role, row, rows, key, latency, error, in_…, out_…."""
    counts = rows.counts
    single = bool((counts == 1).all())
    place = pa.array(np.repeat(np.arange(len(counts)), counts))

    def spread(values: pa.Array) -> pa.Array:
        return values if single else values.take(place)

    starts = np.cumsum(counts) - counts
    kept = {
        "id": spread(pa.array(rows.ids, pa.string())),
        "time": spread(_times(rows.times)),
        "version": pa.repeat(pa.scalar(rows.version, pa.int32()), int(counts.sum())),
        "role": spread(pa.array(rows.roles, pa.string())),
        "row": pa.array(np.arange(counts.sum()) - np.repeat(starts, counts), pa.int32()),
        "rows": spread(pa.array(rows.rows, pa.int32())),
        "key": spread(pa.array(rows.keys, pa.string())),
        "latency": spread(pa.array(rows.latencies, pa.float64())),
        "error": spread(pa.array(rows.errors, pa.string())),
    }
    kept |= {f"in_{name}": _column(values) for name, values in rows.inputs.items()}
    kept |= {f"out_{name}": _column(values) for name, values in rows.outputs.items()}
    return pa.table(kept)


def feedback(entries: Iterable[Feedback]) -> pa.Table:
    """Return one table row a truth (as JSON) or event."""
    found: list[tuple[str, float, int | None, str | None, str, float | None]] = []
    for entry in entries:
        truths = entry.truth or ()
        found += [(entry.id, entry.time, row, _text(truth), "", None) for row, truth in enumerate(truths)]
        if entry.event:
            found.append((entry.id, entry.time, None, None, entry.event, entry.value))
    if not found:
        return _FEEDBACK.empty_table()
    told: list[Any] = list(zip(*found, strict=True))
    told[1] = _times(told[1])
    return pa.table(told, schema=_FEEDBACK)


def by_day(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Part a table by the UTC day of its times."""
    days = pc.strftime(table["time"], "%Y-%m-%d")
    found = pc.unique(days).to_pylist()
    for day in sorted(found):
        yield day, table if len(found) == 1 else table.filter(pc.equal(days, day))


def day_of(time: pa.Scalar) -> str:
    return str(pc.strftime(time, "%Y-%m-%d").as_py())


def moment(time: float) -> pa.Scalar:
    """Return a Unix time in seconds as a timestamp, within the years there are."""
    return _times([time])[0]


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables one behind the other; a column of different types gets the wider one, or is JSON text."""
    schema = unified([table.schema for table in tables])
    return pa.concat_tables([fitted(table, schema) for table in tables])


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring a table into a schema that ``unified`` made; a column it does not have is missing."""
    return pa.table([_as(table, field) for field in schema], schema=schema)


def narrowed(schema: pa.Schema, names: Sequence[str] | None) -> pa.Schema:
    """Return the columns named, in that order, all of them without names; one nobody has is missing throughout."""
    if names is None:
        return schema
    return pa.schema([schema.field(name) if name in schema.names else pa.field(name, pa.null()) for name in names])


def unified(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the schema that takes the rows of all of them."""
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema.remove_metadata():
            fields[field.name] = _wider(fields.get(field.name, field), field)
    return pa.schema(fields.values())


def _wider(one: pa.Field, other: pa.Field) -> pa.Field:
    try:
        parts = [pa.schema([one]), pa.schema([other])]
        return pa.unify_schemas(parts, promote_options="permissive").field(0)
    except pa.ArrowException:
        return pa.field(one.name, pa.string())


def _as(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), field.type)])
    column = table[field.name]
    if field.type == pa.string() and column.type not in (pa.string(), pa.null()):
        return pa.chunked_array([_texts(column.to_pylist())])
    return column.cast(field.type, safe=False)  # whole numbers beyond 2**53 beside floats are rounded


def _column(values: Values) -> pa.Array:
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, mask=np.ma.getmaskarray(values))
    if isinstance(values, np.ndarray):
        return pa.array(np.ascontiguousarray(values), from_pandas=True)
    if any(map(_structured, values)):
        return _texts(values)
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return _texts(values)


def _structured(value: Any) -> bool:
    """Say whether a value is a record, or a list of them (an image, marked pieces of a text): it is kept as JSON."""
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _texts(values: Sequence[Any]) -> pa.Array:
    """Return values of any kind as texts: a text as it is, anything else as JSON."""
    return pa.array([value if isinstance(value, str) else _text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    return None if value is None else _json(value).decode()


def _times(times: Sequence[float]) -> pa.Array:
    held = [0.0 if math.isnan(t) else min(max(t, 0.0), _LATEST) for t in times]
    return pa.array((np.array(held) * 1e6).round().astype(np.int64), pa.int64()).cast(pa.timestamp("us")).cast(_TIME)
