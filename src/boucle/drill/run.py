"""The fire drill: each scenario against a loop of its own, judged by what stands in the history afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from boucle.core.errors import NotFound, RequestError
from boucle.core.model import ModelVersion
from boucle.drill import faults
from boucle.drill.fit import fit
from boucle.drill.population import population
from boucle.drill.reference import Source, past_of
from boucle.drill.report import History, Report, Result, judged
from boucle.drill.scenarios import SCENARIOS, Scenario
from boucle.drill.world import World
from boucle.loop.project import Project
from boucle.loop.upkeep import collected_seldom
from boucle.project.settings import Settings

WINDOWS, FEWEST_WINDOWS = 18, 9


def run_drill(
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
    version = _champion(project)
    info = project.predictor(version)[1]
    settings, rows, notes = fit(project.settings, windows)
    people = population(project, version, project.settings)
    source = Source(people, info, {**info.metrics, **version.metrics}, past_of(people, rows, seed))
    results = []
    with collected_seldom():
        for scenario in chosen:
            say(f"{scenario.name}: {scenario.summary}")
            results.append(_held(scenario, settings, source, rows, windows, seed))
    return Report(project.name, version.number, seed, windows, rows, tuple(results), notes)


def _champion(project: Project) -> ModelVersion:
    """Return the version to drill: the champion, else the newest."""
    nothing = NotFound(f"{project.name} has no version to drill.", hint="make one with: boucle train")
    if project.settings.tracking.uri is None and not project.root.exists():
        raise nothing  # opening the registry would make one
    try:
        return project.resolve(project.name)
    except NotFound as error:
        raise nothing from error


def _chosen(only: Sequence[str]) -> tuple[Scenario, ...]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in only:
        if name not in known:
            raise NotFound.of("scenario", name, list(known), "boucle drill --help")
    return tuple(scenario for scenario in SCENARIOS if not only or scenario.name in only)


def _held(scenario: Scenario, settings: Settings, source: Source, rows: int, windows: int, seed: int) -> Result:
    rng = np.random.default_rng((seed, 3, SCENARIOS.index(scenario)))
    try:
        fault = faults.make(scenario.fault, source.rows, settings, rng)
    except faults.Absent as why:
        return Result(scenario.name, "not applicable", scenario.summary, why=str(why))
    before = windows // 3
    history = History()
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
    return judged(scenario, settings, history)
