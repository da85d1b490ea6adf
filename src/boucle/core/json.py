"""Domain types to JSON and back: frozen dataclasses, strict on the way in."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_data(value: Any) -> Any:
    """Turn a domain object into plain dicts, lists and scalars."""
    return msgspec.to_builtins(value, str_keys=True)


def from_data(data: Any, kind: type[T]) -> T:
    """Build a domain object from plain data; raises ``msgspec.ValidationError`` naming the wrong place."""
    return msgspec.convert(data, kind, strict=True, str_keys=True)


def dumps(value: Any) -> bytes:
    """Encode with sorted keys, so that equal objects have equal bytes and equal hashes."""
    return msgspec.json.encode(value, order="sorted")


def loads(raw: bytes | str, kind: type[T]) -> T:
    """Decode and check; raises ``msgspec.DecodeError`` or ``msgspec.ValidationError``."""
    return msgspec.json.decode(raw, type=kind, strict=True)
