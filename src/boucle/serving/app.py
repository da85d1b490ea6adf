"""The data plane as an ASGI application: which path means what. All that is known of models lies behind the desk."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from boucle.core.errors import BoucleError, NotFound, RequestError
from boucle.core.json import to_data
from boucle.serving import describe
from boucle.serving.calls import Endpoint, Head, admit, endpoint, given, number, question, respond
from boucle.serving.codec import parse
from boucle.serving.desk import new_id
from boucle.serving.docs import docs
from boucle.serving.feedback import receive as take_in
from boucle.serving.http import (
    Receive,
    Request,
    Response,
    Scope,
    Send,
    answered,
    failed,
    opened,
    read_body,
    send_response,
)
from boucle.serving.openapi import openapi
from boucle.serving.plane import Plane
from boucle.serving.router import Served, numbered
from boucle.serving.versions import LoadedVersion
from boucle.serving.waiting import ask, wait

log = logging.getLogger("boucle.serving")
TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_TELLS = re.compile(r"/(?P<protocol>v[12])/models/(?P<model>[^/:]+)(?:/versions/(?P<version>[^/]+))?(?P<ready>/ready)?")


class App:
    """The ASGI application over one plane. ``draining`` fails readiness while requests are still answered."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.draining = False
        self._pages: dict[str, Callable[[], Response]] = {
            "/livez": lambda: answered({"live": True}),
            "/healthz": self._health,
            "/readyz": self._ready,
            "/ping": self._ready,
            "/health": self._ready,
            "/version": lambda: answered({"name": "boucle", "version": describe.boucle_version()}),
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/v2": lambda: answered(describe.server()),
            "/v2/health/live": lambda: answered({"live": True}),
            "/v2/health/ready": self._ready,
            "/v1/models": lambda: answered({"models": list(plane.engine.snapshot.served)}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._serve(opened(scope), receive, send)

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(request, receive)
        except BoucleError as error:
            response = failed(error)
        except Exception:  # a fault of ours: told in the log, not to the caller
            log.exception("%s %s failed", request.method, request.path)
            response = failed(BoucleError("The server failed on this request.", code="internal"))
        if not any(name == b"x-request-id" for name, _ in response.headers):
            response.headers.append((b"x-request-id", _echoed(request)))
        await send_response(response, send, request.method == "HEAD")

    async def _respond(self, request: Request, receive: Receive) -> Response:
        if page := docs(request.path, request.headers.get(b"accept-encoding", b"")):  # it tells nothing of models
            _check_method(request, "GET", "HEAD")
            return page
        if endpoint(request.path) is None:
            known, told = request.headers.get, _TELLS.fullmatch(request.path)
            key = known(b"authorization", b""), known(b"x-api-key", b"")
            self.plane.access.guard.admit_page(request.path, *key, time.time(), told["model"] if told else "")
        tell = self._pages.get(request.path) or self._told(request.path)
        if tell is not None:
            _check_method(request, "GET", "HEAD")
            return tell()
        if request.path == "/feedback":
            _check_method(request, "POST")
            await read_body(request, receive, self.plane.options.max_body)
            return self._take_in(parse(request.body))
        if found := endpoint(request.path):
            _check_method(request, "POST")
            return await self._counted(request, receive, found)
        raise NotFound(f"There is nothing at {request.path[:200]}.", hint="GET /docs shows what there is")

    def _take_in(self, data: Any) -> Response:
        taken = take_in(data, self.plane.capture)
        self.plane.metrics.add("feedback_received_total", "true", value=taken.joined)
        self.plane.metrics.add("feedback_received_total", "false", value=taken.pending)
        return answered(to_data(taken))

    async def _counted(self, request: Request, receive: Receive, asked: Endpoint) -> Response:
        """Answer a question about a model; what never became a job is counted here, the rest by the recorder."""
        metrics = self.plane.metrics
        metrics.add("requests_in_progress")
        try:
            return await self._ask(request, receive, asked)
        finally:
            metrics.add("requests_in_progress", value=-1)

    async def _ask(self, request: Request, receive: Receive, asked: Endpoint) -> Response:
        try:
            admit(asked, request.headers, self.plane)
            await read_body(request, receive, self.plane.options.max_body)
            asking = question(Head(asked, request.headers), request.body, self.plane.engine.snapshot)
            pending = await ask(self.plane.desk, asking)
        except BoucleError as error:
            self.plane.refused(asked.model, error)
            return failed(error)
        try:
            return respond(await wait(pending), asked.protocol)
        except BoucleError as error:
            response = failed(error)
            response.headers.append((b"x-model-version", str(pending[0].version.number).encode()))
            return response

    def _told(self, path: str) -> Callable[[], Response] | None:
        """Return what tells about a model or one version of it, if ``path`` asks for that."""
        found = _TELLS.fullmatch(path)
        if found is None:
            return None
        model, version = found["model"], found["version"]
        return lambda: self._model(model, version, bool(found["ready"]), found["protocol"])

    def _model(self, model: str, version: str | None, ready: bool, protocol: str) -> Response:
        served = self.plane.engine.snapshot.find(model)
        if ready or protocol == "v1":
            return self._model_ready(served, None if version is None else number(version))
        one = served.champion if version is None else numbered(served, number(version))
        if one is None:
            raise NotFound(f"{model} has no version that can answer yet.", code="not_ready")
        return answered(describe.model(one, sorted(served.versions)))

    def _model_ready(self, served: Served[LoadedVersion], version: int | None) -> Response:
        """Say whether a model, or one version of it, can answer, and what could not be loaded."""
        model, problems = served.route.model, self._problems()
        why = {ref: text for ref, text in problems.items() if ref.rpartition("/")[0] == model}
        if version is not None and f"{model}/{version}" not in why:
            numbered(served, version)
        up = describe.up(served, version)
        return answered({"name": model, "ready": up} | ({"problems": why} if why else {}), 200 if up else 503)

    @property
    def ready(self) -> bool:
        """Whether everything released can answer, and goes on doing so."""
        return self.plane.engine.snapshot.ready and not self.draining

    def _ready(self) -> Response:
        ready = self.ready
        if not self.plane.access.guard.open:  # strangers learn no names of models
            return answered({"ready": ready}, 200 if ready else 503)
        return answered({"ready": ready, "problems": self._problems()}, 200 if ready else 503)

    def _health(self) -> Response:
        snapshot = self.plane.engine.snapshot
        if not self.plane.access.guard.open:
            return answered({"live": True, "ready": snapshot.ready})
        models = {
            name: {"enabled": served.route.enabled, "versions": sorted(served.versions)}
            for name, served in snapshot.served.items()
        }
        return answered({"live": True, "ready": snapshot.ready, "models": models, "problems": self._problems()})

    def _problems(self) -> dict[str, str]:
        return {f"{model}/{number}": why for (model, number), why in self.plane.engine.snapshot.problems.items()}

    def _openapi(self) -> Response:
        plane = self.plane
        return answered(openapi(plane.engine.snapshot, plane.options, not plane.access.guard.open))

    def _metrics(self) -> Response:
        plane = self.plane
        plane.gauge()
        return Response(200, plane.metrics.render(plane.engine.series()).encode(), TEXT)


def _echoed(request: Request) -> bytes:
    try:
        return (given(request.headers, b"x-request-id") or new_id()).encode()
    except RequestError:
        return new_id().encode()


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        told = ", ".join(allowed)
        raise RequestError(f"{request.path} takes {told}, not {request.method}.", code="not_allowed", allow=told)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
