"""The fire drill: each scenario against a loop of its own, judged by what stands in the history afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from boucle.core.errors import NotFound, RequestError
from boucle.core.event import Event
from boucle.drill import faults
from boucle.drill.population import population
from boucle.drill.scenarios import ACTIONS, ANY_ALARM, SCENARIOS, SHOWN, Scenario, Sign
from boucle.drill.world import Source, World, reference_of
from boucle.loop.project import Project
from boucle.loop.upkeep import collected_seldom
from boucle.project.settings import Reaction, Serve, Settings, Store, Tracking

WINDOWS, FEWEST_WINDOWS = 18, 9
MOST_ROWS, ROWS_BY_TIME = 1_000, 500
Outcome = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one scenario showed. ``delay`` is in windows: 0 is the first one with the fault, None never.

    ``false_alarms`` were opened before the fault. ``actions`` were taken, ``right`` should have been seen; ``missing``
    of those was not, ``wrong`` was and must not be. ``why`` says in words why it failed or does not apply.
    """

    name: str
    status: Outcome
    summary: str
    delay: int | None = None
    false_alarms: int = 0
    actions: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole drill; ``notes`` say where it departs from the project's settings."""

    project: str
    version: int
    seed: int
    windows: int
    rows: int
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return all(result.status != "fail" for result in self.results)


@dataclass(slots=True)
class _History:
    """Events with the window they fell in: 1 is the first one with the fault, 0 the last one before."""

    seen: list[tuple[int, Event]] = field(default_factory=list)

    def first(self, sign: Sign, since: int | None = None) -> int | None:
        """Return the first window, from ``since`` on, in which the sign is seen; None if it never is."""
        return next((w for w, event in self.seen if (since is None or w >= since) and sign.is_in(event)), None)


def drill(
    project: Project,
    seed: int = 0,
    only: Sequence[str] = (),
    windows: int = WINDOWS,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Hold the scenarios (or ``only`` some) against copies of ``project``'s loop; its own state is only read.

    Each lasts ``windows`` windows, the first third of them without a fault. The same seed gives the same report.
    Raises NotFound without a champion or for an unknown scenario, DataError without rows to replay.
    """
    chosen = _chosen(only)
    if windows < FEWEST_WINDOWS:
        raise RequestError(f"A drill needs {FEWEST_WINDOWS} windows at least, not {windows}.", field="windows")
    version = project.resolve(project.name)
    info = project.predictor(version)[1]
    settings, rows, notes = _fit(project.settings, windows)
    people = population(project, version, project.settings)
    reference = reference_of(people, rows, seed)
    source = Source(people, info, {**info.metrics, **version.metrics}, {"champion": reference})
    results = []
    with collected_seldom():
        for scenario in chosen:
            say(f"{scenario.name}: {scenario.summary}")
            results.append(_held(scenario, settings, source, rows, windows, seed))
    return Report(project.name, version.number, seed, windows, rows, tuple(results), notes)


def _chosen(only: Sequence[str]) -> tuple[Scenario, ...]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in only:
        if name not in known:
            raise NotFound.of("scenario", name, list(known), "boucle drill --help")
    return tuple(scenario for scenario in SCENARIOS if not only or scenario.name in only)


def _fit(settings: Settings, windows: int) -> tuple[Settings, int, tuple[str, ...]]:
    """Return the settings for a drill, the rows of a window, and what was changed that bears on the judgement."""
    monitor, react, notes = settings.monitor, settings.react, []
    rows = monitor.window if isinstance(monitor.window, int) else ROWS_BY_TIME
    if rows > MOST_ROWS:
        notes.append(f"windows of {MOST_ROWS} rows instead of {rows}")
        rows = MOST_ROWS
        monitor = monitor.model_copy(update={"window": rows})
    labels = rows * (windows // 3 - 1)
    if react.min_labels > labels:
        notes.append(f"react.min_labels {labels} instead of {react.min_labels}")
        react = react.model_copy(update={"min_labels": labels})
    if react.dry_run:
        notes.append("react.dry_run is off")
    react = react.model_copy(update={"dry_run": False, "schedule": None})
    serve = Serve.model_validate({}).model_copy(update={"fallback": settings.serve.fallback})
    release = settings.release.model_copy(update={"require_approval": False})
    here = {"store": Store.model_validate({}), "tracking": Tracking.model_validate({}), "alerts": []}
    changed = {**here, "serve": serve, "monitor": monitor, "react": react, "release": release}
    return settings.model_copy(update=changed), rows, tuple(notes)


def _held(scenario: Scenario, settings: Settings, source: Source, rows: int, windows: int, seed: int) -> Result:
    rng = np.random.default_rng((seed, 3, SCENARIOS.index(scenario)))
    try:
        fault = faults.make(scenario.fault, source.rows, settings, rng)
    except faults.Absent as why:
        return Result(scenario.name, "not applicable", scenario.summary, why=str(why))
    before = windows // 3
    history = _History()
    with tempfile.TemporaryDirectory(prefix="boucle-drill-") as folder:
        world = World(Path(folder), settings, source, rows, scenario.learned, seed)
        try:
            for window in range(1 - before, windows - before + 1):
                if window == 1 and scenario.released:
                    world.release(scenario.released, directly=True)
                if window == 1 and scenario.rollout:
                    world.release(scenario.rollout, directly=False)
                traffic = world.draw()
                events = world.pass_window(fault(traffic, window) if window > 0 else traffic)
                history.seen += [(window, event) for event in events]
        finally:
            world.close()
    return _judged(scenario, settings, history)


def _judged(scenario: Scenario, settings: Settings, history: _History) -> Result:
    right = _right(scenario, settings)
    places = {str(sign): history.first(sign, 1) for sign in right}
    missing = tuple(name for name, place in places.items() if place is None)
    wrong = tuple(str(s) for s in scenario.forbidden if history.first(s) is not None)
    early = sum(window < 1 and ANY_ALARM.is_in(event) for window, event in history.seen)
    failed = bool(missing or wrong or early)
    first = places.get(str(right[0])) if right else None
    return Result(
        scenario.name,
        "fail" if failed else "pass",
        scenario.summary,
        None if first is None else first - 1,
        early,
        _taken(history),
        tuple(places),
        missing,
        wrong,
        _why(history, missing, wrong, early),
    )


def _right(scenario: Scenario, settings: Settings) -> tuple[Sign, ...]:
    """Return the signs to be seen: those of the table, and the action the project declares."""
    if not scenario.acts:
        return scenario.right
    reaction: Reaction = getattr(settings.react, scenario.acts)
    action = ACTIONS.get(reaction.action)
    return (*scenario.right, action) if action else scenario.right


def _taken(history: _History) -> tuple[str, ...]:
    causes = dict.fromkeys(f"{e.data['cause']} alarm" for w, e in history.seen if w > 0 and ANY_ALARM.is_in(e))
    return (*causes, *(str(sign) for sign in SHOWN if history.first(sign, 1) is not None))


def _why(history: _History, missing: Sequence[str], wrong: Sequence[str], early: int) -> str:
    words = [f"no {name}" for name in missing] + [f"{name}, which is wrong here" for name in wrong]
    if early:
        first = next(event for window, event in history.seen if window < 1 and ANY_ALARM.is_in(event))
        words.append(f"alarm before anything happened: {first.reason}")
    return "; ".join(words)
