"""What viewers see. A caller limited to some models sees those."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from boucle.api import metrics
from boucle.api.access import Door, Known, Viewed, require, require_all
from boucle.api.bodies import Body
from boucle.core.access import LOCAL, Role, reaches
from boucle.loop.project import Project
from boucle.loop.turns import Turns
from boucle.views import models as views

router = APIRouter()


@router.get("/livez", response_class=PlainTextResponse)
def livez() -> str:
    return "ok"


@router.get("/readyz", response_class=PlainTextResponse)
def readyz(request: Request) -> str:
    project: Project = request.app.state.project
    with project.state.begin(write=False) as tx:
        tx.deployments.get(project.name)
    return "ok"


@router.get("/metrics", response_class=PlainTextResponse)
def scrape(request: Request) -> str:
    """Answer Prometheus: whoever asks where the project says so, else an unlimited viewer."""
    project: Project = request.app.state.project
    door: Door = request.app.state.door
    door.followed.look()
    caller = LOCAL if door.followed.guard.metrics_open else door.admit(request, project.clock.now())
    require_all(caller)
    return metrics.render(project)


@router.get("/api/openapi.json", include_in_schema=False)
def openapi(request: Request, _: Viewed) -> Response:
    return JSONResponse(request.app.openapi())


@router.get("/api/status")
def status(project: Viewed, caller: Known) -> Response:
    found = views.status(project)
    return Body(replace(found, models=[one for one in found.models if reaches(caller, one.name)]))


@router.get("/api/models")
def models(project: Viewed, caller: Known) -> Response:
    return Body({"models": [one for one in views.listing(project) if reaches(caller, one["name"])]})


@router.get("/api/models/{name}/versions/{version}")
def version(name: str, version: int, project: Viewed) -> Response:
    return Body(views.show(project, f"{name}/{version}"))


@router.get("/api/models/{name}/compare/{left}/{right}")
def compare(name: str, left: int, right: int, project: Viewed) -> Response:
    return Body(views.compare(project, f"{name}/{left}", f"{name}/{right}"))


@router.get("/api/events")
def events(
    project: Viewed, caller: Known, model: str | None = None, kind: str | None = None, limit: int = 50
) -> Response:
    if model is not None:
        require(caller, Role.VIEWER, model)
    most = max(1, min(limit, 1000))
    limited = caller.models is not None and model is None
    found = views.history(project, model, [kind] if kind else [], 0 if limited else most)
    return Body({"events": [one for one in found if reaches(caller, one.model)][-most:]})


@router.get("/api/events/verification")
def verification(project: Viewed) -> Response:
    return Body(views.verify_history(project))


@router.get("/api/alarms")
def open_alarms(project: Viewed, caller: Known) -> Response:
    with project.state.begin(write=False) as tx:
        return Body({"alarms": [one for one in tx.alarms.unresolved() if reaches(caller, one.model)]})


@router.get("/api/me")
def me(caller: Known) -> Response:
    """Say who the server takes the caller for."""
    known: dict[str, Any] = {"name": caller.name, "role": caller.role.value, "by": caller.by}
    return Body(known | {"models": None if caller.models is None else sorted(caller.models)})


@router.get("/api/turns/{number}")
def turn(number: int, project: Viewed, caller: Known, request: Request) -> Response:
    require(caller, Role.VIEWER, project.name)
    turns: Turns = request.app.state.turns
    return Body(turns.get(number))
