"""What the control plane is sent, and how it answers."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from boucle.core.access import Role
from boucle.core.json import dumps, to_data
from boucle.loop.labelling import MOST, USUAL


class Body(Response):
    """A view as JSON, encoded the way the command line does."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(to_data(content))


class Reason(BaseModel):
    reason: str = Field("asked for", max_length=1000)


class Promotion(Reason):
    version: int = Field(ge=1)
    strategy: Literal["canary", "shadow", "blue-green", "direct"] | None = None
    override: bool = Field(False, description="release although the gate did not pass: takes the role approver")


class Muting(BaseModel):
    until: float = Field(description="Unix time in seconds")


class LabelsRequest(BaseModel):
    count: int = Field(USUAL, ge=1, le=MOST, description="rows to choose")


class RoleRequest(BaseModel):
    role: Role | None = Field(description="the role, or null for none")


class TurnRequest(Reason):
    with_feedback: bool = False
