"""Maturity: what is missing to let go of the wheel? Three levels as a checklist read from the project."""

from __future__ import annotations

from dataclasses import dataclass

from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.project.answering import Fallback
from boucle.project.settings import Settings
from boucle.views.newest import Newest, newest

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a level takes. ``add`` is the command, or the line of boucle.yaml, that adds it; empty when done."""

    key: str
    what: Said
    done: bool
    add: str


@dataclass(frozen=True, slots=True)
class Level:
    number: int
    title: Said
    done: bool
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Maturity:
    """``level`` is the highest whose things are all there, with those before it; 0 is none."""

    model: str
    level: int
    heading: Said
    lead: Said
    levels: tuple[Level, ...]


def maturity(project: Project) -> Maturity:
    """Return how far the project's loop may be left alone."""
    with project.state.begin(write=False) as tx:
        seen = newest(tx, tx.deployments.get(project.name), project.clock.now())
    settings = project.settings
    levels = tuple(
        Level(number, said(f"maturity.level.{number}"), all(one.done for one in items), tuple(items))
        for number, items in enumerate((_watched(settings, seen), _asked(settings, seen), _alone(settings, seen)), 1)
    )
    reached = next((one.number - 1 for one in levels if not one.done), len(levels))
    if reached == len(levels):
        lead = said("maturity.all")
    else:
        missing = sum(not item.done for item in levels[reached].items)
        lead = said("maturity.missing", n=missing, level=reached + 1)
    return Maturity(project.name, reached, said(f"maturity.{reached}"), lead, levels)


def _item(key: str, done: bool, add: str, what: Said | None = None) -> Item:
    return Item(key, what or said(f"maturity.{key}"), done, "" if done else add)


def _watched(settings: Settings, seen: Newest) -> list[Item]:
    slo = settings.monitor.slo
    promised = any(one is not None for one in (slo.latency_p99_ms, slo.error_rate, slo.availability))
    return [
        _item("champion", seen.held.champion is not None, "boucle train"),
        _item("traffic", seen.window is not None, "boucle up"),
        _item("alerts", bool(settings.alerts), "alerts: [mailto://…]"),
        _item("truth", seen.labels > 0, "boucle feedback FILE"),
        _item("slo", promised, "monitor: {slo: {latency_p99_ms: 250, error_rate: 0.01}}"),
    ]


def _asked(settings: Settings, seen: Newest) -> list[Item]:
    needed = settings.react.min_labels
    labels = said("maturity.labels", n=seen.labels, needed=needed)
    retrains = settings.react.quality_loss.action == "retrain" and not settings.react.dry_run
    stepwise = settings.release.strategy in ("canary", "shadow") and bool(settings.release.steps)
    return [
        _item("gates", bool(settings.evaluate.require), "evaluate: {require: {METRIC: BOUND}}"),
        _item("reaction", retrains, "react: {quality_loss: retrain}"),
        _item("labels", seen.labels >= needed, "boucle feedback FILE", labels),
        _item("canary", stepwise, "release: {strategy: canary, steps: [10, 50]}"),
        _item("back", seen.held.previous is not None, "boucle train --reason 'a second version'"),
    ]


def _alone(settings: Settings, seen: Newest) -> list[Item]:
    quality = seen.verdict("quality")
    late = quality.inputs.get("late") if quality is not None else None
    told = said("maturity.delay.now", late=float(late)) if late is not None and late > _DAY else None
    fallback = settings.serve.fallback
    answers = fallback is not None and not (isinstance(fallback, Fallback) and fallback.otherwise is None)
    renewed = settings.react.schedule is not None or settings.react.stale is not None
    return [
        _item("alone", not settings.release.require_approval, "release: {require_approval: false}"),
        _item("delay", late is not None and late <= _DAY, "boucle feedback FILE", told),
        _item("slices", bool(settings.evaluate.slices), "evaluate: {slices: [COLUMN]}"),
        _item("fallback", answers or seen.held.previous is not None, "serve: {fallback: VALUE}"),
        _item("business", bool(settings.monitor.business), "monitor: {business: {NAME: {event: EVENT}}}"),
        _item("schedule", renewed, "react: {stale: 30d}"),
    ]
