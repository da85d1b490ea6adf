"""Domain types to JSON and back: frozen dataclasses, strict on the way in."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import Any, TypeVar

import msgspec
import numpy as np

T = TypeVar("T")


def to_data(value: Any) -> Any:
    """Turn a domain object into plain dicts, lists and scalars."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_from_array)


def from_data(data: Any, kind: type[T]) -> T:
    """Build a domain object from plain data; raises ``msgspec.ValidationError`` naming the wrong place."""
    return msgspec.convert(data, kind, strict=True, str_keys=True, dec_hook=_to_array)


def dumps(value: Any) -> bytes:
    """Encode with sorted keys, so that equal objects have equal bytes and equal hashes."""
    return msgspec.json.encode(value, order="sorted", enc_hook=_from_array)


def loads(raw: bytes | str, kind: type[T]) -> T:
    """Decode and check; raises ``msgspec.DecodeError`` or ``msgspec.ValidationError``."""
    return msgspec.json.decode(raw, type=kind, strict=True, dec_hook=_to_array)


_NUMBERS = {"i8": np.dtype("<i8"), "f8": np.dtype("<f8")}


def _from_array(value: Any) -> Any:
    """Write an array of numbers as its kind, shape and compressed bytes."""
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a {type(value).__name__} cannot be written as JSON")
    kind = "f8" if value.dtype.kind == "f" else "i8"
    raw = np.ascontiguousarray(value, dtype=_NUMBERS[kind]).tobytes()
    return {"kind": kind, "shape": list(value.shape), "data": b64encode(zlib.compress(raw, 3)).decode()}


def _to_array(kind: type, value: Any) -> Any:
    if kind is not np.ndarray:
        raise NotImplementedError(f"a {kind.__name__} cannot be read from JSON")
    try:
        shape = [int(size) for size in value["shape"]]
        if any(size < 0 for size in shape):
            raise ValueError("its shape is negative")
        dtype = _NUMBERS[value["kind"]]
        wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        raw = zlib.decompressobj().decompress(b64decode(value["data"], validate=True), wanted + 1)
        return np.frombuffer(raw, dtype=dtype).reshape(shape).copy()
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"this is no array of numbers: {error}") from error
