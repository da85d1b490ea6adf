"""What the policy is told: the state of the project in its words."""

from __future__ import annotations

import numpy as np
from croniter import croniter

from boucle.core.deployment import Deployment
from boucle.core.verdict import Verdict
from boucle.loop import alarms
from boucle.loop.memory import Memory
from boucle.loop.policy import EXTERNAL, JUDGED, Known, Outside, reaction_to
from boucle.loop.project import Project
from boucle.loop.turns import running
from boucle.monitoring.quarantine import quarantined, within
from boucle.ports.stores import Transaction
from boucle.project.answering import Fallback
from boucle.project.settings import Settings
from boucle.project.values import seconds
from boucle.project.watching import React

_MOST = 20_000
"""Labelled rows that are counted at most."""


def newest_verdicts(tx: Transaction, held: Deployment) -> dict[str, Verdict]:
    """Return the newest verdict of each kind about the champion."""
    newest: dict[str, Verdict] = {}
    for kind in JUDGED:
        found = [v for _, version, v in tx.windows.verdicts(held.model, kind, limit=4) if version == held.champion]
        if found:
            newest[kind] = found[-1]
    return newest


def known(
    project: Project, tx: Transaction, held: Deployment, kept: Memory, verdicts: dict[str, Verdict], created: float
) -> Known:
    """Gather what the policy may take into account; ``created`` is when the champion was made (Unix seconds)."""
    settings, now = project.settings, project.clock.now()
    react = settings.react
    outside = _outside(tx, held)
    wanted = _matters(verdicts, outside, kept, react)
    labels, fresh = _labels(tx, held.model, kept, settings) if wanted else (0, 0)
    approval, fault = (alarms.find(tx, held.model, cause) for cause in ("approval", "fault"))
    return Known(
        streaks={kind: kept.failures(kind, reaction_to(kind, react).confirm) for kind in verdicts},
        idle=kept.idle,
        windows=kept.windows - kept.released,
        breached=kept.breached,
        fault_open=fault is not None,
        retrained_today=kept.fits_today(now),
        failed_gates=kept.failed_gates,
        labels=labels,
        fresh=fresh,
        follow_up=kept.follow_up_due,
        change=kept.change,
        age=max(0.0, now - created),
        training=running(tx, held.model, now) is not None,
        stale_after=None if react.stale is None else seconds(react.stale),
        rolling_out=held.challenger is not None,
        approving=approval is not None and approval.state == "open",
        disabled=not held.enabled,
        has_previous=held.previous is not None,
        has_fallback=_answers_without(settings, held),
        schedule_due=_due(react.schedule, kept.scheduled, now),
        outside=outside,
    )


def _outside(tx: Transaction, held: Deployment) -> tuple[Outside, ...]:
    """Return the alerts of others that fire: not those that were acted on, or that a person has taken over."""
    return tuple(
        Outside(alarm.cause.removeprefix(EXTERNAL), alarm.reason, alarm.version == held.champion)
        for alarm in tx.alarms.unresolved(held.model)
        if alarm.cause.startswith(EXTERNAL) and alarm.state == "open" and not alarm.data.get("acted")
    )


def _answers_without(settings: Settings, held: Deployment) -> bool:
    """Say whether the declared fallback can answer in the champion's place."""
    declared = settings.serve.fallback
    if isinstance(declared, Fallback) and declared.otherwise is None:
        return held.previous is not None
    return declared is not None


def _matters(verdicts: dict[str, Verdict], outside: tuple[Outside, ...], kept: Memory, react: React) -> bool:
    """Say whether a retraining may come of it, so that labels have to be counted."""
    if any(one.name in react.external and react.external[one.name].action == "retrain" for one in outside):
        return True
    failed = [kind for kind, verdict in verdicts.items() if verdict.status == "fail"]
    return kept.follow_up_due or any(reaction_to(kind, react).action == "retrain" for kind in failed)


def _labels(tx: Transaction, model: str, kept: Memory, settings: Settings) -> tuple[int, int]:
    """Count the labelled rows to learn from, of closed windows without a fault: all, and those since the change whose
    truth came after the last retraining."""
    window = settings.monitor.window
    most = min(_MOST, 2 * settings.react.min_labels + (window if isinstance(window, int) else _MOST))
    joined = tx.observations.joined(model, limit=most)
    times, arrived = (np.array(values, dtype=np.float64) for values in (joined.times, joined.arrived))
    usable = (times <= kept.judged) & ~within(times, quarantined(tx, model))
    fresh = usable & (arrived > max(kept.fits, default=0.0)) & (times >= (kept.change or 0.0))
    return int(usable.sum()), int(fresh.sum())


def _due(cron: str | None, scheduled: float, now: float) -> bool:
    """Say whether the schedule's next time after the last one has come; without a last one the count only starts."""
    if cron is None or scheduled == 0.0:
        return False
    return float(croniter(cron, scheduled).get_next(float)) <= now
