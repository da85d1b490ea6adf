"""Quality and business: does it still keep its promise, and is it worth money? All on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boucle.core.verdict import Check, Verdict
from boucle.evaluation.result import Fairness
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.measures.metrics import METRICS
from boucle.monitoring.burn import Budget, budgets
from boucle.monitoring.business import Measure
from boucle.monitoring.estimate import ASSUMPTION
from boucle.monitoring.meter import Metered
from boucle.project.values import seconds
from boucle.views.evaluations import stored, trained
from boucle.views.newest import Figure, Newest, figure
from boucle.views.overview import ModelCard, read
from boucle.views.story import Mark, Series, Span, complete, known, marks, series, since_of
from boucle.views.worth import Worth, totals, worth

POINTS, SERVICE, SLICES = 600, 240, 50
SERVED = ("latency_p99_ms", "error_rate")


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the newest labelled rows judged by itself; ``share`` of them all."""

    name: str
    figure: Figure
    share: float | None


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled rows so far, and how late labels are: half of them within ``delay`` seconds, nine tenths in ``late``."""

    n: int
    last: float | None
    delay: float | None
    late: float | None
    stopped: float | None


@dataclass(frozen=True, slots=True)
class QualityView:
    """``quality`` is late truth, complete up to ``complete``; ``estimate`` is a guess without labels.

    ``others`` are metrics that are told and not judged. ``service`` are latency and errors of the windows, where they
    are promised. ``business`` is what came of each version's answers, ``worth`` the same over time. Times are Unix
    seconds.
    """

    model: ModelCard
    span: Span
    since: float
    until: float
    complete: float | None
    status: str
    heading: Said
    lead: tuple[Said, ...]
    quality: Series
    others: tuple[Series, ...]
    estimate: Series
    assumption: str
    estimate_note: str
    service: tuple[Series, ...]
    budgets: tuple[Budget, ...]
    slices: tuple[Slice, ...]
    fairness: tuple[Fairness, ...]
    business: tuple[Measure, ...]
    worth: tuple[Worth, ...]
    labels: Labels
    marks: tuple[Mark, ...]


def quality(project: Project, model: str, span: Span = "release") -> QualityView:
    """Return what labels and service say of ``model`` over ``span``."""
    now, settings = project.clock.now(), project.settings
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        card, seen = read(tx, model, now)
        since = since_of(tx, model, span, now)
        found = tx.windows.spread(model, "quality", since, now, POINTS)
        guessed = tx.windows.spread(model, "estimate", since, now, SERVICE)
        served = tx.windows.spread(model, "slo", since, now, SERVICE)
        told, _ = marks(tx, model, since)
        metered = Metered(tx, model, now)
        event = trained(tx, model, card.version) if card.version is not None else None
        measured = totals(project, tx, model, now)
        over = worth(project, tx, model, measured, since, now)
    newest = seen.verdict("quality")
    names = [c.name for c in newest.checks[1:] if not c.evidence.get("metric")] if newest is not None else []
    evaluation = stored(project, event)
    whole = series(found)
    slices = _slices(newest)
    heading, lead = _headed(card, newest, slices)
    return QualityView(
        model=card,
        span=span,
        since=since,
        until=now,
        complete=complete(seen),
        status=seen.status("quality"),
        heading=heading,
        lead=lead,
        quality=whole,
        others=tuple(series(found[-SERVICE:], name) for name in names[:4]),
        estimate=series(guessed, whole.name) if whole.name else series(guessed),
        assumption=ASSUMPTION,
        estimate_note=_noted(seen.verdict("estimate")),
        service=tuple(one for name in SERVED if (one := series(served, name)).points),
        budgets=tuple(budgets(metered.counted, settings.monitor.slo, seconds(settings.monitor.slo.period))),
        slices=slices,
        fairness=evaluation.fairness if evaluation is not None else (),
        business=measured,
        worth=over,
        labels=_labels(seen),
        marks=told,
    )


def _slices(newest: Verdict | None) -> tuple[Slice, ...]:
    """Return the slices of the newest labelled rows, the worst first."""
    if newest is None:
        return ()
    rows = int(newest.inputs.get("labels", 0)) or None
    found = []
    for check in newest.checks:
        told = figure(check) if check.evidence.get("metric") else None
        if told is not None:
            found.append(Slice(check.name, told, (told.n or 0) / rows if rows else None))
    first = newest.checks[0] if newest.checks else None
    better = first is not None and first.bound.startswith(">")
    found.sort(key=lambda one: (one.figure.status != "fail", (1 if better else -1) * (one.figure.value or 0.0)))
    return tuple(found[:SLICES])


def _noted(estimate: Verdict | None) -> str:
    return estimate.checks[0].note if estimate is not None and estimate.checks else ""


def _labels(seen: Newest) -> Labels:
    found = seen.verdicts.get("quality")
    if found is None:
        return Labels(seen.labels, None, None, None, None)
    inputs = found[1].inputs
    delay, late = inputs.get("delay"), inputs.get("late")
    silent = seen.now - found[0] if late is not None and seen.now - found[0] > max(2.0 * float(late), 3600.0) else None
    return Labels(seen.labels, inputs.get("end"), delay, late, silent)


def _headed(card: ModelCard, newest: Verdict | None, slices: Sequence[Slice]) -> tuple[Said, tuple[Said, ...]]:
    first = newest.checks[0] if newest is not None and newest.checks else None
    if first is None or first.observed is None:
        return said("quality.none", model=card.name), (said("quality.send"),)
    word = {"fail": "lost", "pass": "kept"}.get(first.status, "unsure")
    told = figure(first)
    assert told is not None
    values = {"value": first.observed, "n": int(first.n or 0)}
    if None in (told.low, told.high, told.bound):
        lead = [said("quality.value.plain", **values)]
    else:
        lead = [said("quality.value", low=told.low, high=told.high, bound=told.bound, **values)]
    if slices and slices[0].figure.value is not None:
        worst = slices[0].figure
        lead.append(said("quality.slice", slice=worst.name, value=worst.value, n=int(worst.n or 0)))
    return _promised(first, told, word), tuple(lead)


def _promised(first: Check, told: Figure, word: str) -> Said:
    """Say whether the promise is kept, and by how much it is not."""
    known = METRICS.get(first.name)
    metric = known.title[:1].upper() + known.title[1:] if known is not None else first.name
    if word != "lost" or told.bound is None or told.value is None:
        return said(f"quality.{word}", metric=metric)
    share = known is not None and known.high == 1.0
    by = said("as.points" if share else "as.number", value=abs(told.value - told.bound))
    return said("quality.under" if told.greater else "quality.over", metric=metric, by=by)
