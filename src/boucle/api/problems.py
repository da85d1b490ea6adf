"""Errors as problem+json (RFC 9457), each with its stable code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from boucle.core import errors

_STATUS: dict[type[errors.BoucleError], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.RateLimited: 429,
    errors.RequestError: 422,
    errors.ProjectError: 422,
    errors.ContractError: 422,
    errors.StoreError: 503,
}
_SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "hint": {"type": ["string", "null"]},
    },
    "required": ["title", "status", "code", "hint"],
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "content": {"application/problem+json": {"schema": _SCHEMA}}}
    for status, told in {
        400: "the body is not JSON",
        401: "nobody known asks",
        403: "who asks may not",
        404: "there is no such thing",
        405: "the path takes another method",
        409: "the state does not allow it now",
        413: "the body is too large",
        421: "asked by a name that is not this machine's",
        422: "the request is not as it should be",
        429: "too often",
        503: "the state cannot be read or written",
    }.items()
}
"""What any route may answer instead, for the description."""
_CODES = {404: "not_found", 405: "not_allowed"}


def problem(status: int, code: str, title: str, hint: str | None = None, **headers: str) -> Response:
    """Build the answer; ``headers`` are written with underscores for dashes."""
    body = {"title": title, "status": status, "code": code, "hint": hint}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(body, status, named, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let every error of ``app`` be answered so."""
    app.exception_handler(errors.BoucleError)(_ours)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.BoucleError)
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    headers = {}
    if "challenge" in error.facts:
        headers["www_authenticate"] = str(error.facts["challenge"])
    if "retry_after" in error.facts:
        headers["retry_after"] = str(error.facts["retry_after"])
    return problem(status, error.code, error.message, error.hint, **headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = problem(error.status_code, _CODES.get(error.status_code, "bad_request"), str(error.detail))
    told.headers.update(error.headers or {})
    if error.status_code == 405:
        told.headers["allow"] = ", ".join(_allowed(request))
    return told


def _allowed(request: Request) -> list[str]:
    """Return the methods a path takes: the error itself names those of one route only."""
    routes = [route for route in _leaves(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in getattr(route, "methods", None) or ()})


def _leaves(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield the routes themselves: in newer FastAPI a router that was included is one route of its app."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from (route,) if inner is None else _leaves(inner.routes)


async def _invalid(_: Request, error: Exception) -> Response:
    """Name the fields and what is wrong with them, without what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return problem(422, "bad_request", "The request is not as it should be.", "; ".join(found)[:1000] or None)
