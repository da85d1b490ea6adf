"""The retraining part: 200 windows of 500 rows, labels 4 windows late, and when which policy fits a new model on what.

The concept turns at once at 60, slowly from 120 to 150, and comes back as it first was at 175; at 95 two inputs move
that do not matter. What is lost is the accuracy of the model that is live below that of the true concept.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.judging.figures import Figures, rows
from benchmarks.judging.judges import Numbers, ks, wasserstein
from benchmarks.judging.population import Floats
from boucle.evaluation.comparison import judge
from boucle.measures.intervals import normal

WINDOWS, ROWS, LATE, BEFORE = 200, 500, 4, 20
INPUTS, USED, STEEP = 8, 6, 5.0
SLIDING = 20  # windows that a policy learns from that does not know when the change was
SHORT = 6  # the best memory of periodic-5 here, known only afterwards
HELD_OUT = 0.2  # of the rows a retraining learns from, the newest of them: its gate
PERSON = 5  # windows until a person has looked, where the policy waits for one
BROKEN = 0.2
Marks = NDArray[np.bool_]


class World:
    """What happens, the same for every policy: inputs and outcomes by window, ``BEFORE`` windows of past first."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 9])
        frame, _ = np.linalg.qr(rng.standard_normal((USED, USED)))
        pad = np.zeros(INPUTS - USED)
        first = np.concatenate([frame[0], pad])
        second = np.concatenate([_turned(frame[0], frame[1], 40), pad])
        third = np.concatenate([_turned(_turned(frame[0], frame[1], 40), frame[2], 40), pad])
        self.inputs, self.truth, self.best = [], [], []
        for window in range(-BEFORE, WINDOWS):
            done = min(1.0, max(0.0, (window - 120) / 30))
            concept = first if window < 60 or window >= 175 else (1 - done) * second + done * third
            x = rng.standard_normal((ROWS, INPUTS))
            if window >= 95:
                x[:, USED:] += 0.8
            chance = expit(STEEP * x @ concept / np.linalg.norm(concept))
            self.inputs.append(x)
            self.truth.append(rng.random(ROWS) < chance)
            self.best.append(float(((chance > 0.5) == self.truth[-1]).mean()))

    def rows(self, first: int, last: int) -> tuple[Floats, Marks]:
        """Return inputs and outcomes of the windows from ``first`` to before ``last``."""
        chosen = slice(max(0, first + BEFORE), last + BEFORE)
        return np.concatenate(self.inputs[chosen]), np.concatenate(self.truth[chosen])

    def errors(self, model: Floats, window: int) -> NDArray[np.int64]:
        """Return the 0/1 errors of a model in one window."""
        wrong = predicted(model, self.inputs[window + BEFORE]) != self.truth[window + BEFORE]
        return np.asarray(wrong, dtype=np.int64)


def _turned(one: Floats, other: Floats, degrees: float) -> Floats:
    angle = math.radians(degrees)
    return np.asarray(math.cos(angle) * one + math.sin(angle) * other)


def fit(x: Floats, y: Marks) -> Floats:
    """Fit a logistic regression with a small ridge by Newton's method: weights, the intercept last."""
    x = np.column_stack([x, np.ones(len(x))])
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        chance = expit(x @ weights)
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + np.eye(x.shape[1])
        weights += np.linalg.solve(hessian, x.T @ (y - chance) - weights)
    return weights


def predicted(model: Floats, x: Floats) -> Marks:
    return np.asarray(x @ model[:-1] + model[-1] > 0)


def out_of_fold(x: Floats, y: Marks, folds: int = 5) -> NDArray[np.int64]:
    """Return the errors on rows a model has not seen, in order: what a trainer would keep as its reference."""
    errors = np.zeros(len(x), dtype=np.int64)
    for fold in range(folds):
        out = np.arange(len(x)) % folds == fold
        errors[out] = predicted(fit(x[~out], y[~out]), x[out]) != y[out]
    return errors


@dataclass
class Plant:
    """One run: the world, the live model, and a trainer that now and then delivers a broken one."""

    world: World
    broken: float
    gate: bool
    rng: np.random.Generator
    model: Floats = field(init=False)
    since: int = 0  # the window from which on the model has been live
    learnt: tuple[int, int] = (-BEFORE, 0)
    fits: int = 0
    live: int = 0
    failed_gates: int = 0

    def __post_init__(self) -> None:
        self.model = fit(*self.world.rows(*self.learnt))

    def retrain(self, window: int, first: int) -> bool:
        """Fit on the labelled rows from window ``first`` on; with a gate, the newest of them judge instead."""
        last = window - LATE + 1
        first = max(min(first, last - 1), -BEFORE)
        x, y = self.world.rows(first, last)
        kept = int(len(x) * (1 - HELD_OUT)) if self.gate else len(x)
        challenger = fit(x[:kept], y[:kept])
        self.fits += 1
        if self.rng.random() < self.broken:
            challenger = self.rng.permutation(challenger)
        if self.gate:
            wrong = [predicted(model, x[kept:]) != y[kept:] for model in (self.model, challenger)]
            if judge(normal(wrong[0].astype(float) - wrong[1]), 0.0)[0] != "pass":
                self.failed_gates += 1
                return False
        self.model, self.since, self.learnt, self.failed_gates = challenger, window + 1, (first, last), 0
        self.live += 1
        return True


Policy = Callable[[Plant, int], None]  # called after each window, with its number


def never(plant: Plant, window: int) -> None:
    pass


def periodic(every: int, memory: int = SLIDING) -> Policy:
    def policy(plant: Plant, window: int) -> None:
        if window and window % every == 0:
            plant.retrain(window, window - LATE + 1 - memory)

    return policy


def drift_triggered(test: Callable[[Numbers, Floats], float], alarm: Callable[[float], bool]) -> Policy:
    """Retrain when any input of the newest window differs from what the model learnt from, with 3 windows between."""
    kept: dict[str, Any] = {"learnt": None, "last": -99}

    def policy(plant: Plant, window: int) -> None:
        if kept["learnt"] != plant.learnt:
            x, _ = plant.world.rows(*plant.learnt)
            kept["known"] = [Numbers(_column(x[:, i])) for i in range(INPUTS)]
            kept["learnt"] = plant.learnt
        now = plant.world.inputs[window + BEFORE]
        found = any(alarm(test(known, np.sort(now[:, i]))) for i, known in enumerate(kept["known"]))
        if found and window - kept["last"] > 3:
            kept["last"] = window
            plant.retrain(window, window - LATE + 1 - SLIDING)

    return policy


def _column(values: Floats) -> Any:
    import pandas as pd  # only to hand a column over as the judges of streams take it

    return pd.Series(values)


class Boucle:
    """``boucle.QualityMonitor`` for the model that is live, and the decision table of ``boucle.loop.policy``."""

    def __init__(self) -> None:
        import boucle  # the one thing judged, imported where it is used: the rest runs without it
        from boucle.loop.policy import Known, decide
        from boucle.project.watching import React

        self._boucle, self._known, self._decide = boucle, Known, decide
        self._react = React.model_validate({"budget": 1000})  # a day has no length here
        self._monitor: Any = None
        self._learnt: tuple[int, int] | None = None
        self._due: list[int] = []
        self._last, self._change, self._waited = -99, 0.0, 0

    def __call__(self, plant: Plant, window: int) -> None:
        if self._learnt != plant.learnt:
            self._monitor = self._boucle.QualityMonitor(out_of_fold(*plant.world.rows(*plant.learnt)), window=ROWS)
            self._learnt, self._start = plant.learnt, plant.since
        labelled = window - LATE
        if labelled < self._start:
            return self._act(plant, window, {})
        verdict = self._monitor.update(plant.world.errors(plant.model, labelled))
        return self._act(plant, window, {"quality": verdict})

    def _act(self, plant: Plant, window: int, verdicts: dict[str, Any]) -> None:
        self._waited = self._waited + 1 if plant.failed_gates >= 2 else 0
        if self._waited > PERSON:
            plant.failed_gates = self._waited = 0  # a person has looked, and lets it go on
        due = [at for at in self._due if at <= window]
        known = self._known(
            idle={"retrain": window - self._last}, labels=(WINDOWS + BEFORE) * ROWS, failed_gates=plant.failed_gates,
            follow_up=bool(due), change=self._change, windows=window - plant.since,
        )  # fmt: skip
        for decision in self._decide(verdicts, known, self._react):
            if decision.action != "retrain" or decision.held is not None:
                continue
            self._last = window
            if decision.cause == "quality":
                changed = verdicts["quality"].inputs.get("changed")
                self._change = self._start + (0 if changed is None else changed)
                self._due = [window + after for after in self._react.follow_up]
            else:
                self._due = [at for at in self._due if at > window]
            plant.retrain(window, int(self._change))


OURS = "boucle: QualityMonitor, decision table, gate"
POLICIES: dict[str, tuple[Callable[[], Policy], bool]] = {
    "never": (lambda: never, False),
    **{f"periodic {n}": ((lambda n=n: periodic(n)), False) for n in (50, 20, 10, 5)},
    f"periodic 5, memory of {SHORT} windows": (lambda: periodic(5, SHORT), False),
    "drift, W1 >= 0.1 any": (lambda: drift_triggered(wasserstein, lambda value: value >= 0.1), False),
    "drift, KS any": (lambda: drift_triggered(ks, lambda p: p < 0.05), False),
    "boucle without the gate": (Boucle, False),
    OURS: (Boucle, True),
}


def run(make: Callable[[], Policy], world: World, broken: float, gate: bool, seed: int) -> dict[str, float]:
    """Play one world to one policy."""
    plant = Plant(world, broken, gate, np.random.default_rng([seed, 10]))
    policy, lost = make(), []
    for window in range(WINDOWS):
        lost.append(world.best[window + BEFORE] - 1 + float(world.errors(plant.model, window).mean()))
        policy(plant, window)
    far = sum(one > 0.03 for one in lost)
    return {"lost": 100 * float(np.mean(lost)), "fits": plant.fits, "live": plant.live, "far": far}


def part(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Run every policy in every world, with a sound trainer and with one that breaks a fifth of its models."""
    seeds = range(chosen.seeds[0], chosen.seeds[0] + (3 if chosen.quick else 8))
    worlds = {seed: World(seed) for seed in seeds}
    found: dict[str, dict[str, float]] = {}
    for name, (make, gate) in POLICIES.items():
        try:
            sound = _mean([run(make, world, 0.0, gate, seed) for seed, world in worlds.items()])
            broken = _mean([run(make, world, BROKEN, gate, seed) for seed, world in worlds.items()])
        except Exception as why:  # noqa: BLE001 - a policy that fails is a row of the table
            figures.put("retrain_lost", None, f"{name}: {type(why).__name__}: {why}")
            continue
        found[name] = sound | {f"broken {key}": value for key, value in broken.items()}
    cells = [[name, *(f"{one[key]:.2f}" for key in TITLES)] for name, one in found.items()]
    if OURS in found:
        ours, base = found[OURS], found["periodic 5"]
        short = found[f"periodic 5, memory of {SHORT} windows"]
        figures.put("retrain_lost", ours["lost"] / base["lost"], f"{ours['lost']:.2f} of {base['lost']:.2f} points; "
                    f"periodic-5 with the memory best for it {short['lost']:.2f}")  # fmt: skip
        figures.put("retrain_fits", ours["fits"] / base["fits"], f"{ours['fits']:.1f} of {base['fits']:.1f}")
        figures.put("retrain_broken", ours["broken lost"] / ours["lost"],
                    f"{ours['broken lost']:.2f} points; periodic 5: {base['broken lost']:.2f}")  # fmt: skip
    return f"**Retraining**, {len(worlds)} worlds\n\n" + rows(["policy", *TITLES.values()], cells), found


TITLES = {
    "lost": "points lost", "fits": "fits", "live": "put live", "far": "windows > 3 below",
    "broken lost": "lost, 20 % broken", "broken fits": "fits", "broken live": "put live",
}  # fmt: skip


def _mean(every: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in every])) for key in every[0]}
