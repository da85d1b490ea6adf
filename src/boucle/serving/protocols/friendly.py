"""``POST /predict/{model}``: one object, a list of objects, or ``{"inputs": …}``; CSV as well.

A model of texts or of images also takes a bare text, a list of texts, plain text, an image file, and a form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
from msgspec.structs import astuple

from boucle.core.conversations import is_conversation
from boucle.core.errors import RequestError
from boucle.core.signature import Batch
from boucle.serving.codec import TableReader, malformed, parse
from boucle.serving.forms import parts_of
from boucle.serving.media import bare, decoded
from boucle.serving.messages import Answer, Asked, Encoded, Raw, Row
from boucle.serving.typed import Read, Typed, first_inside, nothing, records

_CHARSET = re.compile(rb"charset=([^;]+)", re.IGNORECASE)


def decode(raw: Raw, reader: TableReader) -> Asked:
    if raw.csv:
        return Asked(reader.csv(raw.body))
    if raw.form and (raw.form != "text" or reader.only is not None):  # of tables, JSON may be called plain text
        return Asked(_formed(raw, reader))
    return Asked(table(parse(raw.body), reader))


def _formed(raw: Raw, reader: TableReader) -> Batch:
    """Read a body that is no JSON; raises RequestError where the model takes nothing of the kind."""
    told = raw.headers.get(b"content-type", b"")
    if raw.form == "form" and reader.media:
        return reader.form(parts_of(raw.body, told))
    if reader.only is not None and raw.form == "text" and reader.only.dtype == "text":
        return reader.values([decoded(raw.body, _charset(told))])
    if reader.only is not None and raw.form in ("image", "bytes") and reader.only.dtype == "image":
        return reader.values([raw.body])
    shown = told.partition(b";")[0].decode("latin-1")[:80]
    raise RequestError(f"This model reads no body of type {shown}.", hint="send application/json", code="unsupported")


def _charset(content_type: bytes) -> str:
    found = _CHARSET.search(content_type)
    return found[1].decode("latin-1") if found else ""


def quick(typed: Typed) -> Read:
    """Return what reads one object, a list of objects, or rows under ``inputs``."""
    if not typed.usable:
        return nothing
    rows: Any = list.__class_getitem__(typed.row)
    one = typed.reader(typed.record, lambda found: (astuple(found),))
    many = typed.reader(list.__class_getitem__(typed.record), records)
    bare = typed.reader(rows, lambda found: found)
    shape = msgspec.defstruct("Inputs", [("inputs", rows)], forbid_unknown_fields=True, gc=False)
    inside = typed.reader(shape, lambda found: found.inputs)
    named = "inputs" in typed.names

    def read(body: bytes) -> Sequence[Row] | None:
        if body[:1] == b"{":
            return inside(body) if not named and b'"inputs"' in body[:16] else one(body)
        if body[:1] == b"[":
            return bare(body) if first_inside(body, b"[") == b"[" else many(body)
        return None

    return read


def table(data: Any, reader: TableReader) -> Batch:
    """Read whatever a person would send: records, columns, or rows in the signature's order."""
    if reader.converses and (talks := _conversations(data, reader)):
        return reader.values(talks)
    if reader.only is not None and (type(data) in (str, bytes) or bare(data) or _listed(data)):
        return reader.values(data if type(data) is list else [data])
    if type(data) is dict:
        if data.keys() == {"inputs"} and (
            type(data["inputs"]) in (list, dict) or "inputs" not in reader.signature.names
        ):
            return table(data["inputs"], reader)
        if data and all(type(value) is list for value in data.values()):
            return reader.columns(data)
        return reader.records([data])
    if type(data) is list:
        return reader.rows(data) if data and type(data[0]) is list else reader.records(data)
    raise malformed("The body is neither an object of columns nor a list of such objects.")


def _conversations(data: Any, reader: TableReader) -> list[Any]:
    """Return the conversations that data are: one, several, or one under the name of the only field."""
    assert reader.only is not None
    if type(data) is dict and data.keys() == {reader.only.name}:
        data = data[reader.only.name]
    if is_conversation(data):
        return [data]
    several = type(data) is list and bool(data) and is_conversation(data[0])
    return data if several else []


def _listed(data: Any) -> bool:
    """Say whether data are the values of an only field."""
    return type(data) is list and bool(data) and (type(data[0]) in (str, bytes) or bare(data[0]))


def encode(asked: Asked, answer: Answer) -> Encoded:
    return Encoded(orjson.dumps(summary(answer)))


def summary(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON values."""
    data: dict[str, Any] = {
        "id": answer.id,
        "model": answer.model,
        "version": answer.version,
        "predictions": answer.predictions,
    }
    if answer.probabilities is not None:
        data["probabilities"] = answer.probabilities
        data["labels"] = list(answer.labels or ())
    return {**data, **answer.more} if answer.more else data
