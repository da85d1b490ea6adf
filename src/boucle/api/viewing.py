"""What the console shows, as JSON: one route for each view. A caller limited to some models sees those."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from boucle.api.access import Known, Viewed, require, require_all
from boucle.api.bodies import Body
from boucle.core.access import Role
from boucle.views import access
from boucle.views.alarms import alarms
from boucle.views.compare import compare
from boucle.views.contract import contract, faults
from boucle.views.drift import drift
from boucle.views.history import event, history
from boucle.views.lessons import lessons
from boucle.views.maturity import maturity
from boucle.views.overview import overview
from boucle.views.quality import quality
from boucle.views.rollout import rollout
from boucle.views.rollouts import rollouts
from boucle.views.story import Span, story
from boucle.views.versions import versions

router = APIRouter(prefix="/api")
_LARGEST = 2**53
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
Windows = Annotated[int | None, Query(ge=1, le=16, description="windows judged together; default: the loudest")]
Kind = Annotated[str, Query(pattern="^[a-z_]{0,40}$", description="a kind of event, or a group of kinds")]
Before = Annotated[int, Query(ge=0, le=_LARGEST, description="only what is older than this event; 0: the newest")]
Name = Annotated[str, Query(max_length=200)]


@router.get("/overview")
def get_overview(project: Viewed, caller: Known) -> Response:
    """Say where every model stands, those first that need a person."""
    return Body(overview(project, caller.models))


@router.get("/models/{name}")
def get_model(name: str, project: Viewed) -> Response:
    """Show one model with its versions."""
    return Body(versions(project, name))


@router.get("/models/{name}/story")
def get_story(name: str, project: Viewed, span: Span = "release") -> Response:
    """Say what happened to a model, on one axis of time."""
    return Body(story(project, name, span))


@router.get("/models/{name}/drift")
def get_drift(name: str, project: Viewed, horizon: Windows = None, column: Name = "") -> Response:
    """Say which columns have changed, and how one of them was and is."""
    return Body(drift(project, name, horizon, column))


@router.get("/models/{name}/quality")
def get_quality(name: str, project: Viewed, span: Span = "release") -> Response:
    """Say what labels, service and business say of a model."""
    return Body(quality(project, name, span))


@router.get("/models/{name}/lessons")
def get_lessons(name: str, project: Viewed) -> Response:
    """Say what a retraining would learn from, and why it should not begin now."""
    return Body(lessons(project, name))


@router.get("/models/{name}/contract")
def get_contract(name: str, project: Viewed) -> Response:
    """Say what may come in, and how the newest window kept to it."""
    return Body(contract(project, name))


@router.get("/models/{name}/faults")
def get_faults(name: str, project: Viewed) -> Response:
    """List what was broken in the newest windows."""
    return Body({"windows": faults(project, name)})


@router.get("/models/{name}/versions/{version}/against/{other}")
def get_comparison(name: str, version: Number, other: Number, project: Viewed) -> Response:
    """Compare two versions by what was stored when each was evaluated."""
    return Body(compare(project, name, version, other))


@router.get("/rollouts")
def get_rollouts(project: Viewed, caller: Known) -> Response:
    """List the newest rollouts."""
    return Body(rollouts(project, None, caller.models))


@router.get("/models/{name}/rollout")
def get_rollout(name: str, project: Viewed) -> Response:
    """Show the rollout under way, or the last one there was."""
    return Body(rollout(project, name))


@router.get("/models/{name}/rollouts/{version}")
def get_rollout_of(name: str, version: Number, project: Viewed) -> Response:
    """Show the newest rollout of one version."""
    return Body(rollout(project, name, version))


@router.get("/history")
def get_history(
    project: Viewed,
    caller: Known,
    name: Annotated[str, Query(alias="model", max_length=200)] = "",
    kind: Kind = "",
    actor: Name = "",
    refused: bool = True,
    before: Before = 0,
) -> Response:
    """List events, the newest first, 50 a page."""
    if name:
        require(caller, Role.VIEWER, name)
    return Body(history(project, name, kind, actor, refused, before, caller.models))


@router.get("/history/{seq}")
def get_event(seq: Number, project: Viewed, caller: Known) -> Response:
    """Show one event with its evidence."""
    found = event(project, seq)
    require(caller, Role.VIEWER, found.decision.model)
    return Body(found)


@router.get("/alarms/summary")
def get_alarms(project: Viewed, caller: Known) -> Response:
    """List the alarms with their evidence, open ones first."""
    return Body(alarms(project, caller.models))


@router.get("/people")
def get_people(project: Viewed, caller: Known) -> Response:
    """List who has acted, and who has signed in through a provider, with their roles."""
    require_all(caller)
    return Body(access.people(project))


@router.get("/notifiers")
def get_notifiers(project: Viewed, caller: Known) -> Response:
    """List who is told, and what has not reached them."""
    require_all(caller)
    return Body(access.notifiers(project))


@router.get("/maturity")
def get_maturity(project: Viewed, caller: Known) -> Response:
    """Say how far the loop may be left alone, and what is missing."""
    require(caller, Role.VIEWER, project.name)
    return Body(maturity(project))
