"""JSON schemas of what a model takes and answers, made from its signature: exact enough to make requests from."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from boucle.core.signature import Field, Signature
from boucle.measures.pictures import FORMATS, blank
from boucle.serving.columns import LONGEST_TEXT
from boucle.serving.media import ENCODED, VISIBLE, MediaLimits, only
from boucle.serving.protocols.v2 import DATATYPES

Schema = dict[str, Any]
ID = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]{1,128}$"}
_TYPES = {
    "float64": "number", "int64": "integer", "bool": "boolean", "string": "string", "datetime": "string",
    "text": "string",
}  # fmt: skip
_EXAMPLES: Mapping[str, Any] = {
    "float64": 1.5, "int64": 1, "bool": True, "string": "text", "datetime": "2024-05-01T12:00:00",
    "text": "A film that I would see again.", "image": base64.b64encode(blank(8)).decode(),
}  # fmt: skip
_YEAR = "(?:1[7-9]|2[01])[0-9]{2}"
_31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_30 = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_28 = "02-(?:0[1-9]|1[0-9]|2[0-8])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])?"
TIME = f"^{_YEAR}-(?:{_31}|{_30}|{_28})(?:T{_CLOCK})?$"
"""ISO 8601 as most write it; other forms and 29 February are read as well."""


def row(signature: Signature, refuse: Sequence[str] = (), limits: MediaLimits | None = None) -> Schema:
    """Return the schema of a row as an object."""
    return {
        "type": "object",
        "properties": {field.name: value(field, refuse, limits) for field in signature.inputs},
        "required": [field.name for field in signature.inputs if not field.optional],
        "additionalProperties": False,
    }


def values(signature: Signature, refuse: Sequence[str] = (), limits: MediaLimits | None = None) -> Schema:
    """Return the schema of a row as a list, in the order of the signature."""
    return {
        "type": "array",
        "prefixItems": [value(field, refuse, limits) for field in signature.inputs],
        "items": False,
        "minItems": len(signature.inputs),
        "maxItems": len(signature.inputs),
    }


def several(one: Schema, most: int) -> Schema:
    """Return the schema of a request's rows."""
    return {"type": "array", "items": one, "minItems": 1, "maxItems": most}


def value(field: Field, refuse: Sequence[str] = (), limits: MediaLimits | None = None) -> Schema:
    """Return the schema of one value; what is declared is enforced where ``refuse`` says so, and told else."""
    if field.dtype in ("text", "image"):
        known = limits or MediaLimits()
        one = text(known) if field.dtype == "text" else image(known)
        return {"anyOf": [one, {"type": "null"}]} if field.optional else one
    found: Schema = {"type": [_TYPES[field.dtype], "null"] if field.optional else _TYPES[field.dtype]}
    if field.dtype == "datetime":
        found |= {"pattern": TIME, "description": "a time in ISO 8601; without a zone it is UTC"}
    elif field.dtype == "string":
        found["maxLength"] = LONGEST_TEXT
    elif field.dtype == "int64":
        found |= {"format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1}
    elif field.dtype == "float64":
        found |= {"format": "double", "minimum": -sys.float_info.max, "maximum": sys.float_info.max}
    return found | _declared(field, refuse)


def text(limits: MediaLimits) -> Schema:
    """Return the schema of a text: as it is, or as the base64 of its UTF-8."""
    plain = {"type": "string", "minLength": 1, "maxLength": limits.characters, "pattern": VISIBLE}
    return plain | {"description": "a text with something to read in it"}


def image(limits: MediaLimits) -> Schema:
    """Return the schema of an image in JSON: base64, bare or as ``b64``."""
    longest = 4 * -(-limits.bytes // 3)
    encoded = {"type": "string", "contentEncoding": "base64", "pattern": ENCODED, "minLength": 16, "maxLength": longest}
    told = f"an image file (PNG, JPEG, GIF, WebP, BMP) of at most {limits.bytes} bytes and {limits.pixels} pixels"
    wrapped = {"type": "object", "properties": {"b64": encoded}, "required": ["b64"], "additionalProperties": False}
    return {"anyOf": [encoded, wrapped], "description": told}


def media(signature: Signature, limits: MediaLimits) -> Schema:
    """Return the bodies other than JSON that a model of texts or images reads, by their media types."""
    alone = only(signature.inputs)
    found: Schema = {}
    if any(field.dtype in ("text", "image") for field in signature.inputs):
        found["multipart/form-data"] = {"schema": _form(signature, limits)}
    if alone is not None and alone.dtype == "text":
        found["text/plain"] = {"schema": text(limits)}
    if alone is not None and alone.dtype == "image":
        found |= {kind: {"schema": FILE} for kind in (*(f"image/{name}" for name in FORMATS), OCTETS)}
    return found


def _form(signature: Signature, limits: MediaLimits) -> Schema:
    """Return the schema of a form of one row; parts of one name are rows."""
    properties = {
        field.name: FILE | {"description": "an image file"} if field.dtype == "image" else value(field, (), limits)
        for field in signature.inputs
    }
    required = [field.name for field in signature.inputs if not field.optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _declared(field: Field, refuse: Sequence[str]) -> Schema:
    found: Schema = {}
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    bounds = {name: bound for name, bound in bounds.items() if bound is not None and field.dtype != "datetime"}
    if bounds and "range" in refuse:
        found |= bounds
    elif bounds:
        found["description"] = f"usually from {bounds.get('minimum', '-∞')} to {bounds.get('maximum', '∞')}"
    if field.categories and "category" in refuse:
        found["enum"] = [*field.categories, *([None] if field.optional else [])]
    elif field.categories:
        found["examples"] = list(field.categories[:20])
    return found


def example(signature: Signature) -> dict[str, Any]:
    """Return a row that would be answered."""
    return {field.name: _example(field) for field in signature.inputs}


def _example(field: Field) -> Any:
    if field.categories:
        return field.categories[0]
    if not field.numeric or (field.minimum is None and field.maximum is None):
        return _EXAMPLES[field.dtype]
    low = field.minimum if field.minimum is not None else field.maximum
    high = field.maximum if field.maximum is not None else field.minimum
    assert low is not None
    assert high is not None
    return round((low + high) / 2) if field.dtype == "int64" else (low + high) / 2


def prediction(signature: Signature, fallback: Any = None) -> Schema:
    """Return the schema of one prediction: a number that is none is null; a disabled model says its ``fallback``."""
    if signature.classes is not None:
        found: Schema = {"enum": list(signature.classes)}
    else:
        found = _ANSWERS[signature.kind] if signature.kind in _ANSWERS else output(signature.prediction)
    return found if fallback is None else {"anyOf": [found, {"const": fallback}]}


def answer(signature: Signature, fallback: Any = None) -> Schema:
    """Return the schema of a friendly answer."""
    properties: Schema = {
        "id": ID,
        "model": {"type": "string"},
        "version": {"type": "integer", "minimum": 0, "description": "0 is the declared fallback"},
        "predictions": {"type": "array", "items": prediction(signature, fallback)},
    }
    required = list(properties)
    if signature.classes is not None:
        share = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
        properties["probabilities"] = {"type": "array", "items": {"type": "array", "items": share}}
        properties["labels"] = {"type": "array", "examples": [list(signature.classes)]}
    for field in signature.outputs[1:]:
        if field.name != "probabilities":
            properties[field.name] = {"type": "array", "items": output(field)}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def output(field: Field) -> Schema:
    """Return the schema of one value of an output."""
    if field.dtype == "json":
        return {}
    found: Schema = {"type": [_TYPES.get(field.dtype, "string"), "null"]}
    for size in reversed(field.shape):
        found = {"type": "array", "items": found, "minItems": size, "maxItems": size}
    return found


def predictions(signature: Signature, fallback: Any = None) -> Schema:
    """Return the schema of MLflow's and KServe v1's answers."""
    return {
        "type": "object",
        "properties": {"predictions": {"type": "array", "items": prediction(signature, fallback)}},
        "required": ["predictions"],
        "additionalProperties": False,
    }


FILE: Schema = {"type": "string", "format": "binary"}
OCTETS = "application/octet-stream"
_SPAN: Schema = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "start": {"type": "integer", "minimum": 0, "description": "of the first character"},
        "end": {"type": "integer", "minimum": 0, "description": "behind the last one"},
        "text": {"type": "string"},
        "score": {"type": ["number", "null"]},
    },
    "required": ["label", "start", "end"],
}
_PIXEL: Schema = {"type": "number", "minimum": 0}
_THING: Schema = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "score": {"type": ["number", "null"]},
        "box": {
            "type": "object",
            "description": "in pixels of the picture as it is shown, from its upper left corner",
            "properties": dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), _PIXEL),
            "required": ["xmin", "ymin", "xmax", "ymax"],
        },
    },
    "required": ["label", "box"],
}
_CANDIDATE: Schema = {
    "type": "object",
    "properties": {"token": {"type": "string"}, "score": {"type": ["number", "null"]}, "text": {"type": "string"}},
    "required": ["token", "score"],
}
_ANSWERS: dict[str, Schema] = {
    "boxes": {"type": "array", "items": _THING, "description": "things in the picture, the surest first"},
    "spans": {"type": "array", "items": _SPAN, "description": "pieces of the text, in their order"},
    "candidates": {"type": "array", "items": _CANDIDATE, "description": "the best first"},
}
PARAMETERS = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "boolean"]}}
_DATATYPE = {"type": "string", "enum": list(DATATYPES)}
_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, "minItems": 1}
TENSOR: Schema = {
    "type": "object",
    "description": "Of shape (rows,) or (rows, 1) for one column; or one tensor (rows, columns) of another name.",
    "properties": {
        "name": {"type": "string"},
        "shape": _SHAPE | {"maxItems": 2},
        "datatype": _DATATYPE,
        "parameters": PARAMETERS,
        "data": {"type": "array", "description": "flat or nested; absent where the values follow as bytes"},
    },
    "required": ["name", "shape", "datatype"],
}
_OUTPUT: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "shape": _SHAPE,
        "datatype": _DATATYPE,
        "parameters": PARAMETERS,
        "data": {"type": "array"},
    },
    "required": ["name", "shape", "datatype"],
}
_WANTED: Schema = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "parameters": PARAMETERS},
    "required": ["name"],
}
INFERENCE: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "null"]},
        "parameters": PARAMETERS,
        "inputs": {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}, "minItems": 1},
        "outputs": {"type": ["array", "null"], "items": _WANTED},
    },
    "required": ["inputs"],
}
INFERRED: Schema = {
    "type": "object",
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": {"type": "array", "items": _OUTPUT},
    },
    "required": ["model_name", "model_version", "id", "outputs"],
}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TOLD: Schema = {"type": [*_SCALAR["type"], "array", "object"]}
ENTRY: Schema = {
    "type": "object",
    "properties": {
        "id": ID | {"description": "of the answer this is about"},
        "truth": {
            "description": "what was right: one value, or one per row, null where it is not known yet",
            "anyOf": [
                _SCALAR,
                {"type": "array", "items": {"type": [*_TOLD["type"], "null"]}, "contains": _TOLD, "minItems": 1},
            ],
        },
        "event": {"type": "string", "minLength": 1, "maxLength": 100, "description": "a business event"},
        "value": {"type": ["number", "null"], "description": "of the event"},
        "time": {"type": "number", "minimum": 0, "description": "Unix seconds, not to come"},
    },
    "required": ["id"],
    "oneOf": [
        {"required": ["truth"], "not": {"anyOf": [{"required": ["event"]}, {"required": ["value"]}]}},
        {"required": ["event"], "not": {"required": ["truth"]}},
    ],
    "additionalProperties": False,
}
RECEIVED: Schema = {
    "type": "object",
    "properties": {
        **{name: {"type": "integer", "minimum": 0} for name in ("received", "joined", "pending")},
        "refused": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["received", "joined", "pending", "refused"],
    "additionalProperties": False,
}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "what is wrong, for people"},
        "code": {"type": "string", "description": "what is wrong, for programs"},
        "field": {"type": ["string", "null"]},
        "row": {"type": "integer", "minimum": 0},
        **{name: {"type": "string"} for name in ("hint", "expected", "got")},
    },
    "required": ["error", "code", "field"],
}
READY: Schema = {
    "type": "object",
    "properties": {
        "ready": {"type": "boolean"},
        "name": {"type": "string"},
        "problems": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["ready"],
    "additionalProperties": False,
}
