"""The versions of one model: what each is, how it was judged, and the line from data to what the champion answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boucle.core.event import Event
from boucle.core.json import from_data
from boucle.core.verdict import Check
from boucle.loop.project import Project
from boucle.ports.stores import Transaction
from boucle.views.kept import Kept
from boucle.views.newest import RELEASED, TRAINED, Figure, figure
from boucle.views.story import known

MOST = 50


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version. ``role`` is champion, challenger, previous or empty; ``made`` is in Unix seconds.

    ``figure`` is the first number of its gate; ``rows`` are those it learned from; ``report`` lies in the state folder.
    """

    version: int
    role: str
    made: float
    how: str
    status: str
    figure: Figure | None
    rows: int | None
    fingerprint: str
    run: str
    report: str
    answered: int


@dataclass(frozen=True, slots=True)
class Versions:
    """``rows`` are the newest first; ``released`` is the number of the event that let the champion answer, and when."""

    model: str
    enabled: bool
    champion: int | None
    challenger: int | None
    previous: int | None
    phase: str
    share: float
    released: tuple[int, float] | None
    rows: tuple[VersionRow, ...]
    time: float


def versions(project: Project, model: str) -> Versions:
    """Return the newest versions of ``model``, from the live state alone; raises NotFound for an unknown model."""
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        held = tx.deployments.get(model)
        released = tx.journal.events(model, RELEASED, limit=1)
        made = tx.journal.events(model, TRAINED, limit=MOST)
        roles = {held.previous: "previous", held.challenger: "challenger", held.champion: "champion"}
        answered = _answered(project, tx, model)
        rows = tuple(
            _row(event, roles.get(event.version, ""), answered.get(event.version, 0))
            for event in reversed(made)
            if event.version
        )
    rollout = held.rollout if held.challenger is not None else None
    return Versions(
        model=model,
        enabled=held.enabled,
        champion=held.champion,
        challenger=held.challenger,
        previous=held.previous,
        phase=rollout.phase if rollout else "",
        share=rollout.share if rollout else 0.0,
        released=(released[0].seq, released[0].time) if released else None,
        rows=rows,
        time=project.clock.now(),
    )


_counted: Kept[tuple[Path, str], dict[int, int]] = Kept()


def _answered(project: Project, tx: Transaction, model: str) -> dict[int, int]:
    """Return the rows each version has answered, as counted in the last minute: all requests are counted for it."""
    return _counted.get((project.root, model), lambda: tx.observations.answered(model))


def _row(event: Event, role: str, answered: int) -> VersionRow:
    data = event.data
    verdict = data.get("verdict") or {}
    checks = [from_data(one, Check) for one in verdict.get("checks", ())]
    measured = next((one for one in checks if one.observed is not None), None)
    return VersionRow(
        version=event.version or 0,
        role=role,
        made=event.time,
        how=event.kind,
        status=str(verdict.get("status", "inconclusive")),
        figure=figure(measured, event.time),
        rows=data.get("rows"),
        fingerprint=str(data.get("fingerprint", "")),
        run=str(data.get("run", "")),
        report=str(data.get("report", "")),
        answered=answered,
    )
