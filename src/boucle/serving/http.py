"""HTTP as the data plane needs it: one request read whole, one response sent whole, errors as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from boucle.core.errors import (
    BoucleError,
    Forbidden,
    NotFound,
    Overloaded,
    RateLimited,
    RequestError,
    Unauthenticated,
)
from boucle.serving.messages import JSON

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
RETRY_AFTER = 1
_STATUS = {
    "malformed": 400, "empty": 400, "bad_id": 400, "no_model": 400, "not_allowed": 405, "too_large": 413,
    "too_many_rows": 413, "unsupported": 415, "too_slow": 408, "head_too_long": 431,
    "model_error": 500, "not_ready": 503, "not_kept": 503,
}  # fmt: skip
_KINDS: dict[type[BoucleError], int] = {Overloaded: 503, RateLimited: 429, Unauthenticated: 401, Forbidden: 403}
_TOLD = ("row", "expected", "got")


@dataclass(slots=True)
class Request:
    """One request; ``path`` is the one below the place the application is mounted at."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes = b""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: Headers = field(default_factory=list)


def answered(data: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(data))


def failed(error: BoucleError) -> Response:
    """Say what went wrong: ``error``, ``code``, ``field``, and what else is known of it."""
    code = code_of(error)
    status = status_of(error)
    data: dict[str, Any] = {"error": error.message, "code": code, "field": error.facts.get("field")}
    if error.hint:
        data["hint"] = error.hint
    data |= {name: error.facts[name] for name in _TOLD if error.facts.get(name) is not None}
    response = answered(data, status)
    if status in (429, 503):
        response.headers.append((b"retry-after", str(error.facts.get("retry_after", RETRY_AFTER)).encode()))
    if status == 401:
        response.headers.append((b"www-authenticate", str(error.facts.get("challenge", "Bearer")).encode()))
    if status == 405:
        response.headers.append((b"allow", str(error.facts.get("allow", "")).encode()))
    return response


def code_of(error: BoucleError) -> str:
    """Return the stable code of an error."""
    return str(error.facts.get("code", error.code))


def status_of(error: BoucleError) -> int:
    """Return the HTTP status: 4xx is the caller's to mend, 422 where the body was read and breaks the contract."""
    code = code_of(error)
    for kind, status in _KINDS.items():
        if isinstance(error, kind):
            return status
    if code in _STATUS:
        return _STATUS[code]
    if isinstance(error, NotFound):
        return 404
    return 422 if isinstance(error, RequestError) else 500


def opened(scope: Scope) -> Request:
    """Return the request of a scope, its body still to be read."""
    path, root = scope["path"], scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :] or "/"
    return Request(scope["method"], path, {name.lower(): value for name, value in scope["headers"]})


async def read_body(request: Request, receive: Receive, limit: int) -> None:
    """Read the body, no more than ``limit`` bytes of it; raises RequestError."""
    length = request.headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError("The caller went away.", code="malformed")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_response(response: Response, send: Send, head: bool = False) -> None:
    """Send a response; to HEAD without its body."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


def too_large(limit: int) -> RequestError:
    """Build the error of a body over the limit."""
    return RequestError(f"The body is larger than {limit} bytes.", hint="send fewer rows at once", code="too_large")
