"""What operators do. Releasing against a verdict takes an approver. The history names who it was."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from boucle.api.access import Administered, Known, Operated, require, require_all
from boucle.api.bodies import Body, LabelsRequest, Muting, Promotion, Reason, RoleRequest, TurnRequest
from boucle.core.access import Role
from boucle.delivery.release import Change
from boucle.loop import alarms, labelling, operations, people
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


@router.post("/api/models/{name}/labels", status_code=201)
def labels(name: str, wanted: LabelsRequest, project: Operated) -> Response:
    """Choose rows to label first; the answer has them as a sheet to fill in."""
    return Body(labelling.ask_for_labels(project, project.check_name(name), wanted.count), 201)


@router.post("/api/people/{person}/role")
def give_role(person: str, wanted: RoleRequest, project: Administered, caller: Known) -> Response:
    """Give somebody who has signed in through a provider a role, which counts above the provider's word."""
    require_all(caller)
    given, before = people.give(project, person, wanted.role)
    return Body({"name": given.name, "subject": given.subject, "role": given.role, "before": before})


@router.post("/api/turns", status_code=202)
def turn(wanted: TurnRequest, project: Operated, caller: Known, request: Request) -> Response:
    require(caller, Role.OPERATOR, project.name)
    turns: Turns = request.app.state.turns
    return Body(turns.start(wanted.reason, wanted.with_feedback, project.actor), 202)


def _changed(change: Change) -> Response:
    return Body({"deployment": change.deployment, "undo": change.undo, "reasons": [e.reason for e in change.events]})
