"""The control plane: the functions of the command line, over HTTP, under ``/api``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from boucle.api import metrics
from boucle.api.turns import Turns
from boucle.core import errors
from boucle.core.json import dumps, to_data
from boucle.delivery.release import Change
from boucle.loop import alarms, operations, views
from boucle.loop.project import Project

_STATUS: dict[type[errors.BoucleError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.RequestError: 422,
    errors.ProjectError: 422,
    errors.ContractError: 422,
    errors.StoreError: 503,
}
_SAFE = ("GET", "HEAD", "OPTIONS")


class Reason(BaseModel):
    reason: str = Field("asked for", max_length=1000)


class Promotion(Reason):
    version: int = Field(ge=1)
    strategy: Literal["canary", "shadow", "blue-green", "direct"] | None = None


class Muting(BaseModel):
    until: float = Field(description="Unix time in seconds")


class TurnRequest(Reason):
    with_feedback: bool = False


def create_app(project: Project) -> FastAPI:
    """Build the control plane of one project; it holds nothing that is not in the project's state."""
    app = FastAPI(
        title="Boucle control plane", version="1", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.project = project
    app.state.turns = Turns(project)
    app.middleware("http")(_own_pages_only)
    app.exception_handler(errors.BoucleError)(_problem)
    _reading(app)
    _acting(app)
    return app


def _project(request: Request) -> Project:
    project: Project = request.app.state.project
    return project


Opened = Annotated[Project, Depends(_project)]


class Body(Response):
    """A view as JSON, encoded the way the command line does."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(to_data(content))


async def _own_pages_only(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what another site's page sends through a browser, and set the headers a browser should obey."""
    origin = request.headers.get("origin")
    if request.method not in _SAFE and origin and urlsplit(origin).netloc != request.headers.get("host"):
        return JSONResponse({"title": "A page of another site may not do this.", "code": "foreign_origin"}, 403)
    response = await call(request)
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["x-frame-options"] = "DENY"
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def _problem(_: Request, error: Exception) -> Response:
    """Answer an error as problem+json with its stable code."""
    assert isinstance(error, errors.BoucleError)
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    body = {"title": error.message, "status": status, "code": error.code, "hint": error.hint}
    return JSONResponse(body, status, media_type="application/problem+json")


def _reading(app: FastAPI) -> None:
    @app.get("/livez", response_class=PlainTextResponse)
    def livez() -> str:
        return "ok"

    @app.get("/readyz", response_class=PlainTextResponse)
    def readyz(project: Opened) -> str:
        with project.state.begin() as tx:
            tx.deployments.get(project.name)
        return "ok"

    @app.get("/metrics", response_class=PlainTextResponse)
    def scrape(project: Opened) -> str:
        return metrics.render(project)

    @app.get("/api/status")
    def status(project: Opened) -> Response:
        return Body(views.status(project))

    @app.get("/api/models")
    def models(project: Opened) -> Response:
        return Body({"models": views.listing(project)})

    @app.get("/api/models/{name}/versions/{version}")
    def version(name: str, version: int, project: Opened) -> Response:
        return Body(views.show(project, f"{name}/{version}"))

    @app.get("/api/models/{name}/compare/{left}/{right}")
    def compare(name: str, left: int, right: int, project: Opened) -> Response:
        return Body(views.compare(project, f"{name}/{left}", f"{name}/{right}"))

    @app.get("/api/events")
    def events(project: Opened, model: str | None = None, kind: str | None = None, limit: int = 50) -> Response:
        return Body({"events": views.history(project, model, [kind] if kind else [], max(1, min(limit, 1000)))})

    @app.get("/api/events/verification")
    def verification(project: Opened) -> Response:
        return Body(views.verify_history(project))

    @app.get("/api/alarms")
    def open_alarms(project: Opened) -> Response:
        with project.state.begin() as tx:
            return Body({"alarms": tx.alarms.unresolved()})


def _acting(app: FastAPI) -> None:
    @app.post("/api/models/{name}/promotions")
    def promote(name: str, wanted: Promotion, project: Opened) -> Response:
        return _changed(operations.promote(project, f"{name}/{wanted.version}", wanted.strategy, wanted.reason))

    @app.post("/api/models/{name}/rollbacks")
    def rollback(name: str, why: Reason, project: Opened) -> Response:
        return _changed(project.delivery.rollback(project.check_name(name), why.reason))

    @app.post("/api/models/{name}/switch/{wanted}")
    def switch(name: str, wanted: Literal["enabled", "disabled"], why: Reason, project: Opened) -> Response:
        act = project.delivery.enable if wanted == "enabled" else project.delivery.disable
        return _changed(act(project.check_name(name), why.reason))

    @app.post("/api/models/{name}/rollout/{wanted}")
    def rollout(name: str, wanted: Literal["paused", "resumed"], why: Reason, project: Opened) -> Response:
        act = project.delivery.pause if wanted == "paused" else project.delivery.resume
        return _changed(act(project.check_name(name), why.reason))

    @app.post("/api/alarms/{number}/acknowledgement")
    def acknowledge(number: int, project: Opened) -> Response:
        return Body(alarms.acknowledge(project, number))

    @app.post("/api/models/{name}/mute")
    def mute(name: str, wanted: Muting, project: Opened) -> Response:
        alarms.mute(project, project.check_name(name), wanted.until)
        return Body({"model": name, "until": wanted.until})

    @app.post("/api/turns", status_code=202)
    def turn(wanted: TurnRequest, request: Request) -> Response:
        turns: Turns = request.app.state.turns
        return Body(turns.start(wanted.reason, wanted.with_feedback), 202)

    @app.get("/api/turns/{number}")
    def turn_state(number: int, request: Request) -> Response:
        turns: Turns = request.app.state.turns
        return Body(turns.get(number))


def _changed(change: Change) -> Response:
    return Body({"deployment": change.deployment, "undo": change.undo, "reasons": [e.reason for e in change.events]})
