"""Alerts from outside, as Alertmanager sends them, become alarms: one per name, open while any alert of it fires.

What follows is for the project to say (``react.external``), and for the policy to weigh like anything else.

Known by fingerprint, so that a delivery that is repeated, as Alertmanager does, changes nothing, and one that comes
late does not open again what has ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from boucle.loop import alarms
from boucle.loop.policy import EXTERNAL
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

MOST_REMEMBERED = 500
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a model: ``began`` (Unix seconds) tells its occurrences apart, ``text`` is for people."""

    model: str
    name: str
    fingerprint: str
    firing: bool
    began: float
    text: str


@dataclass(slots=True)
class Taken:
    """What became of a delivery: the alarms opened and resolved, and how many alerts changed nothing."""

    opened: list[int] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)
    unchanged: int = 0


def take(project: Project, alerts: Sequence[Alert]) -> Taken:
    """Open and resolve alarms in one transaction; people are told of the new ones as of any other."""
    taken = Taken()
    with project.state.begin() as tx:
        for model in dict.fromkeys(alert.model for alert in alerts):
            over: dict[str, float] = tx.settings.get(f"external:{model}") or {}
            before = dict(over)
            for alert in alerts:
                if alert.model == model:
                    (_fire if alert.firing else _end)(project, tx, alert, over, taken)
            if over != before:
                tx.settings.put(f"external:{model}", dict(list(over.items())[-MOST_REMEMBERED:]))
    return taken


def _fire(project: Project, tx: Transaction, alert: Alert, over: dict[str, float], taken: Taken) -> None:
    cause = EXTERNAL + alert.name
    if over.get(alert.fingerprint, -math.inf) >= alert.began:
        taken.unchanged += 1
        return
    known = alarms.find(tx, alert.model, cause)
    firing = {**(known.data.get("firing", {}) if known else {}), alert.fingerprint: alert.began}
    if known and known.data.get("firing") == firing:
        taken.unchanged += 1
        return
    champion = tx.deployments.get(alert.model).champion
    reason = f"{alert.name}: {alert.text}" if alert.text else alert.name
    opened = alarms.raise_alarm(project, tx, alert.model, cause, reason[:_LONGEST], champion, {"firing": firing})
    if opened:
        taken.opened.append(opened.id)


def _end(project: Project, tx: Transaction, alert: Alert, over: dict[str, float], taken: Taken) -> None:
    over[alert.fingerprint] = max(alert.began, over.pop(alert.fingerprint, alert.began))
    known = alarms.find(tx, alert.model, EXTERNAL + alert.name)
    firing = dict(known.data.get("firing", {})) if known else {}
    if known is None or firing.get(alert.fingerprint, math.inf) > alert.began:
        taken.unchanged += 1
        return
    del firing[alert.fingerprint]
    known = replace(known, data={**known.data, "firing": firing})
    if firing:
        tx.alarms.put(known)
    else:
        taken.resolved.append(alarms.resolve(project, tx, known, "Alertmanager says it is over", code="outside").id)
