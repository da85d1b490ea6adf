"""``POST /invocations``: MLflow's scoring protocol, which SageMaker containers speak too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from boucle.core.signature import Batch
from boucle.serving.codec import TableReader, malformed, parse
from boucle.serving.media import bare
from boucle.serving.messages import Answer, Asked, Encoded, Raw, Row, to_json
from boucle.serving.typed import Read, Typed, first_inside, nothing, records

_SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")


def decode(raw: Raw, reader: TableReader) -> Asked:
    if raw.csv:
        return Asked(reader.csv(raw.body))
    data = parse(raw.body, lenient=True)
    found = [shape for shape in _SHAPES if shape in data] if type(data) is dict else []
    if len(found) != 1:
        raise malformed(f"The body is not an object with exactly one of {', '.join(_SHAPES)}.")
    return Asked(_READ[found[0]](data[found[0]], reader))


def quick(typed: Typed) -> Read:
    """Return what reads a frame in the signature's order, records, and rows of values."""
    if not typed.usable:
        return nothing
    rows: Any = list.__class_getitem__(typed.row)
    objects: Any = list.__class_getitem__(typed.record)
    names = typed.names
    split = msgspec.defstruct("Split", [("columns", list[str]), ("data", rows)], forbid_unknown_fields=True, gc=False)
    readers = {
        b"dataframe_split": typed.reader(
            _wrapped("dataframe_split", split),
            lambda found: found.dataframe_split.data if found.dataframe_split.columns == names else (),
        ),
        b"dataframe_records": typed.reader(
            _wrapped("dataframe_records", objects), lambda found: records(found.dataframe_records)
        ),
    }
    listed = {key: listing(typed, key) for key in ("inputs", "instances")}

    def read(body: bytes) -> Sequence[Row] | None:
        key = body[: body.find(b":")].strip(b'{" \r\n\t')
        reader = readers.get(key) or listed.get(key.decode("latin-1"))
        return None if reader is None else reader(body)

    return read


def listing(typed: Typed, key: str) -> Read:
    """Return what reads rows of values, or objects, under ``key``."""
    if not typed.usable:
        return nothing
    rows = typed.reader(_wrapped(key, list.__class_getitem__(typed.row)), lambda found: getattr(found, key))
    objects = typed.reader(
        _wrapped(key, list.__class_getitem__(typed.record)), lambda found: records(getattr(found, key))
    )
    return lambda body: (objects if first_inside(body, b"[") == b"{" else rows)(body)


def _wrapped(key: str, shape: Any) -> Any:
    return msgspec.defstruct("Body", [(key, shape)], forbid_unknown_fields=True, gc=False)


def encode(asked: Asked, answer: Answer) -> Encoded:
    return to_json({"predictions": answer.predictions})


def instances(data: Any, reader: TableReader) -> Batch:
    """Read a list of objects, of rows or (for a model of one column) of values; or an object of columns."""
    if type(data) is dict:
        columns = {name: values if type(values) is list else [values] for name, values in data.items()}
        return reader.columns({name: _flat(values) for name, values in columns.items()})
    if type(data) is not list:
        raise malformed("A list of rows or an object of columns is expected.")
    if data and type(data[0]) is dict and not (reader.only is not None and bare(data[0])):
        return reader.records(data)
    if data and type(data[0]) is not list and len(reader.signature.names) == 1:
        return reader.columns({reader.signature.names[0]: data})
    return reader.rows(data)


def _flat(values: list[Any]) -> list[Any]:
    """Take shape (rows, 1), in which MLflow writes columns as tensors, as (rows,)."""
    single = all(type(value) is list and len(value) == 1 for value in values)
    return [value[0] for value in values] if single else values


def _split(data: Any, reader: TableReader) -> Batch:
    if type(data) is not dict or type(data.get("data")) is not list:
        raise malformed('"dataframe_split" is not an object with "columns" and "data".')
    if type(data.get("columns")) is not list:
        raise malformed('"columns" is not a list of names.')
    return reader.rows(data["data"], data["columns"])


def _records(data: Any, reader: TableReader) -> Batch:
    if type(data) is not list:
        raise malformed('"dataframe_records" is not a list of objects.')
    return reader.records(data)


_READ = {"dataframe_split": _split, "dataframe_records": _records, "instances": instances, "inputs": instances}
