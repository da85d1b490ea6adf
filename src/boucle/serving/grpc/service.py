"""The Open Inference Protocol over gRPC, in the event loop of the worker and over the same desk as HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from boucle.core.errors import BoucleError, NotFound
from boucle.serving import describe
from boucle.serving.app import App
from boucle.serving.calls import Endpoint, admit, given, number
from boucle.serving.desk import Question, answer
from boucle.serving.grpc import tensors
from boucle.serving.grpc.messages import CLASSES, SERVICE
from boucle.serving.http import failed, status_of
from boucle.serving.messages import Raw
from boucle.serving.router import numbered
from boucle.serving.waiting import ask, wait

log = logging.getLogger("boucle.serving")
Headers = dict[bytes, bytes]
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED, 403: grpc.StatusCode.PERMISSION_DENIED, 404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED, 500: grpc.StatusCode.INTERNAL, 503: grpc.StatusCode.UNAVAILABLE,
}  # fmt: skip
_ONLY_IDENTITY = 1


class Service:
    """The methods of the protocol over one plane. ``start`` and ``stop`` belong into the event loop that answers."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._plane = app.plane
        options = app.plane.options
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", int(options.workers > 1)),
                ("grpc.max_receive_message_length", options.max_body),
                ("grpc.max_metadata_size", options.head_bytes),
                ("grpc.compression_enabled_algorithms_bitset", _ONLY_IDENTITY),  # small messages that grow large
            ]
        )
        methods = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._infer,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                _answering(name, method), request_deserializer=CLASSES[f"{name}Request"].FromString
            )
            for name, method in methods.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))

    async def start(self) -> None:
        """Listen; the port was found free before."""
        options = self._plane.options
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"{host}:{options.grpc_port}"
        if options.tls_certificate is None or options.tls_key is None:
            self._server.add_insecure_port(address)
        else:
            pair = Path(options.tls_key).read_bytes(), Path(options.tls_certificate).read_bytes()
            self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Take no more requests and answer those under way."""
        await self._server.stop(grace)

    async def _live(self, request: Any, headers: Headers) -> bytes:
        return _said("ServerLiveResponse", live=True)

    async def _ready(self, request: Any, headers: Headers) -> bytes:
        return _said("ServerReadyResponse", ready=self._app.ready)

    async def _model_ready(self, request: Any, headers: Headers) -> bytes:
        self._admit(headers, request.name)
        served = self._plane.engine.snapshot.find(request.name)
        return _said("ModelReadyResponse", ready=describe.up(served, _version(request.version)))

    async def _metadata(self, request: Any, headers: Headers) -> bytes:
        self._admit(headers)
        told = describe.server()
        return _said("ServerMetadataResponse", name=told["name"], version=told["version"])

    async def _model_metadata(self, request: Any, headers: Headers) -> bytes:
        self._admit(headers, request.name)
        served = self._plane.engine.snapshot.find(request.name)
        version = _version(request.version)
        one = served.champion if version is None else numbered(served, version)
        if one is None:
            raise NotFound(f"{request.name} has no version that can answer yet.", code="not_ready")
        return _said("ModelMetadataResponse", **describe.model(one, sorted(served.versions)))

    async def _infer(self, request: Any, headers: Headers) -> bytes:
        """Answer, or count what was refused before it became a job; the recorder counts the rest."""
        plane = self._plane
        plane.metrics.add("requests_in_progress")
        try:
            try:
                admit(Endpoint(tensors, request.model_name, None), headers, plane)
                pending = await ask(plane.desk, _question(request, headers))
            except BoucleError as error:
                plane.refused(request.model_name, error)
                raise
            job = await wait(pending)
            return tensors.encode(job.asked, answer(job)).body
        finally:
            plane.metrics.add("requests_in_progress", value=-1)

    def _admit(self, headers: Headers, model: str = "") -> None:
        known = headers.get
        self._plane.access.guard.admit(known(b"authorization", b""), known(b"x-api-key", b""), model, time.time())


def _question(request: Any, headers: Headers) -> Question:
    return Question(
        request.model_name,
        tensors,
        Raw(b"", headers, table=request),
        _version(request.model_version),
        given(headers, b"x-request-id"),
        given(headers, b"x-routing-key"),
    )


def _version(text: str) -> int | None:
    return number(text) if text else None


def _said(name: str, /, **fields: Any) -> bytes:
    told: bytes = CLASSES[name](**fields).SerializeToString()
    return told


def _answering(name: str, method: Callable[[Any, Headers], Awaitable[bytes]]) -> Callable[[Any, Any], Awaitable[bytes]]:
    """Return the method as gRPC calls it: errors become a status, with what else is known of them behind it."""

    async def answer_or_abort(request: Any, context: Any) -> bytes:
        headers = {
            key.encode(): value.encode() if isinstance(value, str) else value
            for key, value in context.invocation_metadata()
        }
        try:
            return await method(request, headers)
        except BoucleError as error:
            trouble = error
        except Exception:  # a fault of ours: told in the log, not to the caller
            log.exception("%s failed", name)
            trouble = BoucleError("The server failed on this request.", code="internal")
        code = _CODES.get(status_of(trouble), grpc.StatusCode.INVALID_ARGUMENT)
        told = tuple((key.decode(), value.decode()) for key, value in failed(trouble).headers)
        await context.abort(code, str(trouble), (("code", str(trouble.facts.get("code", trouble.code))), *told))
        raise AssertionError("abort does not return")

    return answer_or_abort
