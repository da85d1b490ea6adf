"""The Open Inference Protocol, version 2: tensors as JSON, or behind the JSON as bytes (the binary extension).

One named input per column, of shape (rows,) or (rows, 1); or one numeric tensor (rows, columns) with all of them.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from boucle.core.errors import NotFound
from boucle.core.signature import Batch, Column, Field, Rows, Signature
from boucle.serving.codec import TableReader, malformed, parse
from boucle.serving.columns import plain
from boucle.serving.messages import Answer, Asked, Encoded, Raw, to_json
from boucle.serving.typed import Typed, matrix

BASE64 = "base64"
HEADER = b"inference-header-content-length"
DATATYPES: dict[str, str] = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "BYTES": "",
}  # fmt: skip
_OF_FIELD = {"float64": "FP64", "int64": "INT64", "bool": "BOOL"}


class _Size(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    binary_data_size: int


class _Tensor(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    shape: list[int]
    datatype: str
    parameters: _Size | None = None
    data: list[float] | None = None


class _Form(msgspec.Struct, gc=False):
    binary_data_output: bool = False
    binary_data: bool | None = None


class _Output(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    parameters: _Form | None = None


class _Request(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    inputs: list[_Tensor]
    id: str = ""
    outputs: list[_Output] | None = None
    parameters: _Form | None = None


_request = msgspec.json.Decoder(_Request).decode
_FLOATS: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "FP64": np.dtype("<f8")}
_WEIGHTS = np.full(16_384, 2.0**-300)


def quick(typed: Typed) -> Callable[[Raw], Asked | None]:
    """Return what reads numbers, as one tensor (rows, columns) or one input per column, when all is right."""
    if not typed.floats:
        return lambda raw: None
    width, fields, most = len(typed.names), typed.fields, typed.max_rows
    places, known = {name: place for place, name in enumerate(typed.names)}, typed.outputs

    def read(raw: Raw) -> Asked | None:
        """Decode; None where the exact reader has to look."""
        body, length = raw.body, raw.headers.get(HEADER)
        try:
            cut = len(body) if length is None else int(length)
            found = _request(body if length is None else body[:cut])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        tensors = found.inputs
        if len(tensors) != 1 or tensors[0].name in places:
            table = _side_by_side(tensors, places) if cut == len(body) else None
        else:
            shape = tensors[0].shape
            right = len(shape) == 2 and shape[1] == width and shape[0] > 0
            table = _floats(tensors[0], shape[0], width, body, cut) if right else None
        if table is None or not 0 < len(table) <= most:
            return None
        wants = _named(found, known) if found.outputs or found.parameters is not None else {}
        return None if wants is None else Asked(Rows(fields, table), id=found.id, wants=wants)

    return read


def _named(found: _Request, known: Sequence[str]) -> dict[str, bool] | None:
    """Return the outputs asked for, each with whether it is sent as bytes; None when one of them is not known."""
    binary = found.parameters is not None and found.parameters.binary_data_output
    if not found.outputs:
        return dict.fromkeys(known, True) if binary else {}
    wants = {}
    for one in found.outputs:
        if one.name not in known:
            return None
        form = None if one.parameters is None else one.parameters.binary_data
        wants[one.name] = binary if form is None else form
    return wants


def _floats(tensor: _Tensor, rows: int, width: int, body: bytes, cut: int) -> NDArray[np.float64] | None:
    """Return the values of the only tensor of a request; None when anything about it is unusual."""
    size = rows * width
    if tensor.data is not None:
        right = tensor.parameters is None and cut == len(body) and len(tensor.data) == size
        return matrix([tuple(tensor.data)], size).reshape(rows, width) if right and tensor.datatype in _FLOATS else None
    dtype = _FLOATS.get(tensor.datatype)
    if dtype is None or tensor.parameters is None:
        return None
    if not tensor.parameters.binary_data_size == len(body) - cut == size * dtype.itemsize:
        return None
    values = np.frombuffer(body, dtype, size, cut).astype(np.float64)
    # Finite only if every value is: squares of float32 do not overflow, and the weights are small enough for the rest.
    by = values if dtype.itemsize == 4 else _WEIGHTS[:size] if size <= len(_WEIGHTS) else np.full(size, _WEIGHTS[0])
    return values.reshape(rows, width) if math.isfinite(values.dot(by)) else None


def _side_by_side(tensors: Sequence[_Tensor], places: dict[str, int]) -> NDArray[np.float64] | None:
    """Return one input per column as a matrix; None when anything about them is unusual."""
    rows = tensors[0].shape[0] if tensors and tensors[0].shape else 0
    columns: list[Any] = [None] * len(places)
    for tensor in tensors:
        place = places.get(tensor.name)
        single = tensor.shape in ([rows], [rows, 1]) and tensor.datatype in _FLOATS
        if place is None or not single or tensor.data is None or len(tensor.data) != rows:
            return None
        columns[place] = tensor.data
    if len(tensors) != len(places) or None in columns:
        return None
    return np.array(columns, dtype=np.float64).T


def decode(raw: Raw, reader: TableReader) -> Asked:
    data, tail = _parts(raw)
    inputs = data.get("inputs")
    if type(inputs) is not list or not inputs or not all(type(one) is dict for one in inputs):
        raise malformed('"inputs" is not a list of tensors with name, shape, datatype and data.')
    tensors = list(_tensors(inputs, tail))
    return Asked(batch(tensors, reader), id=_id(data), wants=wanted(data, reader.signature))


def encode(asked: Asked, answer: Answer) -> Encoded:
    """Write the outputs asked for (all by default), those asked for as bytes behind the JSON."""
    typed = answer.outputs()
    wanted: dict[str, bool] = asked.wants or dict.fromkeys(typed, False)
    outputs, chunks = [], []
    for name, binary in wanted.items():
        if name not in typed:
            continue
        column = typed[name]
        tensor: dict[str, Any] = {"name": name, "datatype": kind_of(column), "shape": list(column.shape)}
        if binary:
            chunks.append(packed(column))
            tensor["parameters"] = {"binary_data_size": len(chunks[-1])}
        else:
            tensor["data"] = _written(column)
        outputs.append(tensor)
    head = {"model_name": answer.model, "model_version": str(answer.version), "id": asked.id or answer.id}
    body = to_json({**head, "outputs": outputs})
    if not chunks:
        return body
    extra = [(HEADER, str(len(body.body)).encode())]
    return Encoded(b"".join([body.body, *chunks]), b"application/octet-stream", extra)


def datatype(field: Field) -> str:
    """Return the protocol's name for a field's type; an optional whole number or truth value may be NaN."""
    return "FP64" if field.storage == np.float64 else _OF_FIELD.get(field.dtype, "BYTES")


def _parts(raw: Raw) -> tuple[dict[str, Any], memoryview]:
    length = raw.headers.get(HEADER)
    cut = len(raw.body)
    if length is not None:
        if not length.isdigit() or int(length[:12]) > cut:
            raise malformed("Inference-Header-Content-Length is not a length within the body.")
        cut = int(length)
    data = parse(raw.body[:cut], lenient=True)
    if type(data) is not dict:
        raise malformed("The body is not an object.")
    return data, memoryview(raw.body)[cut:]


def _id(data: dict[str, Any]) -> str:
    found = data.get("id")
    if found is None:  # some clients write what they leave out as null
        return ""
    if type(found) is not str:
        raise malformed('"id" is not a text.')
    return found


def _parameters(data: dict[str, Any]) -> dict[str, Any]:
    found = data.get("parameters")
    if found is None:
        return {}
    if type(found) is not dict or not all(type(value) in (str, int, float, bool) for value in found.values()):
        raise malformed('"parameters" is not an object of texts, numbers and truth values.')
    return found


def _tensors(inputs: Sequence[dict[str, Any]], tail: memoryview) -> Iterator[tuple[str, list[int], Any]]:
    """Yield (name, shape, flat values): an array for numbers sent as bytes, a list else."""
    used = 0
    for one in inputs:
        name, kind, shape = checked(one.get("name"), one.get("datatype"), one.get("shape"))
        told = _parameters(one)
        size = told.get("binary_data_size")
        if size is None:
            values = _flattened(one.get("data"), name)
        elif type(size) is int and 0 <= size <= len(tail) - used:
            values = unpacked(tail[used : used + size], kind, name)
            used += size
        else:
            raise malformed(f"The bytes of input '{name}' are not all there.", field=name)
        check_size(name, shape, len(values))
        yield name, shape, unbased(values, name) if kind == "BYTES" and told.get("content_type") == BASE64 else values
    if used != len(tail):
        raise malformed(f"{len(tail) - used} bytes at the end belong to no input.")


def checked(name: Any, kind: Any, shape: Any) -> tuple[str, str, list[int]]:
    """Return what a tensor says of itself: name, datatype and shape; raises RequestError."""
    if type(name) is not str or type(kind) is not str or kind not in DATATYPES:
        raise malformed(f"An input needs a name and a datatype, one of {', '.join(DATATYPES)}.")
    if type(shape) is not list or not shape or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise malformed(f"The shape of input '{name}' is not a list of sizes.", field=name)
    return name, kind, shape


def check_size(name: str, shape: Sequence[int], count: int) -> None:
    """Refuse a tensor with more or less values than its shape says; raises RequestError."""
    if count != math.prod(shape):
        raise malformed(f"Input '{name}' has {count} values, its shape {shape} says {math.prod(shape)}.", field=name)


def _flattened(data: Any, name: str) -> list[Any]:
    if type(data) is not list:
        raise malformed(f"The data of input '{name}' is not a list.", field=name)
    while data and all(type(value) is list for value in data):
        data = [value for part in data for value in part]
    return list(data)


def unpacked(raw: memoryview, kind: str, name: str) -> Any:
    """Return the values behind the bytes of a tensor; raises RequestError."""
    if kind == "BYTES":
        return _pieces(raw, name)
    dtype = np.dtype(DATATYPES[kind])
    if len(raw) % dtype.itemsize:
        raise malformed(f"The bytes of input '{name}' are no whole number of {kind}.", field=name)
    return np.frombuffer(raw, dtype=dtype)


def _pieces(raw: memoryview, name: str) -> list[bytes]:
    """Read texts or files, each behind its length as four bytes."""
    found: list[bytes] = []
    place = 0
    while place < len(raw):
        end = place + 4 + (struct.unpack_from("<I", raw, place)[0] if place + 4 <= len(raw) else len(raw))
        if end > len(raw):
            raise malformed(f"A text of input '{name}' is cut short.", field=name)
        found.append(bytes(raw[place + 4 : end]))
        place = end
    return found


def unbased(values: Sequence[Any], name: str) -> list[bytes]:
    """Return the bytes behind texts in base64, as MLServer's ``content_type`` says; raises RequestError."""
    try:
        return [base64.b64decode(value, validate=True) for value in values]
    except (binascii.Error, ValueError, TypeError):
        raise malformed(f"A value of input '{name}' is no base64, as its content_type says.", field=name) from None


def batch(tensors: list[tuple[str, list[int], Any]], reader: TableReader) -> Batch:
    """Return tensors (name, shape, flat values) as a table; raises RequestError."""
    names = reader.signature.names
    name, shape, values = tensors[0]
    if len(tensors) == 1 and len(shape) == 2 and name not in names:
        if shape[1] != len(names):
            raise malformed(f"Input '{name}' has {shape[1]} columns, the model takes {len(names)}.", field=name)
        if isinstance(values, np.ndarray):
            return reader.tensor(values.reshape(shape))
        width = len(names)
        listed = [_value(reader.signature.inputs[place % width], value) for place, value in enumerate(values)]
        return reader.rows([listed[start : start + width] for start in range(0, len(values), width)])
    for name, shape, _ in tensors:
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise malformed(f"Input '{name}' has shape {shape}; one column has (rows,) or (rows, 1).", field=name)
    if len({name for name, _, _ in tensors}) != len(tensors):
        raise malformed("An input stands twice.")
    known = {field.name: field for field in reader.signature.inputs}
    return reader.columns({name: _listed(values, known.get(name)) for name, _, values in tensors})


def _listed(values: Any, field: Field | None) -> list[Any]:
    if isinstance(values, np.ndarray):
        numbers: list[Any] = values.tolist()
        return numbers
    return values if field is None else [_value(field, value) for value in values]


def _value(field: Field, value: Any) -> Any:
    """Return bytes as text, but for a field that may take files."""
    if type(value) is not bytes or field.dtype in ("text", "image"):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise malformed(f"A text of input '{field.name}' is not UTF-8.", field=field.name) from None


def wanted(data: dict[str, Any], signature: Signature) -> dict[str, bool]:
    """Return the outputs asked for, each with whether it is sent as bytes."""
    known = [field.name for field in signature.outputs]
    binary = _parameters(data).get("binary_data_output") is True
    asked = data.get("outputs")
    if asked is None or asked == []:
        return dict.fromkeys(known, True) if binary else {}
    if type(asked) is not list or not all(type(one) is dict and type(one.get("name")) is str for one in asked):
        raise malformed('"outputs" is not a list of names.')
    for one in asked:
        if one["name"] not in known:
            raise NotFound.of("output", one["name"], known, listing="GET /v2/models/NAME")
    return {one["name"]: _parameters(one).get("binary_data", binary) is True for one in asked}


def kind_of(column: Column) -> str:
    """Return the protocol's name for what a column holds."""
    return {"f": "FP64", "i": "INT64", "b": "BOOL"}.get(column.dtype.kind, "BYTES")


def packed(column: Column) -> bytes:
    """Return a column as the bytes of a tensor; texts each behind their length."""
    if column.dtype.kind in "fib":
        return np.ascontiguousarray(column).tobytes()
    return b"".join(struct.pack("<I", len(text)) + text for text in texts(column))


def _written(column: Column) -> list[Any]:
    """Return a column flat, as JSON; what is no single value is a text of JSON, which is what BYTES hold."""
    values = plain(column.reshape(-1))
    if column.dtype != object:
        return values
    return [orjson.dumps(value).decode() if type(value) in (list, dict) else value for value in values]


def texts(column: Column) -> list[bytes]:
    """Return a column of texts as bytes; what is no text as JSON."""
    return [value.encode() if isinstance(value, str) else orjson.dumps(value) for value in plain(column.reshape(-1))]
