"""Drift: what changed in what comes in? Columns by effect, and one of them against the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.deployment import Target
from boucle.core.errors import BoucleError
from boucle.core.json import from_data
from boucle.core.observation import Window
from boucle.core.profile import Counts
from boucle.core.verdict import Check, Verdict
from boucle.loop.project import Project
from boucle.loop.telling.reasons import faulty
from boucle.loop.telling.said import Said, said
from boucle.measures.law import Law
from boucle.monitoring.drift import ENOUGH, LONGEST
from boucle.monitoring.look import law_of
from boucle.ports.stores import Transaction
from boucle.views.decisions import Decision, decisions
from boucle.views.histogram import Histogram, histogram
from boucle.views.newest import Figure, bound_of, figure
from boucle.views.overview import ModelCard, read
from boucle.views.story import known

COLUMNS = 50
_SHAPES = ("smooth", "chi2")
_DECIDED = 3


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column. ``status`` is fail, pass, or inconclusive where the interval of the effect crosses the floor.

    ``effect`` is in about standard deviations, on ``windows`` windows with ``rows`` rows.
    """

    name: str
    status: str
    effect: float | None
    low: float | None
    high: float | None
    rows: int
    windows: int
    note: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken in a column: a share of its rows against what was to be expected.

    ``what`` says it in either language, ``note`` as it was judged.
    """

    column: str
    kind: str
    share: float
    bound: str
    rows: int
    note: str
    what: Said | None = None


@dataclass(frozen=True, slots=True)
class DriftView:
    """``horizon`` is how many windows are judged together, ``horizons`` those there are to choose from.

    ``columns`` are at most 50, the largest effects first; ``tested`` is how many there are. ``slices`` is what quality
    is on the levels of ``picture``'s column, where it is kept. ``judged`` is when (Unix seconds).
    """

    model: ModelCard
    judged: float | None
    status: str
    heading: Said
    lead: tuple[Said, ...]
    horizon: int
    horizons: tuple[int, ...]
    rows: int
    reference: int | None
    floor: float | None
    columns: tuple[ColumnDrift, ...]
    tested: int
    drifted: int
    untested: tuple[str, ...]
    faults: tuple[Fault, ...]
    fault_status: str
    picture: Histogram | None
    selected: str
    slices: tuple[Figure, ...]
    whole: Figure | None
    alarm: Alarm | None
    decisions: tuple[Decision, ...]
    trouble: str
    first: float | None


def drift(project: Project, model: str, horizon: int | None = None, column: str = "") -> DriftView:
    """Return what changed for ``model``; ``horizon`` is in windows, the default is the one that speaks loudest."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        card, seen = read(tx, model, now)
        windows = tx.windows.counts(model, card.version, LONGEST) if card.version is not None else []
        law, trouble = _law(tx, project, model, card.version)
        done = [one for one in decisions(tx, model, 4 * _DECIDED) if one.kind == "decision" or one.kind == "trained"]
        after = windows[-1][0].end if windows else (card.since or 0.0)
        waiting = 0 if card.version is None else tx.observations.count(model, card.version, after)
    judged, verdict = seen.verdicts.get("drift", (None, None))
    rows = _columns(verdict, horizon)
    chosen = column if column in {one.name for one in rows} else (rows[0].name if rows else "")
    many = horizon or next((one.windows for one in rows if one.name == chosen), 1)
    picture, trouble = _picture(law, windows, many, chosen, trouble)
    top = picture
    if rows and rows[0].name != chosen:
        top, _ = _picture(law, windows, horizon or rows[0].windows, rows[0].name, trouble)
    fault = seen.verdict("fault")
    quality = seen.verdict("quality")
    faults = faults_of(fault)
    heading, lead = _said(card, verdict, rows, faults, top, waiting)
    return DriftView(
        model=card,
        judged=judged,
        status=verdict.status if verdict is not None else "inconclusive",
        heading=heading,
        lead=lead,
        horizon=many,
        horizons=_horizons(verdict),
        rows=sum(w.rows for w, _ in windows[-many:]),
        reference=law.profile.rows if law is not None else None,
        floor=_floor(verdict),
        columns=tuple(rows[:COLUMNS]),
        tested=len(rows),
        drifted=sum(one.status == "fail" for one in rows),
        untested=tuple(verdict.inputs.get("untested", ())) if verdict is not None else (),
        faults=faults,
        fault_status=fault.status if fault is not None else "inconclusive",
        picture=picture,
        selected=chosen,
        slices=_slices(quality, chosen),
        whole=card.quality,
        alarm=next((one for one in seen.alarms if one.cause == "drift"), None),
        decisions=tuple(done[:_DECIDED]),
        trouble=trouble,
        first=next((one.opened for one in seen.alarms if one.cause == "drift"), None),
    )


def _law(tx: Transaction, project: Project, model: str, version: int | None) -> tuple[Law | None, str]:
    """Return what the champion's bundle says of the reference, or why it cannot be read."""
    if version is None:
        return None, ""
    kept: Any = tx.settings.get(f"target:{model}/{version}")
    try:
        target = from_data(kept, Target) if kept is not None else project.target(model, version)
        return law_of(Path(target.bundle)), ""
    except BoucleError as error:
        return None, str(error)


def _columns(verdict: Verdict | None, horizon: int | None) -> list[ColumnDrift]:
    if verdict is None:
        return []
    found = [_column(check, horizon) for check in verdict.checks if check.name != "rows"]
    return sorted(found, key=lambda one: (_ORDER[one.status], -(one.effect or 0.0)))


_ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


def _column(check: Check, horizon: int | None) -> ColumnDrift:
    """Return a column on its loudest horizon, or on ``horizon``."""
    tests = {key: told for key, told in check.evidence.items() if isinstance(told, dict) and "effect" in told}
    floor = bound_of(check)[0]
    if horizon is not None and tests:
        shape = next((tests[f"{kind}_{horizon}"] for kind in _SHAPES if f"{kind}_{horizon}" in tests), None)
        sure = any(told.get("sure") for key, told in tests.items() if key.endswith(f"_{horizon}"))
        if shape is not None:
            low, high = shape.get("low"), shape.get("high")
            status = "fail" if sure else _unsure(low, high, floor)
            return ColumnDrift(
                check.name, status, shape["effect"], low, high, int(shape["rows"]), horizon,
                check.note if sure else "",
            )  # fmt: skip
    status = "fail" if check.status == "fail" else _unsure(check.low, check.high, floor)
    windows = next((int(key.rsplit("_", 1)[1]) for key, told in tests.items() if told["effect"] == check.observed), 1)
    return ColumnDrift(
        check.name, status, check.observed, check.low, check.high, int(check.n or 0), windows, check.note
    )


def _unsure(low: float | None, high: float | None, floor: float | None) -> str:
    """Say whether an effect that is no alarm is surely under the floor: its interval must not cross it."""
    return "inconclusive" if floor is not None and high is not None and high >= floor else "pass"


def _horizons(verdict: Verdict | None) -> tuple[int, ...]:
    return tuple(int(w) for w in verdict.inputs.get("windows", ())) if verdict is not None else ()


def _floor(verdict: Verdict | None) -> float | None:
    checks = verdict.checks if verdict is not None else ()
    return next((bound for check in checks if check.name != "rows" and (bound := bound_of(check)[0]) is not None), None)


def _picture(
    law: Law | None, windows: Sequence[tuple[Window, Counts]], many: int, column: str, trouble: str
) -> tuple[Histogram | None, str]:
    if law is None or not windows or not column:
        return None, trouble
    held = [counts for _, counts in windows[-many:]]
    total = held[0]
    try:
        for counts in held[1:]:
            total = total + counts
        return histogram(law, total, column), trouble
    except (KeyError, ValueError) as error:
        return None, f"the windows do not fit this version's reference: {error}"


def faults_of(verdict: Verdict | None) -> tuple[Fault, ...]:
    """Return what a verdict about faults found broken."""
    return tuple(map(_fault, verdict.failed)) if verdict is not None else ()


def _fault(check: Check) -> Fault:
    told = check.evidence
    column, kind = str(told.get("column", check.name)), str(told.get("kind", ""))
    return Fault(column, kind, check.observed or 0.0, check.bound, int(check.n or 0), check.note, faulty(column, kind))


def _slices(quality: Verdict | None, column: str) -> tuple[Figure, ...]:
    if quality is None or not column:
        return ()
    named = [c for c in quality.checks if c.evidence.get("metric") and c.name.startswith(f"{column}=")]
    return tuple(one for check in named if (one := figure(check)) is not None)


def _said(
    card: ModelCard,
    verdict: Verdict | None,
    rows: Sequence[ColumnDrift],
    faults: Sequence[Fault],
    picture: Histogram | None,
    waiting: int,
) -> tuple[Said, tuple[Said, ...]]:
    if verdict is None:
        return said("drift.none", model=card.name), (said("drift.rows", n=waiting, needed=ENOUGH),)
    if not rows:
        few = int(verdict.checks[0].observed or 0) if verdict.checks else waiting
        return said("drift.none", model=card.name), (said("drift.rows", n=few, needed=ENOUGH),)
    drifted = [one for one in rows if one.status == "fail"]
    if faults:
        valid = said("drift.faulty", n=len({one.column for one in faults}), column=faults[0].column)
    else:
        valid = said("drift.valid" if drifted else "drift.valid.quiet")
    if not drifted:
        unsure = sum(one.status == "inconclusive" for one in rows)
        told = (said("drift.unsure", n=unsure), valid) if unsure else (valid,)
        return said("drift.quiet", model=card.name, n=len(rows)), told
    top = drifted[0]
    mostly = _moved(top, picture) or said("drift.mostly", column=top.name, effect=top.effect or 0.0)
    return said("drift.some", n=len(drifted), all=len(rows), model=card.name), (mostly, valid)


def _moved(top: ColumnDrift, picture: Histogram | None) -> Said | None:
    """Say which level's share moved most, where the column has levels and it is the one pictured."""
    if picture is None or picture.column != top.name or not picture.reference or not picture.current:
        return None
    named = [b for b in picture.bins if b.low is None and b.high is None and b.name]
    if not named:
        return None
    most = max(named, key=lambda b: abs(b.current / picture.current - b.reference / picture.reference))
    before, after = most.reference / picture.reference, most.current / picture.current
    key = "drift.rose" if after >= before else "drift.fell"
    return said(key, column=top.name, level=most.name, before=before, after=after)
