"""The rollouts there were: which traffic moved, when, and what came of it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.loop.telling.reasons import why
from boucle.loop.telling.said import Said, said
from boucle.views.rollout import ENDS
from boucle.views.story import known

LISTED = 50


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One rollout of the list."""

    id: str
    model: str
    challenger: int
    champion: int | None
    strategy: str
    started: float
    ended: float | None
    outcome: str
    share: float
    reason: str
    why: Said | None


@dataclass(frozen=True, slots=True)
class Rollouts:
    time: float
    heading: Said
    lead: Said
    rows: tuple[RolloutRow, ...]


def rollouts(project: Project, model: str | None = None, only: Container[str] | None = None) -> Rollouts:
    """Return the newest rollouts of every model, of one, or of ``only`` some, the newest first."""
    with project.state.begin(write=False) as tx:
        if model is not None:
            known(tx, project, model)
        told = tx.journal.events(model, ("rollout_started", *ENDS), limit=2 * LISTED)
    rows = [row for row in _listed(told) if only is None or row.model in only]
    live = [one for one in rows if one.ended is None]
    if live:
        first = live[0]
        heading = said("rollouts.live", n=len(live))
        lead = said("rollouts.live.lead", ref=f"{first.model}/{first.challenger}", share=first.share)
    elif rows:
        last = rows[0]
        heading = said("rollouts.none")
        ref, ago = f"{last.model}/{last.challenger}", project.clock.now() - (last.ended or last.started)
        lead = said(f"rollouts.last.{last.outcome}", ref=ref, ago=ago)
    else:
        heading, lead = said("rollouts.none"), said("rollouts.never", model=model or project.name)
    return Rollouts(project.clock.now(), heading, lead, tuple(rows[:LISTED]))


def _listed(told: Sequence[Event]) -> list[RolloutRow]:
    """Pair starts with their ends, the newest first."""
    ends: dict[str, Event] = {}
    rows = []
    for event in reversed(told):
        after: dict[str, Any] = event.data.get("after") or {}
        one = after.get("rollout") or {}
        number = str(one.get("id", ""))
        if event.kind in ENDS:
            ends.setdefault(number, event)
            continue
        end = ends.get(number)
        outcome = "live" if end is None else "promoted" if end.kind == "rollout_done" else "ended"
        rows.append(
            RolloutRow(
                number, event.model, int(event.version or 0), after.get("champion"), str(one.get("strategy", "")),
                event.time, end.time if end else None, outcome, float(one.get("share") or 0.0),
                end.reason if end else event.reason,
                why(end or event),
            )
        )  # fmt: skip
    return rows
