"""What goes wrong, done to the traffic of one window after another.

A fault is made for a population and a project's promises; it is a function of the window's traffic and of how many
windows it has lasted, from 1 on. ``Absent`` says why it cannot befall this project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Column, Field
from boucle.drill.concept import Concept
from boucle.drill.population import Floats, Places, Population
from boucle.project.settings import Settings

UNIT, NULLS, NOVEL, CRASH, SLOWER = 1000.0, 0.3, 0.1, 0.6, 10.0
RAMP = 8
"""Windows in which a concept drifts."""
LATE = 5
"""Windows that delayed labels wait."""
BROKEN = 3
"""Windows until somebody mends the data."""
SHIFT = 0.6
"""How far covariates move, in standard deviations."""


class Absent(Exception):
    """The fault cannot befall this project; says why."""


@dataclass(frozen=True)
class Traffic:
    """One window's requests of one row: ``places`` in the population, inputs as sent, and what is right.

    ``latency`` is in seconds. ``release_only`` limits latencies and failures to a version released with the fault.
    ``late`` is how many windows the labels wait, ``twice`` sends them again. ``strength`` is how far the concept is.
    """

    places: Places
    batch: Mapping[str, Column]
    truth: Column
    latency: Floats
    failed: NDArray[np.bool_]
    release_only: bool = False
    late: int = 1
    twice: bool = False
    strength: float = 0.0

    def __len__(self) -> int:
        return len(self.places)


Fault = Callable[[Traffic, int], Traffic]


def make(name: str, rows: Population, settings: Settings, rng: np.random.Generator) -> Fault:
    """Return the fault ``name`` for this project; raises Absent."""
    return _FAULTS[name](rows, settings, rng) if name else lambda traffic, _: traffic


def _unit_change(rows: Population, settings: Settings, rng: np.random.Generator) -> Fault:
    columns = [
        f for f in rows.signature.inputs
        if f.numeric and not f.pii and np.mean(np.nan_to_num(rows.batch[f.name].astype(np.float64)) != 0.0) > 0.5
    ]  # fmt: skip
    if columns and "range" in settings.serve.refuse:
        columns = [f for f in columns if f.minimum is None and f.maximum is None]
        if not columns:
            raise Absent("numbers outside their range are refused, and reach no model")
    name = _one_of(columns, rng, "no numeric input is mostly other than zero").name

    def apply(traffic: Traffic, _: int) -> Traffic:
        column = traffic.batch[name]
        return replace(traffic, batch={**traffic.batch, name: (column.astype(np.float64) * UNIT).astype(column.dtype)})

    return apply


def _mended(rows: Population, settings: Settings, rng: np.random.Generator) -> Fault:
    broken = _unit_change(rows, settings, rng)

    def apply(traffic: Traffic, lasts: int) -> Traffic:
        return replace(broken(traffic, lasts) if lasts <= BROKEN else traffic, late=1 + LATE)

    return apply


def _null_surge(rows: Population, _: Settings, rng: np.random.Generator) -> Fault:
    columns = [f for f in rows.signature.inputs if f.optional and not f.pii]
    name = _one_of(columns, rng, "no input may be missing: such requests are refused, and reach no model").name

    def apply(traffic: Traffic, _: int) -> Traffic:
        column = traffic.batch[name].copy()
        column[rng.random(len(column)) < NULLS] = _nothing(column)
        return replace(traffic, batch={**traffic.batch, name: column})

    return apply


def _new_category(rows: Population, settings: Settings, rng: np.random.Generator) -> Fault:
    columns = [f for f in rows.signature.inputs if f.dtype == "string" and f.categories and not f.pii]
    if columns and "category" in settings.serve.refuse:
        raise Absent("unknown categories are refused, and reach no model")
    name = _one_of(columns, rng, "no input has categories").name

    def apply(traffic: Traffic, _: int) -> Traffic:
        column = traffic.batch[name].copy()
        column[rng.random(len(column)) < NOVEL] = "never seen before"
        return replace(traffic, batch={**traffic.batch, name: column})

    return apply


def _covariate_shift(rows: Population, _: Settings, rng: np.random.Generator) -> Fault:
    scores = [score for f in rows.signature.inputs if not f.pii and (score := _scores(rows, f)) is not None]
    tilts = [weights for score in scores if (weights := _tilt(score, rows.losses)) is not None]
    if not tilts:
        raise Absent("no input can shift without a change of the model's error")
    # The one that leaves most rows in use: a few rows sent again and again are no traffic.
    weights = min(tilts, key=lambda w: float(np.square(w).sum()))

    def apply(traffic: Traffic, _: int) -> Traffic:
        places = rng.choice(len(rows), len(traffic), p=weights)
        return replace(traffic, places=places, batch=rows.take(places), truth=rows.truth[places])

    return apply


def _concept_drift(rows: Population, _: Settings, __: np.random.Generator) -> Fault:
    concept = Concept(rows)

    def apply(traffic: Traffic, lasts: int) -> Traffic:
        strength = min(1.0, lasts / RAMP)
        return replace(traffic, strength=strength, truth=concept.truth(traffic.truth, traffic.places, strength))

    return apply


def _label_delay(_: Population, __: Settings, ___: np.random.Generator) -> Fault:
    def apply(traffic: Traffic, lasts: int) -> Traffic:
        return replace(traffic, late=1 + LATE - (lasts - 1) % LATE, twice=True)  # all come together, windows later

    return apply


def _latency_spike(_: Population, settings: Settings, __: np.random.Generator, *, release: bool = False) -> Fault:
    promised = settings.monitor.slo.latency_p99_ms
    if promised is None:
        raise Absent("the project promises no latency (monitor.slo.latency_p99_ms)")

    def apply(traffic: Traffic, _: int) -> Traffic:
        slow = np.full(len(traffic), SLOWER * promised / 1000.0)
        return replace(traffic, latency=slow, release_only=release)

    return apply


def _slow_release(rows: Population, settings: Settings, rng: np.random.Generator) -> Fault:
    return _latency_spike(rows, settings, rng, release=True)


def _crash(_: Population, __: Settings, rng: np.random.Generator) -> Fault:
    return lambda traffic, _: replace(traffic, failed=rng.random(len(traffic)) < CRASH)


_FAULTS: Mapping[str, Callable[[Population, Settings, np.random.Generator], Fault]] = {
    "unit_change": _unit_change,
    "mended": _mended,
    "null_surge": _null_surge,
    "new_category": _new_category,
    "covariate_shift": _covariate_shift,
    "concept_drift": _concept_drift,
    "label_delay": _label_delay,
    "latency_spike": _latency_spike,
    "slow_release": _slow_release,
    "crash": _crash,
}


def _one_of(columns: list[Field], rng: np.random.Generator, why_not: str) -> Field:
    if not columns:
        raise Absent(why_not)
    return columns[int(rng.integers(len(columns)))]


def _nothing(column: Column) -> Any:
    return {"f": np.nan, "M": np.datetime64("NaT")}.get(column.dtype.kind)


def _scores(rows: Population, field: Field) -> Floats | None:
    """Return an input as standard scores, within 3; of a level, whether it is the commonest. None for a constant."""
    column = rows.batch[field.name]
    if field.numeric:
        values = np.asarray(column, dtype=np.float64)
    elif field.dtype == "string":
        levels = [str(value) for value in column]
        common = max(sorted(set(levels)), key=levels.count)
        values = np.array([float(level == common) for level in levels])
    else:
        return None
    values = np.where(np.isfinite(values), values, np.nanmean(values))
    spread = float(values.std())
    return np.clip((values - values.mean()) / spread, -3.0, 3.0) if spread > 0.0 else None


def _tilt(scores: Floats, losses: Floats) -> Floats | None:
    """Return weights exp(a s + b l), normed, under which the scores' mean moves by SHIFT and that of the losses stays.

    Exponential tilting: of all such weights, those nearest to equal ones. Newton's method on its two conditions; None
    where it finds none.
    """
    sides = np.column_stack((scores, (losses - losses.mean()) / (losses.std() or 1.0)))
    wanted = np.array((float(scores.mean()) + SHIFT, 0.0))
    power = np.zeros(2)
    for _ in range(50):
        exponent = sides @ power
        weights: Floats = np.exp(exponent - exponent.max())
        weights /= weights.sum()
        mean = weights @ sides
        if np.abs(mean - wanted).max() < 1e-9:
            return weights
        spread = (sides - mean).T @ ((sides - mean) * weights[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(spread, wanted - mean)
        power = power + step / max(1.0, float(np.abs(step).max()))
    return None
