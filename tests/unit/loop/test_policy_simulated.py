"""The retraining policy played against a world that changes: what it loses below the best model there is, and its fits.

Concepts turn at once at window 30, slowly from 60 to 75, and back at 95; labels come four windows late. Compared with a
fit every five windows on the newest twenty, which is the anchor's measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from boucle.core.verdict import Verdict
from boucle.loop.memory import Memory
from boucle.loop.policy import Known, decide
from boucle.monitoring.quality_monitor import QualityMonitor
from boucle.project.watching import React

Floats = NDArray[np.float64]
WINDOWS, ROWS, LATE, PAST = 120, 300, 4, 10
REACT = React.model_validate({"budget": 1000})
SEEDS = range(1000, 1004)


class World:
    """Inputs and outcomes by window; the outcome is the side of a line that turns, a tenth of them wrong."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.inputs = random.normal(size=(PAST + WINDOWS, ROWS, 4))
        self.truth = np.empty((PAST + WINDOWS, ROWS), dtype=np.bool_)
        for window in range(-PAST, WINDOWS):
            degrees = 0.0 if window < 30 or window >= 95 else 50.0 + 50.0 * min(1.0, max(0.0, (window - 60) / 15))
            line = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0, 0.0])
            noise = random.random(ROWS) < 0.1
            self.truth[window + PAST] = (self.inputs[window + PAST] @ line > 0) ^ noise

    def rows(self, first: int, last: int) -> tuple[Floats, NDArray[np.bool_]]:
        chosen = slice(max(0, first + PAST), last + PAST)
        return self.inputs[chosen].reshape(-1, 4), self.truth[chosen].ravel()


def fit(inputs: Floats, truth: NDArray[np.bool_]) -> Floats:
    weights, *_ = np.linalg.lstsq(inputs, 2.0 * truth - 1.0, rcond=None)
    return np.asarray(weights)


@dataclass
class Plant:
    """The live model, and a trainer that breaks a share of what it trains."""

    world: World
    broken: float
    random: np.random.Generator
    model: Floats = field(init=False)
    live: int = 0
    learned: tuple[int, int] = (-PAST, 0)
    fits: int = 0

    def __post_init__(self) -> None:
        self.model = fit(*self.world.rows(*self.learned))

    def wrong(self, model: Floats, first: int, last: int) -> NDArray[np.int64]:
        inputs, truth = self.world.rows(first, last)
        return ((inputs @ model > 0) != truth).astype(np.int64)

    def retrain(self, window: int, first: int, gated: bool) -> bool:
        """Fit on the labelled windows from ``first`` on; a gate compares on the newest. Returns its word."""
        last = window - LATE + 1
        first = min(first, last - 1)
        challenger = fit(*self.world.rows(first, last))
        self.fits += 1
        if self.random.random() < self.broken:
            challenger = -challenger
        if gated and self.wrong(challenger, last - 1, last).mean() > self.wrong(self.model, last - 1, last).mean():
            return False
        self.model, self.live, self.learned = challenger, window + 1, (first, last)
        return True


def periodic(plant: Plant) -> Callable[[int], None]:
    def step(window: int) -> None:
        if window % 5 == 4:
            plant.retrain(window, window - 20, gated=False)

    return step


class Policy:
    """The decision table with its memory, and the label monitor of the version that is live."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.memory = plant, Memory(champion=0)
        self.watch()

    def watch(self) -> None:
        self.monitor = QualityMonitor(self.plant.wrong(self.plant.model, *self.plant.learned), window=ROWS)

    def __call__(self, window: int) -> None:
        plant, labelled = self.plant, window - LATE
        verdicts: dict[str, Verdict] = {}
        if labelled >= plant.live:
            verdict = self.monitor.update(plant.wrong(plant.model, labelled, labelled + 1))
            changed = plant.live + (verdict.inputs.get("changed") or 0)  # told in windows since it was live
            verdicts["quality"] = replace(verdict, inputs={**verdict.inputs, "changed": float(changed)})
        self.memory = self.memory.under(plant.live).after(verdicts, 1)
        known = Known(
            idle=self.memory.idle, labels=1000, failed_gates=self.memory.failed_gates,
            follow_up=self.memory.follow_up_due, change=self.memory.change,
        )  # fmt: skip
        for decision in decide(verdicts, known, REACT):
            if decision.held is None and decision.action == "retrain":
                live = plant.live
                self.memory = self.memory.doing(decision, float(window), REACT.follow_up)
                passed = plant.retrain(window, live if decision.since is None else int(decision.since), gated=True)
                if passed:
                    self.watch()


def play(make: Callable[[Plant], Callable[[int], None]], broken: float) -> tuple[float, float]:
    """Return the accuracy lost below the oracle in points, and the fits, over all seeds."""
    lost, fits = [], 0
    for seed in SEEDS:
        plant = Plant(World(seed), broken, np.random.default_rng([seed, 1]))
        step = make(plant)
        for window in range(WINDOWS):
            lost.append(plant.wrong(plant.model, window, window + 1).mean() - 0.1)
            step(window)
        fits += plant.fits
    return 100.0 * float(np.mean(lost)), fits / len(SEEDS)


@pytest.fixture(scope="module")
def ours() -> tuple[float, float]:
    return play(Policy, 0.0)


def test_it_loses_less_than_a_fit_every_five_windows_at_half_the_fits(ours: tuple[float, float]) -> None:
    lost, fits = play(periodic, 0.0)
    assert ours[0] <= 0.7 * lost
    assert ours[1] <= 0.5 * fits


def test_trainings_that_fail_cost_little(ours: tuple[float, float]) -> None:
    assert play(Policy, 0.2)[0] <= 1.3 * ours[0]
    assert play(periodic, 0.2)[0] > 2.0 * ours[0]
