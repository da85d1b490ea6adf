"""What passes between the parts of the data plane: raw request, table asked about, answer, encoded answer.

Most are structs: there is one of each to a request, and these are made without a call into Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from boucle.core.errors import RequestError
from boucle.core.observation import Role
from boucle.core.signature import Batch, Label

Row = tuple[Any, ...]
JSON = b"application/json"
_SANE = re.compile(r"[\x21-\x7e]{1,128}")


class Raw(msgspec.Struct, eq=False, gc=False):
    """A request's body, the headers a codec may look at (lower-case names), and whether the body is CSV.

    ``table`` is there instead of a body where Python asks. ``form`` is what else the body is, if it is no JSON: text,
    image, form (multipart) or bytes.
    """

    body: bytes
    headers: Mapping[bytes, bytes] = {}
    csv: bool = False
    table: Any = None
    form: str = ""


class Asked:
    """The table of a request: decoded ``lists`` of right values, a row each, or a typed ``batch``.

    ``id`` is what the body calls the request, ``wants`` what it says about the answer.
    """

    __slots__ = ("batch", "id", "lists", "rows", "wants")

    def __init__(
        self, batch: Batch | None = None, lists: Sequence[Row] | None = None, id: str = "", wants: Any = None
    ) -> None:
        self.batch = batch
        self.lists = lists
        self.id = id
        self.wants = wants
        if lists is not None:
            self.rows = len(lists)
        else:
            assert batch is not None
            matrix = getattr(batch, "matrix", None)  # an abstract base class makes isinstance dear
            self.rows = len(next(iter(batch.values()), ())) if matrix is None else len(matrix)


class Answer(msgspec.Struct, eq=False):
    """What a version said. ``version`` 0 is the declared fallback; ``outputs`` are its typed columns.

    ``predictions`` and ``probabilities`` are the same as JSON values, ``more`` are other outputs by their names.
    """

    id: str
    model: str
    version: int
    role: Role
    outputs: Callable[[], Batch]
    predictions: list[Any]
    probabilities: list[Any] | None = None
    labels: tuple[Label, ...] | None = None
    more: Mapping[str, list[Any]] = {}


class Encoded(msgspec.Struct, eq=False, gc=False):
    """An answer as bytes; ``headers`` beside the usual ones."""

    body: bytes
    content_type: bytes = JSON
    headers: list[tuple[bytes, bytes]] = []


def to_json(data: Any) -> Encoded:
    return Encoded(orjson.dumps(data))


def check_id(text: str, what: str = "x-request-id") -> str:
    """Return an id or key a caller gave, if it is 1 to 128 visible ASCII characters; raises RequestError."""
    if not _SANE.fullmatch(text):
        raise RequestError(f"{what} is not 1 to 128 visible ASCII characters.", code="bad_id", field=what)
    return text
