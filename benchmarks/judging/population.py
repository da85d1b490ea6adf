"""Rows with a known law: 20 columns of the usual shapes, what is true of each row, and a model that scores them.

Every column is a rising function of a hidden standard normal value, so "0.2 sd" means the same in all of them and a
column can be moved without touching the others. A model of few terms predicts a yes or no from what the columns show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri

Floats = NDArray[np.float64]

NUMERIC = ["n0", "n1", "n2", "n3", "n4", "n5", "skew0", "skew1", "skew2", "zero0", "zero1", "tail0", "tail1", "count0",
           "flat0"]  # fmt: skip
LEVELS = {"c3": 3, "c12a": 12, "c12b": 12, "c50": 50, "c200": 200}
COLUMNS = [*NUMERIC, *LEVELS]
PLACE = {name: i for i, name in enumerate(COLUMNS)}
PAIR = ("n0", "n1")  # correlated 0.5
TRIPLE = ("n2", "n3", "n4")  # independent of each other
SLICED, SLICE = "c12a", 1  # its second level: about 16 % of the rows


@dataclass
class Hidden:
    """Rows before they are shown: hidden normals of shape (rows, 20), and chances of a yes shifted by ``bias``."""

    normals: Floats
    luck: Floats  # uniform, decides the truth of a row
    bias: Floats


@dataclass
class Law:
    """What is fixed for one seed: how columns look, and what the outcome depends on."""

    seed: int
    mixing: Floats = field(init=False)
    weights: Floats = field(init=False)
    intercept: float = field(init=False)
    scales: Floats = field(init=False)
    chances: dict[str, Floats] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 1])
        corr = np.eye(len(COLUMNS))
        a, b = (PLACE[name] for name in PAIR)
        corr[a, b] = corr[b, a] = 0.5
        for one, other, r in (("skew0", "skew1", 0.4), ("tail0", "n5", 0.3), ("c3", "zero0", 0.3)):
            corr[PLACE[one], PLACE[other]] = corr[PLACE[other], PLACE[one]] = r
        self.mixing = np.linalg.cholesky(corr).T
        self.scales = 10.0 ** rng.uniform(-2, 3, len(NUMERIC))
        self.chances = {name: _chances(levels) for name, levels in LEVELS.items()}
        self.weights = np.zeros(len(COLUMNS))
        shown = rng.permutation(len(NUMERIC))[:8]
        self.weights[shown] = rng.choice([-1.0, 1.0], 8) * rng.uniform(1.2, 2.4, 8)
        self.weights[PLACE["c3"]] = 1.5
        self.intercept = -0.5

    def draw(self, rng: np.random.Generator, rows: int) -> Hidden:
        """Draw independent rows."""
        normals = rng.standard_normal((rows, len(COLUMNS))) @ self.mixing
        return Hidden(normals, rng.random(rows), np.zeros(rows))

    def show(self, hidden: Hidden) -> pd.DataFrame:
        """Return what a caller sends: numbers and names of levels."""
        normals, shown = hidden.normals, {}
        for i, name in enumerate(NUMERIC):
            shown[name] = _SHAPES[name.rstrip("0123456789")](normals[:, i]) * self.scales[i]
        shown["count0"] = shown["count0"] / self.scales[PLACE["count0"]]
        for name, chances in self.chances.items():
            codes = np.searchsorted(np.cumsum(chances)[:-1], ndtr(normals[:, PLACE[name]]))
            shown[name] = pd.array(_names(name), dtype="str").take(codes)
        return pd.DataFrame(shown)

    def truth(self, hidden: Hidden, weights: Floats | None = None) -> NDArray[np.bool_]:
        """Return the outcome of each row; ``weights`` other than the law's are a concept that has drifted."""
        chosen = self.weights if weights is None else weights
        logit = np.clip(hidden.normals, -4, 4) @ chosen + self.intercept + hidden.bias
        return np.asarray(hidden.luck < expit(logit))

    def score(self, frame: pd.DataFrame) -> Floats:
        """Return the model's chance of a yes, from the columns as they arrive: it clips, and takes a gap as usual."""
        logit = np.full(len(frame), self.intercept)
        for i, name in enumerate(NUMERIC):
            if self.weights[i]:
                shown = frame[name].to_numpy(dtype=float, na_value=np.nan)
                logit += self.weights[i] * _back(name, shown, self.scales[i])
        c3 = frame["c3"].map(dict(zip(_names("c3"), _middles(self.chances["c3"]), strict=True))).to_numpy(dtype=float)
        logit += self.weights[PLACE["c3"]] * np.nan_to_num(c3)
        return np.asarray(expit(0.95 * logit))


def _chances(levels: int) -> Floats:
    """Return the chances of levels, falling as 1 / rank^0.7."""
    raw = 1.0 / np.arange(1, levels + 1) ** 0.7
    return raw / raw.sum()


def _names(name: str) -> list[str]:
    return [f"{name}-{i}" for i in range(LEVELS[name])]


def _middles(chances: Floats) -> Floats:
    edges = np.cumsum(chances)
    return np.asarray(ndtri(edges - chances / 2))


_ZERO = 0.25  # hidden value below which a zero-inflated column is 0: 60 % of the rows
_SHAPES = {
    "n": lambda z: 3.0 + z,
    "skew": lambda z: np.exp(0.8 * z),
    "zero": lambda z: np.maximum(0.0, z - _ZERO),
    "tail": lambda z: np.sinh(1.2 * z),
    "count": lambda z: np.floor(np.exp(1.5 + 0.6 * z)),
    "flat": lambda z: ndtr(z),
}


def _back(name: str, shown: Floats, scale: float) -> Floats:
    """Return the hidden value that a model reads out of a number, cut at 4; 0 where it is missing."""
    shape = name.rstrip("0123456789")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if shape == "count":
            found = (np.log(np.maximum(shown, 0.5) + 0.5) - 1.5) / 0.6
        else:
            value = shown / scale
            found = {
                "n": lambda v: v - 3.0,
                "skew": lambda v: np.log(np.maximum(v, 1e-9)) / 0.8,
                "zero": lambda v: np.where(v > 0, v + _ZERO, -0.5),
                "tail": lambda v: np.arcsinh(v) / 1.2,
                "flat": lambda v: ndtri(np.clip(v, 1e-5, 1 - 1e-5)),
            }[shape](value)
    return np.clip(np.nan_to_num(found), -4, 4)
