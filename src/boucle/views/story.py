"""Why did it change? Quality, drift by column and the decisions of one model on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from boucle.core.errors import NotFound
from boucle.core.event import Event
from boucle.core.verdict import Check, Verdict
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.views.advice import Advice, advice
from boucle.views.decisions import Decision, decided, undoable
from boucle.views.newest import RELEASED, Newest, bound_of
from boucle.views.overview import ModelCard, read

Span = Literal["24h", "7d", "30d", "release"]
SPANS: dict[Span, float] = {"24h": 86400.0, "7d": 7 * 86400.0, "30d": 30 * 86400.0}
POINTS, BARS, COLUMNS, MARKS = 120, 60, 4, 9
TOLD = (
    "verdict", "trained", "optimized", "distilled",
    "retraining", "rollout_started", "rollout_done", "rollout_aborted", "rollout_refused",
    "release", "rollback", "alias_moved", "disabled", "enabled", "gate_failed", "training_failed",
)  # fmt: skip
LEAST = 600.0
"""Seconds of the shortest axis."""

Verdicts = Sequence[tuple[float, int, Verdict]]


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a series with its interval and count; ``time`` is that of the requests (Unix seconds).

    ``judged`` is when it became known: later, by as long as labels take.
    """

    time: float
    value: float
    low: float | None
    high: float | None
    n: int | None
    status: str
    version: int
    judged: float


@dataclass(frozen=True, slots=True)
class Series:
    """``bound`` is what its newest value is held against; ``greater`` whether more is better, None where unknown."""

    name: str
    points: tuple[Point, ...] = ()
    bound: float | None = None
    greater: bool | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    time: float
    effect: float
    status: str


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One column's effect over time, in standard deviations; ``now`` is the newest, ``floor`` what counts."""

    name: str
    now: float
    status: str
    floor: float | None
    points: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A numbered decision on the axis."""

    number: int
    decision: Decision
    status: str


@dataclass(frozen=True, slots=True)
class Story:
    """``since`` to ``until`` is the axis (Unix seconds); truth is complete up to ``complete``, None without labels.

    ``marks`` are the newest of ``marked`` decisions on the axis. ``columns`` are those with the largest effects now.
    """

    model: ModelCard
    span: Span
    since: float
    until: float
    complete: float | None
    heading: Said
    lead: tuple[Said, ...]
    advice: Advice | None
    quality: Series
    estimate: Series
    columns: tuple[DriftRow, ...]
    drifted: int
    marks: tuple[Mark, ...]
    marked: int


def story(project: Project, model: str, span: Span = "release") -> Story:
    """Return what happened to ``model``; raises NotFound for one that this project does not have."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        card, seen = read(tx, model, now)
        since = since_of(tx, model, span, now)
        drift = tx.windows.spread(model, "drift", since, now, BARS)
        shown, told = marks(tx, model, since)
        quality = series(tx.windows.spread(model, "quality", since, now, POINTS))
        estimate = series(tx.windows.spread(model, "estimate", since, now, POINTS))
    columns = _columns(drift)
    return Story(
        model=card,
        span=span,
        since=since,
        until=now,
        complete=complete(seen),
        heading=said("story.is", model=_ref(card), state=said(card.state)),
        lead=tuple(_lead(seen, columns, told)),
        advice=advice(seen),
        quality=quality,
        estimate=estimate,
        columns=columns,
        drifted=sum(c.status == "fail" for c in drift[-1][2].checks) if drift else 0,
        marks=shown,
        marked=len(told),
    )


def known(tx: Transaction, project: Project, model: str) -> None:
    """Raise NotFound unless the project has this model."""
    if model != project.name and model not in {one.model for one in tx.deployments.all()}:
        raise NotFound(f"This project has no model '{model}'.", hint=f"it has: {project.name}", model=model)


def series(found: Verdicts, name: str = "") -> Series:
    """Return the series of a check over verdicts, oldest first: of the first check, or of that called ``name``."""
    points, last = [], None
    for judged, version, verdict in found:
        check = _check(verdict, name)
        if check is not None and check.observed is not None:
            points.append(_point(judged, version, verdict, check))
            last = check
    bound, greater = (None, None) if last is None else bound_of(last)
    return Series(name if last is None else last.name, tuple(points), bound, greater)


def complete(seen: Newest) -> float | None:
    """Return up to when nine tenths of the labels have come, None without labels."""
    quality = seen.verdict("quality")
    if quality is None or "end" not in quality.inputs:
        return None
    return min(float(quality.inputs["end"]), seen.now - float(quality.inputs["late"]))


def _point(judged: float, version: int, verdict: Verdict, check: Check) -> Point:
    assert check.observed is not None
    time = float(verdict.inputs.get("end", judged))
    return Point(time, check.observed, check.low, check.high, check.n, check.status, version, judged)


def _check(verdict: Verdict, name: str) -> Check | None:
    return next((c for c in verdict.checks if not name or c.name == name), None)


def _ref(card: ModelCard) -> str:
    return f"{card.name}/{card.version}" if card.version is not None else card.name


def since_of(tx: Transaction, model: str, span: Span, now: float) -> float:
    """Return where the axis begins: so long ago, or at the release before the newest."""
    if span != "release":
        return now - SPANS[span]
    released = tx.journal.events(model, RELEASED, limit=2)
    # The release before the newest shows what led to it.
    first = released[0].time if released else now
    return min(first, now - LEAST)


def _columns(drift: Verdicts) -> tuple[DriftRow, ...]:
    """Return the columns with the largest newest effects, each with its effects over time."""
    if not drift:
        return ()
    newest = [c for c in drift[-1][2].checks if c.observed is not None and c.name != "rows"]
    top = sorted(newest, key=lambda c: (c.status != "fail", -(c.observed or 0.0)))[:COLUMNS]
    rows = []
    for one in top:
        points = []
        for time, _, verdict in drift:
            check = _check(verdict, one.name)
            if check is not None:
                points.append(Effect(time, check.observed or 0.0, check.status))
        rows.append(DriftRow(one.name, one.observed or 0.0, one.status, bound_of(one)[0], tuple(points)))
    return tuple(rows)


def marks(tx: Transaction, model: str, since: float) -> tuple[tuple[Mark, ...], list[Event]]:
    """Return the newest decisions since then, numbered, and the events of all that are told."""
    told = tx.journal.events(model, TOLD, since=since, limit=4 * MARKS)
    shown = told[-MARKS:]
    kept = {one.seq: one for one in undoable(tx, [decided(event) for event in reversed(shown)])}
    return tuple(Mark(i, kept[event.seq], _status(event)) for i, event in enumerate(shown, start=1)), told


def _status(event: Event) -> str:
    if event.kind == "verdict":
        return str(event.data.get("verdict", {}).get("status", "inconclusive"))
    return "warn" if event.kind in ("disabled", "rollback", "rollout_aborted", "gate_failed") else "running"


def _lead(seen: Newest, columns: Sequence[DriftRow], told: Sequence[Event]) -> list[Said]:
    """Say what changed first, what it did to the model, and what was done: one sentence each."""
    found = []
    drift, quality = _first(told, "drift"), _first(told, "quality")
    changed = [one for one in columns if one.status == "fail"]
    if changed:
        ago = seen.now - (drift.time if drift is not None else changed[0].points[0].time)
        found.append(said("story.drift", column=changed[0].name, effect=changed[0].now, ago=ago))
    verdict = seen.verdict("quality")
    first = verdict.checks[0] if verdict is not None and verdict.checks else None
    bound = bound_of(first)[0] if first is not None else None
    if first is not None and first.observed is not None and bound is not None:
        key = "story.lost" if first.status == "fail" else "story.kept"
        ago = seen.now - (quality.time if quality is not None else seen.now)
        values = {"metric": first.name, "value": first.observed, "bound": bound, "n": int(first.n or 0)}
        found.append(said(key, ago=ago, **values) if key == "story.lost" and quality is not None else said(
            "story.is.lost" if key == "story.lost" else key, **values
        ))  # fmt: skip
    done = next((e for e in reversed(told) if e.kind != "verdict"), None)
    if done is not None:
        found.append(said("story.done", what=decided(done).what, ago=seen.now - done.time))
    return found


def _first(told: Sequence[Event], kind: str) -> Event | None:
    """Return the newest event that told of a verdict of this kind that failed."""
    failed = (kind, "fail")
    return next((e for e in reversed(told) if e.kind == "verdict" and _judged(e) == failed), None)


def _judged(event: Event) -> tuple[str, str]:
    """Return which kind of verdict an event tells of, and what it says; "" where that was not kept."""
    verdict = event.data.get("verdict")
    known = verdict if isinstance(verdict, dict) else {}
    return str(known.get("kind", "")), str(known.get("status", ""))
