"""Alarms: one per cause, told once, resolved after quiet windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.errors import Conflict
from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

QUIET_WINDOWS = 3


def raise_alarm(
    project: Project, tx: Transaction, model: str, cause: str, reason: str, version: int | None, data: dict[str, Any]
) -> Alarm | None:
    """Open an alarm unless its cause has one already; returns the new one, to be told to people."""
    now = project.clock.now()
    for alarm in tx.alarms.unresolved(model):
        if alarm.cause == cause:
            tx.alarms.put(replace(alarm, quiet=0, reason=reason, changed=now, data={**alarm.data, **data}))
            return None
    alarm = tx.alarms.put(Alarm(0, model, cause, now, reason, version, changed=now, data=data))
    tx.journal.append(
        Event("alarm_opened", now, reason, model, version, project.actor, {"alarm": alarm.id, "cause": cause})
    )
    return alarm


def quieten(project: Project, tx: Transaction, model: str, cause: str, windows: int) -> None:
    """Count ``windows`` without the cause, and resolve its alarm after three."""
    for alarm in tx.alarms.unresolved(model):
        if alarm.cause != cause:
            continue
        quiet = alarm.quiet + windows
        if quiet < QUIET_WINDOWS:
            tx.alarms.put(replace(alarm, quiet=quiet))
        else:
            resolve(project, tx, alarm, f"{quiet} quiet windows")


def resolve(project: Project, tx: Transaction, alarm: Alarm, reason: str) -> Alarm:
    now = project.clock.now()
    tx.journal.append(
        Event("alarm_resolved", now, reason, alarm.model, alarm.version, project.actor, {"alarm": alarm.id})
    )
    return tx.alarms.put(replace(alarm, state="resolved", changed=now))


def acknowledge(project: Project, number: int) -> Alarm:
    """Note that a person has seen the alarm; raises NotFound, and Conflict for one that is resolved."""
    with project.state.begin() as tx:
        alarm = tx.alarms.get(number)
        if alarm.state == "resolved":
            raise Conflict(f"Alarm {number} is resolved already.", alarm=number)
        now = project.clock.now()
        tx.journal.append(
            Event("alarm_acknowledged", now, alarm.reason, alarm.model, alarm.version, project.actor, {"alarm": number})
        )
        return tx.alarms.put(replace(alarm, state="acknowledged", changed=now))


def mute(project: Project, model: str, until: float) -> None:
    """Send no messages about ``model`` before ``until`` (Unix seconds); alarms are still kept."""
    with project.state.begin() as tx:
        tx.settings.put(f"mute:{model}", until)
        tx.journal.append(
            Event(
                "muted", project.clock.now(), f"no messages about {model}", model, None, project.actor, {"until": until}
            )
        )


def tell(project: Project, alarm: Alarm, done: str, undo: str) -> list[str]:
    """Send one message about a new alarm; returns the addresses that failed. Never raises."""
    notifier = project.notifier
    if notifier is None:
        return []
    with project.state.begin() as tx:
        if (tx.settings.get(f"mute:{alarm.model}") or 0.0) > project.clock.now():
            return []
    body = f"{alarm.reason}\n\nDone: {done}\n" + (f"Undo: {undo}\n" if undo else "")
    body += f"Acknowledge: boucle ack {alarm.id}\n"
    return notifier.send(f"{alarm.model}: {alarm.cause}", body)
