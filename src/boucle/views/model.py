"""One model: where its champion came from, and every version it has had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.views.newest import RELEASED, TRAINED, Figure
from boucle.views.overview import ModelCard, read
from boucle.views.said import Said, said
from boucle.views.story import known

VERSIONS = 50


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version: when it was made (Unix seconds), the verdict of its gate, and the metric that decides.

    ``role`` is champion, challenger, previous or empty; ``released`` is when it last took over.
    """

    version: int
    made: float
    how: str
    role: str
    gate: str
    metric: Figure | None
    rows: int | None
    labelled: int | None
    fingerprint: str
    run: str
    report: str
    released: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the champion came from: data, run, version, release."""

    fingerprint: str
    rows: int | None
    run: str
    version: int | None
    digest: str
    released: int | None
    since: float | None


@dataclass(frozen=True, slots=True)
class ModelView:
    card: ModelCard
    heading: Said
    lead: Said
    lineage: Lineage | None
    versions: tuple[VersionRow, ...]


def model(project: Project, name: str) -> ModelView:
    """Return one model with its newest 50 versions; raises NotFound."""
    with project.state.begin(write=False) as tx:
        known(tx, project, name)
        card, seen = read(tx, name, project.clock.now())
        made = tx.journal.events(name, TRAINED, limit=VERSIONS)
        released = tx.journal.events(name, RELEASED, limit=4 * VERSIONS)
    held = seen.held
    roles = {held.previous: "previous", held.challenger: "challenger", held.champion: "champion"}
    last = {event.version: event for event in released}
    rows = [_row(e, roles.get(e.version, ""), last.get(e.version)) for e in reversed(made) if e.version is not None]
    ref = f"{name}/{card.version}" if card.version is not None else name
    lineage = next((_lineage(e, last.get(e.version)) for e in made if e.version == held.champion), None)
    return ModelView(
        card,
        said("story.is", model=ref, state=said(card.state)),
        said("home.why", why=card.why),
        lineage if held.champion is not None else None,
        tuple(rows),
    )


def _row(event: Event, role: str, released: Event | None) -> VersionRow:
    data: dict[str, Any] = event.data
    verdict = data.get("verdict") or {}
    assert event.version is not None
    return VersionRow(
        version=event.version,
        made=event.time,
        how=event.kind,
        role=role,
        gate=str(verdict.get("status", "inconclusive")),
        metric=_metric(verdict),
        rows=data.get("rows"),
        labelled=data.get("labelled_rows"),
        fingerprint=str(data.get("fingerprint", ""))[:12],
        run=str(data.get("run", "")),
        report=str(data.get("report", "")),
        released=released.time if released is not None else None,
        reason=event.reason,
    )


def _metric(verdict: dict[str, Any]) -> Figure | None:
    first = next((c for c in verdict.get("checks", ()) if c.get("observed") is not None), None)
    if first is None:
        return None
    return Figure(
        first["name"], first["observed"], first.get("low"), first.get("high"), first.get("n"), status=first["status"]
    )


def _lineage(event: Event, released: Event | None) -> Lineage:
    data = event.data
    return Lineage(
        fingerprint=str(data.get("fingerprint", "")),
        rows=data.get("rows"),
        run=str(data.get("run", "")),
        version=event.version,
        digest=str(data.get("digest", "")),
        released=released.seq if released is not None else None,
        since=released.time if released is not None else None,
    )
