"""What operators do. Releasing against a verdict takes an approver. The history names who it was."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from boucle.api.access import Known, Operated, require
from boucle.api.bodies import Body, Muting, Promotion, Reason, TurnRequest
from boucle.core.access import Role
from boucle.delivery.release import Change
from boucle.loop import alarms, operations
from boucle.loop.turns import Turns

router = APIRouter()


@router.post("/api/models/{name}/promotions")
def promote(name: str, wanted: Promotion, project: Operated, caller: Known) -> Response:
    if wanted.override:
        require(caller, Role.APPROVER, name)
    ref = f"{name}/{wanted.version}"
    return _changed(operations.promote(project, ref, wanted.strategy, wanted.reason, wanted.override))


@router.post("/api/models/{name}/rollbacks")
def rollback(name: str, why: Reason, project: Operated) -> Response:
    return _changed(project.delivery.rollback(project.check_name(name), why.reason))


@router.post("/api/models/{name}/switch/{wanted}")
def switch(name: str, wanted: Literal["enabled", "disabled"], why: Reason, project: Operated) -> Response:
    act = project.delivery.enable if wanted == "enabled" else project.delivery.disable
    return _changed(act(project.check_name(name), why.reason))


@router.post("/api/models/{name}/rollout/{wanted}")
def rollout(name: str, wanted: Literal["paused", "resumed"], why: Reason, project: Operated) -> Response:
    act = project.delivery.pause if wanted == "paused" else project.delivery.resume
    return _changed(act(project.check_name(name), why.reason))


@router.post("/api/alarms/{number}/acknowledgement")
def acknowledge(number: int, project: Operated, caller: Known) -> Response:
    with project.state.begin(write=False) as tx:
        require(caller, Role.OPERATOR, tx.alarms.get(number).model)
    return Body(alarms.acknowledge(project, number))


@router.post("/api/models/{name}/mute")
def mute(name: str, wanted: Muting, project: Operated) -> Response:
    alarms.mute(project, project.check_name(name), wanted.until)
    return Body({"model": name, "until": wanted.until})


@router.post("/api/turns", status_code=202)
def turn(wanted: TurnRequest, project: Operated, caller: Known, request: Request) -> Response:
    require(caller, Role.OPERATOR, project.name)
    turns: Turns = request.app.state.turns
    return Body(turns.start(wanted.reason, wanted.with_feedback, project.actor), 202)


def _changed(change: Change) -> Response:
    return Body({"deployment": change.deployment, "undo": change.undo, "reasons": [e.reason for e in change.events]})
