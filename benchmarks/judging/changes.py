"""What goes wrong in a stream: one change in one column, in a pair, in the labels or in what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks.judging.population import LEVELS, NUMERIC, PAIR, PLACE, SLICE, SLICED, TRIPLE, Floats, Hidden, Law
from benchmarks.judging.traffic import Flow

SMOOTH = [name for name in NUMERIC if not name.startswith("zero")]


class Change:
    """A change that sets in at once and stays. ``right`` are the names it should be told by, ``also`` may be told."""

    among_columns: Sequence[str] = tuple(SMOOTH)
    also: frozenset[str] = frozenset()
    phase = 0  # windows by which the clock of the traffic is moved
    weights: Floats | None = None  # of the outcome, where the concept changes

    def __init__(self, law: Law, seed: int) -> None:
        self.law, self.rng = law, np.random.default_rng([seed, 5])
        self.column = str(self.rng.choice(self.among_columns))

    @property
    def right(self) -> frozenset[str]:
        return frozenset({self.column})

    def strength(self, since: int) -> float:
        """Return how far the change has come, 0 to 1, ``since`` windows after its onset."""
        return 1.0

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        return flow.draw(flow, rng, rows, time)

    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        """Change the hidden rows."""

    def among(self, hidden: Hidden) -> NDArray[np.bool_]:
        """Return the rows whose concept changes."""
        return np.ones(len(hidden.luck), dtype=bool)

    def show(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Change what is shown."""
        return frame


class Shift(Change):
    among_columns = tuple(NUMERIC)
    far = 0.5

    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        hidden.normals[:, PLACE[self.column]] += self.far * strength


class SmallShift(Shift):
    far = 0.2


class Gradual(Shift):
    far = 0.6

    def strength(self, since: int) -> float:
        return min(1.0, (since + 1) / 12)


class Recurring(Shift):
    def strength(self, since: int) -> float:
        return float(since % 8 < 4)


class Scale(Change):
    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        hidden.normals[:, PLACE[self.column]] *= 1.35


class Correlation(Change):
    """A pair goes from 0.5 to 0.1; each of the two stays as it was."""

    right = frozenset(PAIR)

    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        one, other = (hidden.normals[:, PLACE[name]] for name in PAIR)
        free = (other - 0.5 * one) / np.sqrt(0.75)
        other[:] = 0.1 * one + np.sqrt(0.99) * free


class LabelShift(Change):
    """More rows whose outcome is yes, by 12 points; rows of the same outcome are as before."""

    right = frozenset()
    also = frozenset(NUMERIC) | frozenset(LEVELS)

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        many = flow.draw(flow, rng, 3 * rows, time)
        truth = self.law.truth(many)
        yes = int(rng.binomial(rows, min(0.95, truth.mean() + 0.12)))
        kept = np.concatenate([np.flatnonzero(truth)[:yes], np.flatnonzero(~truth)[: rows - yes]])
        rng.shuffle(kept)
        return Hidden(many.normals[kept], many.luck[kept], many.bias[kept])


class Concept(Change):
    """The outcome depends on other things; the model's errors rise by ``rise``."""

    right = frozenset({"quality"})
    also = frozenset({"score"})
    rise = 0.05

    @cached_property
    def weights(self) -> Floats:  # type: ignore[override]
        rng = np.random.default_rng([self.law.seed, 6])
        sample = self.law.draw(rng, 40_000)
        among = self.among(sample)
        said = self.law.score(self.law.show(sample)) > 0.5
        base = (said != self.law.truth(sample))[among].mean()
        other = self.law.weights.copy()
        used = np.flatnonzero(other)
        other[used] = -other[np.roll(used, 1)]
        low, high = 0.0, 1.0
        for _ in range(12):
            middle = (low + high) / 2
            mixed = (1 - middle) * self.law.weights + middle * other
            risen = (said != self.law.truth(sample, mixed))[among].mean() - base
            low, high = (middle, high) if risen < self.rise else (low, middle)
        return (1 - high) * self.law.weights + high * other


class SliceConcept(Concept):
    """The same in the rows of one level alone, by 20 points: 3 points over all."""

    also = frozenset({"score", SLICED})
    rise = 0.2

    def among(self, hidden: Hidden) -> NDArray[np.bool_]:
        return in_slice(self.law, hidden)


class Subgroup(Change):
    """One column moves by 1 sd, in the rows of one level alone: 0.16 over all."""

    also = frozenset({SLICED})

    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        hidden.normals[in_slice(self.law, hidden), PLACE[self.column]] += 1.0


class Triple(Change):
    """Three columns become dependent, every two of them stay independent: the sign of one is that of the others."""

    right = frozenset(TRIPLE)

    def hide(self, hidden: Hidden, strength: float, rng: np.random.Generator) -> None:
        one, two, three = (hidden.normals[:, PLACE[name]] for name in TRIPLE)
        bound = rng.random(len(three)) < 0.7
        three[bound] = (np.abs(three) * np.sign(one) * np.sign(two))[bound]


class Rounding(Change):
    """A number of spread 10 arrives without its decimals."""

    among_columns = tuple(name for name in NUMERIC if name.startswith("n"))

    def __init__(self, law: Law, seed: int) -> None:
        super().__init__(law, seed)
        law.scales[PLACE[self.column]] = 10.0

    def show(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        return frame.assign(**{self.column: frame[self.column].round()})


class Missing(Change):
    among_columns = (*NUMERIC, *LEVELS)

    def show(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        return frame.assign(**{self.column: frame[self.column].mask(rng.random(len(frame)) < 0.05)})


class NewLevel(Change):
    among_columns = tuple(LEVELS)

    def show(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        return frame.assign(**{self.column: frame[self.column].mask(rng.random(len(frame)) < 0.02, "never seen")})


class Unit(Change):
    """Another unit: a thousand times as much, in a ``share`` of the rows."""

    share = 1.0

    def show(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        factor = np.where(rng.random(len(frame)) < self.share, 1000.0, 1.0)
        return frame.assign(**{self.column: frame[self.column] * factor})


class RareUnit(Unit):
    share = 0.02


class ClockMoved(Change):
    """The cycle comes six windows early: the clock of a time zone."""

    right = frozenset()
    also = frozenset(NUMERIC) | frozenset(LEVELS)
    phase = 6


def in_slice(law: Law, hidden: Hidden) -> NDArray[np.bool_]:
    """Return the rows of the level that some changes happen in."""
    edges = np.cumsum(law.chances[SLICED])
    place = ndtr(hidden.normals[:, PLACE[SLICED]])
    return np.asarray((place > edges[SLICE - 1]) & (place <= edges[SLICE]))


CHANGES: dict[str, type[Change]] = {
    "shift 0.2": SmallShift, "shift 0.5": Shift, "scale": Scale, "gradual": Gradual, "recurring": Recurring,
    "correlation": Correlation, "label shift": LabelShift, "concept": Concept, "missing": Missing,
    "new level": NewLevel, "x1000": Unit, "x1000 in 2 %": RareUnit, "clock moved": ClockMoved, "rounding": Rounding,
    "triple": Triple, "slice": SliceConcept, "subgroup": Subgroup,
}  # fmt: skip
