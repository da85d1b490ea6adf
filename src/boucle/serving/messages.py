"""What passes between the parts of the data plane: raw request, table asked about, answer, encoded answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from boucle.core.errors import RequestError
from boucle.core.observation import Role
from boucle.core.signature import Batch, Label
from boucle.serving.columns import plain

JSON = b"application/json"
_SANE = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(slots=True)
class Raw:
    """A request's body and the headers a codec may look at (lower-case names)."""

    body: bytes
    headers: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def csv(self) -> bool:
        return self.headers.get(b"content-type", b"").lower().startswith(b"text/csv")


@dataclass(slots=True)
class Asked:
    """The table of a request. ``id`` is what the body calls the request, ``wants`` what it says about the answer."""

    batch: Batch
    id: str = ""
    wants: Any = None

    @property
    def rows(self) -> int:
        return len(next(iter(self.batch.values())))


@dataclass(slots=True)
class Answer:
    """What a version said. ``version`` 0 is the declared fallback; ``outputs`` are its typed columns."""

    id: str
    model: str
    version: int
    role: Role
    outputs: Batch
    labels: tuple[Label, ...] | None = None

    @property
    def predictions(self) -> list[Any]:
        return plain(next(iter(self.outputs.values())))

    @property
    def probabilities(self) -> list[Any] | None:
        found = self.outputs.get("probabilities")
        return None if found is None else plain(found)


@dataclass(slots=True)
class Encoded:
    """An answer as bytes; ``headers`` beside the usual ones."""

    body: bytes
    content_type: bytes = JSON
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def to_json(data: Any) -> Encoded:
    return Encoded(orjson.dumps(data))


def check_id(text: str, what: str = "x-request-id") -> str:
    """Return an id or key a caller gave, if it is 1 to 128 visible ASCII characters; raises RequestError."""
    if not _SANE.fullmatch(text):
        raise RequestError(f"{what} is not 1 to 128 visible ASCII characters.", code="bad_id", field=what)
    return text
