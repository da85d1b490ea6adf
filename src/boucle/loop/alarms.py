"""The life of an alarm: opened once a cause and told once, acknowledged by a person, resolved after quiet windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.errors import Conflict
from boucle.core.event import Event
from boucle.core.json import from_data
from boucle.core.verdict import Check, Verdict
from boucle.loop import outbox
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

QUIET_WINDOWS = 3
_FEW = 3


def raise_alarm(
    project: Project, tx: Transaction, model: str, cause: str, reason: str, version: int | None, data: dict[str, Any]
) -> Alarm | None:
    """Open an alarm, and leave its message in the outbox, unless its cause has an alarm already.

    Returns the new one. ``data["done"]`` and ``data["undo"]`` say what was done about it, and how to take that back.
    """
    now = project.clock.now()
    known = find(tx, model, cause)
    if known is not None:
        tx.alarms.put(replace(known, quiet=0, reason=reason, changed=now, data={**known.data, **data}))
        return None
    alarm = tx.alarms.put(Alarm(0, model, cause, now, reason, version, changed=now, data=data))
    tx.journal.append(Event("alarm_opened", now, reason, model, version, project.actor, about(alarm)))
    outbox.post(tx, model, alarm.id, project.addresses, now)
    return alarm


def find(tx: Transaction, model: str, cause: str) -> Alarm | None:
    """Return the unresolved alarm of a cause, None without one."""
    return next((alarm for alarm in tx.alarms.unresolved(model) if alarm.cause == cause), None)


def did(tx: Transaction, model: str, cause: str, done: str, undo: str = "", **more: Any) -> None:
    """Note what was done about a cause; without an open alarm there is nothing to note."""
    alarm = find(tx, model, cause)
    if alarm is not None:
        tx.alarms.put(replace(alarm, data={**alarm.data, "done": done, "undo": undo, **more}))


def waits(tx: Transaction, model: str, cause: str, why: str, **more: Any) -> None:
    """Note why nothing is done about a cause, unless something was done before."""
    alarm = find(tx, model, cause)
    if alarm is not None and not alarm.data.get("undo"):
        did(tx, model, cause, why, **more)


def quieten(project: Project, tx: Transaction, model: str, cause: str, windows: int) -> None:
    """Count ``windows`` without the cause, and resolve its alarm after three."""
    alarm = find(tx, model, cause)
    if alarm is None:
        return
    quiet = alarm.quiet + windows
    if quiet < QUIET_WINDOWS:
        tx.alarms.put(replace(alarm, quiet=quiet))
    else:
        resolve(project, tx, alarm, f"{quiet} quiet windows", quiet)


def resolve(
    project: Project, tx: Transaction, alarm: Alarm, reason: str, quiet: int | None = None, code: str = "words"
) -> Alarm:
    """Note that an alarm is over. ``code`` is how its reason is told in any language, see ``core/ground.py``."""
    now = project.clock.now()
    data = {"alarm": alarm.id, "cause": alarm.cause, "quiet": quiet, "ground": {"code": code}}
    tx.journal.append(Event("alarm_resolved", now, reason, alarm.model, alarm.version, project.actor, data))
    return tx.alarms.put(replace(alarm, state="resolved", changed=now))


def acknowledge(project: Project, number: int) -> Alarm:
    """Note that a person has seen the alarm; raises NotFound, and Conflict for one that is resolved."""
    with project.state.begin() as tx:
        alarm = tx.alarms.get(number)
        if alarm.state == "resolved":
            raise Conflict(f"Alarm {number} is resolved already.", alarm=number)
        now = project.clock.now()
        who = (alarm.model, alarm.version, project.actor)
        tx.journal.append(Event("alarm_acknowledged", now, alarm.reason, *who, about(alarm)))
        return tx.alarms.put(replace(alarm, state="acknowledged", changed=now))


def told(verdict: Verdict) -> dict[str, Any]:
    """Return the checks that decided, with their numbers and no more."""
    deciding = [check for check in verdict.checks if check.status == verdict.status] or list(verdict.checks)
    return {
        "kind": verdict.kind,
        "status": verdict.status,
        "checks": [_number(check) for check in deciding[:_FEW]],
        "more": max(0, len(deciding) - _FEW),
    }


def _number(check: Check) -> dict[str, Any]:
    names = ("name", "status", "observed", "bound", "low", "high", "n")
    faults = {name: check.evidence[name] for name in ("column", "kind") if name in check.evidence}
    return {name: getattr(check, name) for name in names} | faults


def about(alarm: Alarm) -> dict[str, Any]:
    """Return what the history keeps of an alarm: enough to tell it in any language."""
    verdict = alarm.data.get("verdict")
    evidence = told(from_data(verdict, Verdict)) if verdict else None
    return {"alarm": alarm.id, "cause": alarm.cause, "evidence": evidence, "ground": alarm.data.get("ground")}


def mute(project: Project, model: str, until: float) -> None:
    """Send no messages about ``model`` before ``until`` (Unix seconds); alarms are still kept."""
    with project.state.begin() as tx:
        tx.settings.put(outbox.muting(model), until)
        tx.journal.append(
            Event(
                "muted", project.clock.now(), f"no messages about {model}", model, None, project.actor, {"until": until}
            )
        )
