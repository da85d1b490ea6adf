"""A regression and a binary classification whose answers are formulas, so that what they score is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.signature import Batch, Field, Signature

CLASSES = ("no", "yes")


@dataclass
class Formula:
    """A predictor from a function of the batch to numbers, or to the probability of the last class."""

    function: Callable[[Batch], Any]
    classes: tuple[str, ...] | None = None

    def predict(self, batch: Batch) -> Batch:
        told = np.asarray(self.function(batch), dtype=np.float64)
        if self.classes is None:
            return {"prediction": told}
        labels = np.array(self.classes, dtype=object)[(told > 0.5).astype(int)]
        return {"prediction": labels, "probabilities": np.column_stack((1.0 - told, told))}


@dataclass
class Case:
    signature: Signature
    frame: pd.DataFrame
    good: Formula
    poor: Formula


def _columns(rows: int, random: np.random.Generator) -> dict[str, Any]:
    return {
        "size": random.normal(10.0, 2.0, rows),
        "age": random.integers(18, 80, rows),
        "region": random.choice(["north", "south", "west"], rows, p=[0.5, 0.4, 0.1]),
        "idle": random.normal(size=rows),
    }


INPUTS = (
    Field("size", "float64"),
    Field("age", "int64"),
    Field("region", "string", categories=("north", "south", "west")),
    Field("idle", "float64", optional=True),
)


@pytest.fixture
def regression() -> Callable[..., Case]:
    def build(rows: int = 300, seed: int = 0, noise: float = 0.5) -> Case:
        random = np.random.default_rng(seed)
        frame = pd.DataFrame(_columns(rows, random))
        frame["price"] = 2.0 * frame["size"] + random.normal(0.0, noise, rows)
        signature = Signature(INPUTS, (Field("prediction", "float64"),))
        good = Formula(lambda b: 2.0 * b["size"].astype(float))
        return Case(signature, frame, good, Formula(lambda b: 2.0 * b["size"].astype(float) + 1.5))

    return build


def _chance(batch: Batch) -> Any:
    return 1.0 / (1.0 + np.exp(-1.5 * (batch["size"].astype(float) - 10.0)))


@pytest.fixture
def binary() -> Callable[..., Case]:
    def build(rows: int = 400, seed: int = 0) -> Case:
        random = np.random.default_rng(seed)
        frame = pd.DataFrame(_columns(rows, random))
        told = 1.0 / (1.0 + np.exp(-1.5 * (frame["size"].to_numpy() - 10.0)))
        frame["churn"] = np.where(random.random(rows) < told, "yes", "no")
        outputs = (Field("prediction", "string", categories=CLASSES), Field("probabilities", "float64", shape=(2,)))
        poor = Formula(lambda b: np.full(len(b["size"]), 0.4), CLASSES)
        return Case(Signature(INPUTS, outputs), frame, Formula(_chance, CLASSES), poor)

    return build
