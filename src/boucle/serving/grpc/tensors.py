"""The tensors of the Open Inference Protocol as gRPC messages: typed contents, or raw bytes in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boucle.serving.codec import TableReader, malformed
from boucle.serving.columns import plain
from boucle.serving.grpc.messages import CLASSES
from boucle.serving.messages import Answer, Asked, Encoded, Raw
from boucle.serving.protocols import v2

_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip


def decode(raw: Raw, reader: TableReader) -> Asked:
    request = raw.table
    if not request.inputs:
        raise malformed("The request has no inputs.")
    outputs = {"outputs": [{"name": output.name} for output in request.outputs]}
    batch = v2.batch(list(_tensors(request)), reader)
    return Asked(batch, id=request.id, wants=(v2.wanted(outputs, reader.signature), bool(request.raw_input_contents)))


def encode(asked: Asked, answer: Answer) -> Encoded:
    """Write the outputs asked for (all by default): as raw bytes for a request of raw bytes, else as contents."""
    typed = answer.outputs()
    names, as_bytes = asked.wants
    response = CLASSES["ModelInferResponse"](
        model_name=answer.model, model_version=str(answer.version), id=asked.id or answer.id
    )
    for name in names or typed:
        if name not in typed:
            continue
        column = typed[name]
        kind = v2.kind_of(column)
        output = response.outputs.add(name=name, datatype=kind, shape=column.shape)
        if as_bytes:
            response.raw_output_contents.append(v2.packed(column))
        else:
            values = v2.texts(column) if kind == "BYTES" else plain(column.reshape(-1))
            getattr(output.contents, _CONTENTS[kind]).extend(values)
    return Encoded(response.SerializeToString(), b"application/grpc")


def _tensors(request: Any) -> Iterator[tuple[str, list[int], Any]]:
    """Yield (name, shape, flat values), as the codec of the same protocol over HTTP does."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise malformed(f"There are {len(request.inputs)} inputs and {len(raw)} raw contents.")
    for place, tensor in enumerate(request.inputs):
        name, kind, shape = v2.checked(tensor.name, tensor.datatype, list(tensor.shape))
        values = v2.unpacked(memoryview(raw[place]), kind, name) if raw else _contents(tensor)
        v2.check_size(name, shape, len(values))
        based = kind == "BYTES" and tensor.parameters["content_type"].string_param == v2.BASE64
        yield name, shape, v2.unbased(values, name) if based else values


def _contents(tensor: Any) -> Any:
    if tensor.datatype not in _CONTENTS:
        raise malformed(f"Values of {tensor.datatype} are sent as raw_input_contents.", field=tensor.name)
    return list(getattr(tensor.contents, _CONTENTS[tensor.datatype]))
