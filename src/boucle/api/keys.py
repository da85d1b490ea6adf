"""Keys over HTTP, for admins who are not limited to some models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from boucle.api.access import Administered, Known, require_all
from boucle.api.bodies import Body
from boucle.core.access import Rate, Role
from boucle.loop import access
from boucle.project.values import Duration, seconds

router = APIRouter(prefix="/api/keys")


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=100)
    role: Role
    models: list[str] | None = Field(None, description="the models it is limited to; none: all", max_length=1000)
    rate: str | None = Field(None, description="such as 20/s or 600/min", max_length=20)
    expires: Duration | None = Field(None, description="how long it works, such as 90d")


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    grace: Duration = Field("24h", description="how long the old secret still works")
    expires: Duration | None = None


@router.get("")
def listing(project: Administered, caller: Known, every: bool = False) -> Response:
    """List the keys, without their secrets."""
    require_all(caller)
    return Body({"keys": [key.about() for key in access.listing(project, every)]})


@router.post("", status_code=201)
def add(wanted: NewKey, project: Administered, caller: Known) -> Response:
    """Make a key; its secret is in this answer and nowhere else."""
    require_all(caller)
    rate = Rate.parse(wanted.rate) if wanted.rate else None
    lasts = None if wanted.expires is None else seconds(wanted.expires)
    return Body(_told(access.add(project, wanted.name, wanted.role, wanted.models, rate, lasts)), 201)


@router.post("/{key}/rotations", status_code=201)
def rotate(key: str, wanted: Rotation, project: Administered, caller: Known) -> Response:
    """Make a new secret for a key; the old one works a little longer."""
    require_all(caller)
    lasts = None if wanted.expires is None else seconds(wanted.expires)
    return Body(_told(access.rotate(project, key, seconds(wanted.grace), lasts)), 201)


@router.delete("/{key}")
def revoke(key: str, project: Administered, caller: Known) -> Response:
    """End a key now."""
    require_all(caller)
    return Body({"revoked": [one.about() for one in access.revoke(project, key)]})


def _told(made: access.Made) -> dict[str, Any]:
    return made.key.about() | {"key": made.secret}
