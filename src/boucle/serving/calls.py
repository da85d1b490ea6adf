"""What a request to a model means and how it is answered: the same for the quick way and its ASGI twin."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

from boucle.core.errors import RequestError
from boucle.measures.pictures import MEDIA
from boucle.serving.batcher import Job
from boucle.serving.codec import malformed
from boucle.serving.desk import Question, answer
from boucle.serving.engine import Snapshot
from boucle.serving.http import Response
from boucle.serving.messages import Answer, Encoded, Raw, check_id
from boucle.serving.plane import Plane
from boucle.serving.protocols import friendly, mlflow, v1, v2

_PATHS: tuple[tuple[re.Pattern[str], ModuleType], ...] = (
    (re.compile(r"/predict(?:/(?P<model>[^/]+))?/?"), friendly),
    (re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?/infer"), v2),
    (re.compile(r"/v1/models/(?P<model>[^/]+):predict"), v1),
    (re.compile(r"/invocations"), mlflow),
)
_JSON = frozenset((b"", b"application/json", b"text/json", b"text/plain", b"application/x-www-form-urlencoded"))
_CSV = b"text/csv"
_FORMS = {b"text/plain": "text", b"multipart/form-data": "form", b"application/octet-stream": "bytes"}
_FORMS |= {kind.encode(): "image" for kind in MEDIA}
_READ_BY = {
    v2: _JSON | {b"application/octet-stream"},
    friendly: _JSON | {_CSV} | _FORMS.keys(),
    mlflow: _JSON | {_CSV},
    v1: _JSON,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path that asks a model; ``model`` is None where the only one there is meant."""

    protocol: ModuleType
    model: str | None
    version: str | None


@dataclass(slots=True)
class Head:
    """The head of a request to a model: ``headers`` have lower-case names, ``size`` is the bytes of its body, if known.

    What else it says is read once, by ``understood``; the same head may stand before many bodies.
    """

    asked: Endpoint
    headers: Mapping[bytes, bytes]
    size: int = -1
    csv: bool = False
    form: str = ""
    version: int | None = None
    id: str = ""
    key: str = ""
    read: bool = False

    def understood(self) -> None:
        """Read what the headers say; raises RequestError."""
        headers = self.headers
        self.csv, self.form = kind_of(self.asked.protocol, headers.get(b"content-type", b""))
        if b"content-encoding" in headers and headers[b"content-encoding"].lower() != b"identity":
            raise RequestError("Compressed bodies are not read.", hint="send it as it is", code="unsupported")
        self.version = None if self.asked.version is None else number(self.asked.version)
        self.id, self.key = given(headers, b"x-request-id"), given(headers, b"x-routing-key")
        self.read = True


def endpoint(path: str) -> Endpoint | None:
    """Return what a path asks, None for a path that asks no model."""
    for pattern, protocol in _PATHS:
        if found := pattern.fullmatch(path):
            given = found.groupdict()
            return Endpoint(protocol, given.get("model"), given.get("version"))
    return None


def admit(asked: Endpoint, headers: Mapping[bytes, bytes], plane: Plane) -> None:
    """Let a caller ask a model; raises Unauthenticated, Forbidden and RateLimited."""
    guard = plane.access.guard
    if not guard.open:
        served = plane.engine.snapshot.served
        model = asked.model or (next(iter(served)) if len(served) == 1 else "")
        guard.admit(headers.get(b"authorization", b""), headers.get(b"x-api-key", b""), model, time.time())


def question(head: Head, body: bytes, snapshot: Snapshot) -> Question:
    """Return what a request asks; raises RequestError."""
    if not head.read:
        head.understood()
    asked = head.asked
    raw = Raw(body, head.headers, head.csv, None, head.form)
    return Question(asked.model or snapshot.only(), asked.protocol, raw, head.version, head.id, head.key)


def respond(job: Job, protocol: ModuleType) -> Response:
    """Return the response to a job that is done; raises RequestError when it failed."""
    said = answer(job)
    return whole(protocol.encode(job.asked, said), said)


def whole(found: Encoded, said: Answer) -> Response:
    """Return an encoded answer as a response."""
    own = [(b"x-request-id", said.id.encode()), (b"x-model-version", b"%d" % said.version)]
    return Response(200, found.body, found.content_type, [*found.headers, *own])


@lru_cache(256)
def kind_of(protocol: ModuleType, content_type: bytes) -> tuple[bool, str]:
    """Say whether a body is CSV, and what else it is that is no JSON; raises RequestError for one that no codec reads.

    What curl calls a form is taken for the JSON it most likely is.
    """
    kind = content_type.partition(b";")[0].strip().lower()
    if kind not in _READ_BY[protocol] and not kind.endswith(b"+json"):
        shown = kind.decode("latin-1")[:80]
        raise RequestError(f"A body of type {shown} is not read.", hint="send application/json", code="unsupported")
    return kind == _CSV, _FORMS.get(kind, "") if protocol is friendly else ""


def given(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """Return an id or key a caller gave in a header, empty when there is none; raises RequestError."""
    if name not in headers:
        return ""
    return check_id(headers[name].decode("latin-1"), name.decode())


def number(text: str) -> int:
    """Read the number of a version; raises RequestError."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise malformed(f"'{text[:40]}' is not the number of a version.", field="version")
    return int(text)
