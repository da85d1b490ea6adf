"""Alarms: what is open? One row for each cause, with its evidence, what was done, and what takes that back."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from boucle.core.alarm import Alarm
from boucle.core.verdict import Verdict
from boucle.loop import outbox
from boucle.loop.project import Project
from boucle.loop.telling.reasons import done_about, why_alarm
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.views.standing import caused

RESOLVED, POINTS, SHOWN = 50, 24, 50
_DAYS = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Spark:
    """What the alarm is about, over time: ``value`` of its worst check."""

    time: float
    value: float
    status: str


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm. ``done`` is what was done about it, ``undo`` the command that takes it back; times in Unix seconds.

    ``why`` and ``did`` tell ``reason`` and ``done`` in either language; None where only the text does.
    """

    id: int
    model: str
    version: int | None
    cause: str
    title: Said
    reason: str
    state: str
    opened: float
    changed: float
    quiet: int
    done: str
    undo: str
    approve: str
    asked: int
    why: Said | None
    did: Said | None
    sparks: tuple[Spark, ...]


@dataclass(frozen=True, slots=True)
class Notifying:
    """Messages that have not reached an address, known by its digest; ``muted`` until then (Unix seconds)."""

    model: str
    to: str
    waiting: int
    attempts: int


@dataclass(frozen=True, slots=True)
class AlarmsView:
    """``budget`` is how many false alarms are expected in 100 quiet windows; ``muted`` until when, by model."""

    time: float
    heading: Said
    lead: Said
    open: tuple[AlarmRow, ...]
    resolved: tuple[AlarmRow, ...]
    failing: tuple[Notifying, ...]
    muted: dict[str, float]
    budget: float


def alarms(project: Project, only: Container[str] | None = None) -> AlarmsView:
    """Return every unresolved alarm, and those resolved in the last 30 days, 50 of each at most; ``only`` of models."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        unresolved = [a for a in tx.alarms.unresolved() if only is None or a.model in only][-SHOWN:]
        past = [a for a in tx.alarms.all(limit=2 * RESOLVED) if only is None or a.model in only]
        over = [a for a in past if a.state == "resolved" and a.changed >= now - _DAYS]
        shown = tuple(_row(tx, one, now, True) for one in sorted(unresolved, key=_urgency))
        ended = tuple(_row(tx, one, now, False) for one in sorted(over, key=lambda a: -a.changed)[:RESOLVED])
        named = {project.name, *(one.model for one in tx.deployments.all())}
        models = sorted(name for name in named if only is None or name in only)
        failing = tuple(one for model in models for one in _failing(tx, model))
        muted = {model: until for model in models if (until := tx.settings.get(outbox.muting(model)) or 0.0) > now}
    quiet = max((one.changed for one in over), default=None)
    heading, lead = _headed(shown, None if quiet is None else now - quiet)
    budget = 100.0 * project.settings.monitor.drift.level
    return AlarmsView(now, heading, lead, shown, ended, failing, muted, budget)


def _urgency(alarm: Alarm) -> tuple[bool, float]:
    return alarm.state != "open", -alarm.opened


def _row(tx: Transaction, one: Alarm, now: float, drawn: bool) -> AlarmRow:
    until = now if one.state != "resolved" else one.changed
    found = tx.windows.spread(one.model, one.cause, one.opened - _DAYS, until, POINTS) if drawn else []
    return AlarmRow(
        id=one.id,
        model=one.model,
        version=one.version,
        cause=one.cause,
        title=caused(one.cause),
        reason=one.reason,
        state=one.state,
        opened=one.opened,
        changed=one.changed,
        quiet=one.quiet,
        done=str(one.data.get("done", "")),
        undo=str(one.data.get("undo", "")),
        approve=str(one.data.get("approve", "")),
        asked=len(one.data.get("label") or ()),
        why=why_alarm(one),
        did=done_about(one),
        sparks=tuple(spark for time, _, verdict in found if (spark := _spark(time, verdict)) is not None),
    )


def _spark(time: float, verdict: Verdict) -> Spark | None:
    told = [c for c in verdict.checks if c.observed is not None and c.name != "rows"]
    if not told:
        return None
    worst = max(told, key=lambda c: c.observed or 0.0) if verdict.kind == "drift" else told[0]
    return Spark(time, worst.observed or 0.0, verdict.status)


def _failing(tx: Transaction, model: str) -> list[Notifying]:
    by: dict[str, list[outbox.Message]] = {}
    for message in outbox.waiting(tx, model):
        by.setdefault(message.to, []).append(message)
    return [
        Notifying(model, to, len(some), max(m.attempts for m in some))
        for to, some in by.items()
        if any(m.attempts for m in some)
    ]


def _headed(shown: tuple[AlarmRow, ...], quiet: float | None) -> tuple[Said, Said]:
    unseen = [one for one in shown if one.state == "open"]
    if unseen:
        first = unseen[0]
        return said("alarms.open", n=len(unseen)), said("alarms.first", model=first.model, title=first.title)
    if shown:
        return said("alarms.seen", n=len(shown)), said("alarms.first", model=shown[0].model, title=shown[0].title)
    if quiet is None:
        return said("alarms.none"), said("alarms.never")
    return said("alarms.none"), said("alarms.quiet", quiet=quiet)
