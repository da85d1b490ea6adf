"""The messages of the Open Inference Protocol over gRPC, from their published names and numbers.

They are described at run time, for whatever version of protobuf is there, and in a pool of their own: a program that
also holds a client of the same protocol would else have them twice.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
_TENSOR = "string name 1, string datatype 2, repeated int64 shape 3"
_CONTENT = f"{_TENSOR}, map InferParameter parameters 4, InferTensorContents contents 5"
_MESSAGES = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready 1",
    "ModelReadyRequest": "string name 1, string version 2",
    "ModelReadyResponse": "bool ready 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name 1, string version 2, repeated string extensions 3",
    "ModelMetadataRequest": "string name 1, string version 2",
    "ModelMetadataResponse": "string name 1, repeated string versions 2, string platform 3,"
    " repeated ModelMetadataResponse.TensorMetadata inputs 4, repeated ModelMetadataResponse.TensorMetadata outputs 5",
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "InferParameter": "one bool bool_param 1, one int64 int64_param 2, one string string_param 3,"
    " one double double_param 4, one uint64 uint64_param 5",
    "InferTensorContents": "repeated bool bool_contents 1, repeated int32 int_contents 2,"
    " repeated int64 int64_contents 3, repeated uint32 uint_contents 4, repeated uint64 uint64_contents 5,"
    " repeated float fp32_contents 6, repeated double fp64_contents 7, repeated bytes bytes_contents 8",
    "ModelInferRequest": "string model_name 1, string model_version 2, string id 3, map InferParameter parameters 4,"
    " repeated ModelInferRequest.InferInputTensor inputs 5,"
    " repeated ModelInferRequest.InferRequestedOutputTensor outputs 6, repeated bytes raw_input_contents 7",
    "ModelInferRequest.InferInputTensor": _CONTENT,
    "ModelInferRequest.InferRequestedOutputTensor": "string name 1, map InferParameter parameters 2",
    "ModelInferResponse": "string model_name 1, string model_version 2, string id 3, map InferParameter parameters 4,"
    " repeated ModelInferResponse.InferOutputTensor outputs 5, repeated bytes raw_output_contents 6",
    "ModelInferResponse.InferOutputTensor": _CONTENT,
}


def _classes() -> dict[str, Any]:
    """Return the class of every message by its name."""
    file = FileDescriptorProto(name="inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        outer, _, inner = name.rpartition(".")
        place = next((found for found in file.message_type if found.name == outer), file)
        made = place.message_type.add() if place is file else place.nested_type.add()
        made.name = inner
        for field in filter(None, fields.split(",")):
            _add(made, name, field.split())
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _MESSAGES}


def _add(message: DescriptorProto, owner: str, words: list[str]) -> None:
    """Add a field told as in a .proto file: perhaps ``repeated``, ``map`` or ``one`` (of them), type, name, number."""
    *how, kind, name, number = words
    field = message.field.add(name=name, number=int(number), label=FieldDescriptorProto.LABEL_OPTIONAL)
    if how == ["map"]:
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        _add(entry, "", ["string", "key", "1"])
        _add(entry, "", [kind, "value", "2"])
        kind = f"{owner}.{entry.name}"
    elif how == ["one"]:
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    if how in (["repeated"], ["map"]):
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if kind[0].islower():
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type_name = f".{PACKAGE}.{kind}"


CLASSES = _classes()
