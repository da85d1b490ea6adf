"""Texts and images as requests carry them, to columns: a text as it is, an image as the bytes of its file.

Knows nothing of HTTP. An image is looked at no further than its head: nothing is decoded here, and nothing is fetched.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boucle.core.errors import RequestError
from boucle.core.signature import Column, Field
from boucle.measures.pictures import head
from boucle.serving.columns import Values, fault, shown

BLANKS = " \t\r\n"
VISIBLE = r"^[^\u0000]*[^ \t\r\n\u0000][^\u0000]*$"
"""What a text has to match, as a regular expression: a character that is no blank, and no NUL."""
ENCODED = "^[A-Za-z0-9+/\r\n]*={0,2}$"
_FETCHED = ("http://", "https://", "ftp://", "s3://", "gs://", "file://")


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """The most ``characters`` a text may have, the most ``bytes`` and ``pixels`` an image."""

    characters: int = 100_000
    bytes: int = 8_388_608
    pixels: int = 50_000_000


def to_media(field: Field, values: Values, limits: MediaLimits) -> Column:
    """Return a column of texts (str) or images (bytes), None where one is missing; raises RequestError naming the row.

    Either may come as bytes, as base64 (of an image: also bare, or as a data URI), or as it is.
    """
    read: Callable[[Field, int, Any, MediaLimits], Any] = _text if field.dtype == "text" else _image
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        if value is None:
            if not field.optional:
                raise fault("missing_value", f"{field.name} is missing.", field, row)
        else:
            column[row] = read(field, row, value, limits)
    return column


def decoded(body: bytes, charset: str = "") -> str:
    """Return a body as text by its charset, UTF-8 if none is told; raises RequestError."""
    name = charset.strip('"').lower() or "utf-8"
    known = _CHARSETS.get(name)
    if known is None:
        raise RequestError(f"Text in {name[:40]} is not read.", hint="send it as UTF-8", code="unsupported")
    try:
        return body.decode(known)
    except UnicodeDecodeError as error:
        raise RequestError(
            f"The text is not {name}: byte {error.start} cannot be read.",
            hint="send it as UTF-8, or name its charset in the content-type",
            code="malformed",
        ) from None


def bare(data: Any) -> bool:
    """Say whether JSON data are one value as bytes: ``{"b64": "…"}``."""
    return type(data) is dict and data.keys() == {"b64"}


def _text(field: Field, row: int, value: Any, limits: MediaLimits) -> str:
    if bare(value):
        value = _unpacked(field, row, value["b64"])
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError as error:
            raise fault(
                "not_utf8", f"{field.name} is not UTF-8: byte {error.start} cannot be read.", field, row
            ) from None
    if type(value) is not str:
        raise fault("wrong_type", f"{field.name} takes a text, not {shown(value)}.", field, row, value)
    if len(value) > limits.characters:
        message = f"{field.name} has {len(value)} characters, the limit is {limits.characters}."
        raise fault("too_long", message, field, row, value, hint="cut it, or send its parts in rows of their own")
    if not value.strip(BLANKS):
        raise fault("empty_text", f"{field.name} is empty.", field, row, value)
    if "\0" in value:
        raise fault("binary", f"{field.name} holds binary data: a NUL at character {value.index(chr(0))}.", field, row)
    return _encodable(field, row, value)


def _encodable(field: Field, row: int, value: str) -> str:
    """Refuse half of a surrogate pair: no text, and no file could hold it."""
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError as error:
        message = f"{field.name} holds half a character at place {error.start}."
        raise fault("not_utf8", message, field, row) from None
    return value


def _image(field: Field, row: int, value: Any, limits: MediaLimits) -> bytes:
    raw = value if isinstance(value, bytes) else _unpacked(field, row, value["b64"] if bare(value) else value)
    if len(raw) > limits.bytes:
        message = f"{field.name} has {len(raw)} bytes, the limit is {limits.bytes}."
        raise fault("too_long", message, field, row, hint="send it smaller; the model scales it down anyway")
    try:
        seen = head(raw)
    except ValueError as error:
        raise fault("not_an_image", f"{field.name} {error}.", field, row, _begins(raw)) from None
    if seen.pixels > limits.pixels:
        size = f"{seen.width} x {seen.height}"
        message = f"{field.name} is {size} pixels large, the limit is {limits.pixels} pixels."
        raise fault("too_many_pixels", message, field, row, size, hint="send it smaller")
    return raw


def _unpacked(field: Field, row: int, value: Any) -> bytes:
    """Decode base64; raises RequestError, with a word of its own for addresses."""
    if type(value) is dict and "url" in value:
        value = value["url"]
    if type(value) is not str:
        told = "an image file as base64" if field.dtype == "image" else "a text"
        raise fault("wrong_type", f"{field.name} takes {told}, not {shown(value)}.", field, row, value)
    if value[:8].lower().startswith(_FETCHED):
        raise fault(
            "url_refused", f"{field.name} is an address; this server fetches nothing.", field, row, value,
            hint="send the file itself: as the body, as multipart/form-data, or as base64",
        )  # fmt: skip
    if value.startswith("data:"):
        value = value.partition(",")[2]
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise fault("not_base64", f"{field.name} is no base64.", field, row, value) from None


def _begins(raw: bytes) -> str:
    return f"{len(raw)} bytes that begin with {raw[:8].hex(' ')}" if raw else "nothing"


def only(fields: Sequence[Field]) -> Field | None:
    """Return the text or image field of a model that takes nothing else."""
    return fields[0] if len(fields) == 1 and fields[0].dtype in ("text", "image") else None


_CHARSETS = {
    "utf-8": "utf-8-sig", "utf8": "utf-8-sig", "us-ascii": "ascii", "ascii": "ascii", "utf-16": "utf-16",
    "iso-8859-1": "latin-1", "latin-1": "latin-1", "latin1": "latin-1", "iso-8859-15": "iso-8859-15",
    "windows-1252": "windows-1252", "cp1252": "windows-1252",
}  # fmt: skip
