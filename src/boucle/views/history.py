"""History: who or what decided, and why? One page of it at a time, with its evidence and what takes it back."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.core.errors import NotFound
from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.views.decisions import Decision, decided, undoable
from boucle.views.kept import MINUTE, Kept
from boucle.views.story import known

PAGE = 50
KINDS: dict[str, tuple[str, ...]] = {
    "releases": (
        "release", "rollout_started", "rollout_step", "rollout_done", "rollout_aborted", "rollout_paused",
        "rollout_resumed", "rollout_refused", "rollback", "alias_moved", "disabled", "enabled",
    ),
    "training": (
        "trained", "adopted", "optimized", "distilled",
        "retraining", "retraining_lost", "training_failed", "gate_failed", "turn_asked", "labels_asked",
        "data_refused",
    ),
    "verdicts": ("verdict",),
    "decisions": ("decision", "action_failed"),
    "alarms": ("alarm_opened", "alarm_acknowledged", "alarm_resolved", "muted", "message_failed"),
    "access": ("key_added", "key_rotated", "key_revoked", "role_given"),
}  # fmt: skip
"""Groups of kinds to choose from."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Whether the hash chain holds: checked at ``time`` (Unix seconds) up to ``events``; ``broken_at`` is a seq."""

    ok: bool
    events: int
    broken_at: int | None
    time: float


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One page, the newest first. ``before`` is where the older page begins, None on the last one."""

    time: float
    heading: Said
    lead: Said
    entries: tuple[Decision, ...]
    before: int | None
    models: tuple[str, ...]
    kinds: tuple[str, ...]
    actors: tuple[str, ...]
    chain: Chain


@dataclass(frozen=True, slots=True)
class EventView:
    """One entry with all it was written with, and its place in the chain."""

    decision: Decision
    data: dict[str, Any]
    previous: str
    digest: str


def history(
    project: Project,
    model: str = "",
    kind: str = "",
    actor: str = "",
    refused: bool = True,
    before: int = 0,
    only: Container[str] | None = None,
) -> HistoryView:
    """Return 50 events at most, older than ``before``. ``kind`` is one of KINDS or an event's own kind.

    ``only`` leaves out other models' events, and those about none.
    """
    kinds = KINDS.get(kind, (kind,) if kind else ())
    with project.state.begin(write=False) as tx:
        if model:
            known(tx, project, model)
        found = tx.journal.events(model or None, kinds, limit=PAGE + 1, before=before, actor=actor)
        entries = undoable(tx, [decided(event) for event in reversed(found[-PAGE:])])
        actors = tx.journal.actors(model or None)
        names = sorted({project.name, *(one.model for one in tx.deployments.all())})
    chain = verified(project)
    more = found[1].seq if len(found) > PAGE else None
    return HistoryView(
        time=project.clock.now(),
        heading=_headed(chain, bool(model or kind or actor or before)),
        lead=said("history.chain" if chain.ok else "history.broken", n=chain.events, at=chain.broken_at),
        entries=tuple(e for e in entries if (refused or not e.refused) and (only is None or e.model in only)),
        before=more,
        models=tuple(name for name in names if only is None or name in only),
        kinds=tuple(KINDS),
        actors=tuple(actors),
        chain=chain,
    )


def event(project: Project, seq: int) -> EventView:
    """Return one entry whole; raises NotFound."""
    with project.state.begin(write=False) as tx:
        found = tx.journal.events(after=seq - 1, before=seq + 1)
        if not found:
            raise NotFound(f"There is no event {seq}.", hint="boucle history", seq=seq)
        (told,) = undoable(tx, [decided(found[0])])
    one: Event = found[0]
    return EventView(told, one.data, one.previous, one.digest)


_walks: Kept[Path, Chain] = Kept()


def verified(project: Project, fresh: bool = False) -> Chain:
    """Return whether the chain holds; a walk, which reads every event, counts for a minute but if ``fresh``."""
    return _walks.get(project.root, lambda: _walked(project), 0.0 if fresh else MINUTE)


def _walked(project: Project) -> Chain:
    with project.state.begin(write=False) as tx:
        broken, count = tx.journal.verify(), tx.journal.head()
    return Chain(broken is None, count, broken, project.clock.now())


def _headed(chain: Chain, narrowed: bool) -> Said:
    if not chain.ok:
        return said("history.head.broken")
    if not chain.events:
        return said("history.head.none")
    return said("history.head.some" if narrowed else "history.head", n=chain.events)
