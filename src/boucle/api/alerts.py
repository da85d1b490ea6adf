"""Alertmanager's webhook: what it reports becomes an alarm. Payload version 4, taken whole or refused whole."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from boucle.api.access import Known, Operated, require
from boucle.api.bodies import Body
from boucle.core.access import Caller, Role
from boucle.core.errors import RequestError
from boucle.loop import external
from boucle.loop.alerting import WEBHOOK
from boucle.loop.project import Project
from boucle.loop.rules import OWN

router = APIRouter()

Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
Texts = Annotated[dict[Name, Text], Field(max_length=100)]


def _written(value: object) -> object:
    """Raise ValueError for a time that is no text: a number would be taken for a Unix time."""
    if not isinstance(value, str):
        raise ValueError("a time is written as RFC 3339")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written)]


class AlertBody(BaseModel):
    """One alert; its ``labels`` have its name, and may name the model."""

    status: Literal["firing", "resolved"]
    labels: Texts
    annotations: Texts = {}
    starts_at: Time = Field(alias="startsAt")
    fingerprint: str = Field(pattern=r"^[0-9A-Za-z]{1,64}$")


class Delivery(BaseModel):
    """What Alertmanager posts; the fields that are not read may be anything."""

    version: Literal["4"]
    alerts: list[AlertBody] = Field(max_length=1000)


@router.post(WEBHOOK)
def alertmanager(delivery: Delivery, project: Operated, caller: Known) -> Response:
    """Open and resolve alarms. Alerts about what Boucle has raised an alarm for itself are only counted."""
    own = [one for one in delivery.alerts if one.labels.get("told_by") == OWN]
    alerts = [_alert(one, project, caller) for one in delivery.alerts if one not in own]
    taken = external.take(project, alerts)
    return Body({"opened": taken.opened, "resolved": taken.resolved, "unchanged": taken.unchanged + len(own)})


def _alert(one: AlertBody, project: Project, caller: Caller) -> external.Alert:
    """Raise RequestError, NotFound or Forbidden for an alert without a name, of no model here, or not the caller's."""
    name = one.labels.get("alertname", "")
    if not name.isprintable() or not 0 < len(name) <= 200:
        raise RequestError("An alert has no name.", hint="its label `alertname` is one line, at most 200 characters")
    model = project.check_name(one.labels.get("model", project.name))
    require(caller, Role.OPERATOR, model)
    told = one.annotations.get("summary") or one.annotations.get("description") or ""
    text = "".join(c if c.isprintable() else " " for c in told)
    return external.Alert(model, name, one.fingerprint, one.status == "firing", one.starts_at.timestamp(), text)
