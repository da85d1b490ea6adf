"""A model that writes its answers word by word is kept on the word of its trial, which costs a moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature
from boucle.formats import bundle
from boucle.ports.runtime import Predictor, Saved
from boucle.training import bundling

SIGNATURE = Signature((Field("text", "text"),), (Field("prediction", "text"),), "text-generation")
TEXTS = np.array([f"Once upon a time, number {place}" for place in range(300)], dtype=object)


@dataclass
class Quick:
    shift: float
    asked: Counter[str]

    def predict(self, batch: Batch) -> Batch:
        rows = len(batch["text"])
        self.asked["tried"] += rows
        return {"prediction": np.array(["a"] * rows, dtype=object), "scores": np.full((rows, 3), 1 / 3 + self.shift)}


@dataclass
class Slow:
    shift: float
    asked: Counter[str]

    def predict(self, batch: Batch) -> Batch:
        self.asked["written"] += len(batch["text"])
        return {"prediction": np.array([text + " and so on" for text in batch["text"]], dtype=object)}

    def trial(self) -> Predictor:
        return Quick(self.shift, self.asked)


@dataclass
class Runtime:
    """Keeps nothing; what it loads has scores that are ``shift`` aside."""

    shift: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    name: str = "slow"

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        (directory / "model").write_text("words")
        return Saved()

    def wrap(self, model: Any, signature: Signature) -> Predictor:
        return Slow(0.0, self.asked)

    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        return Slow(self.shift, self.asked)


PLAN = bundling.Plan("tale", "model", SIGNATURE, {"text": TEXTS})


def test_what_it_writes_is_compared_by_trial_and_profiled_on_few_rows(tmp_path: Path) -> None:
    runtime = Runtime()
    _, directory, _ = bundling.make(PLAN, runtime, tmp_path)
    assert bundle.read_profile(directory).rows == bundling.FEW_WRITTEN
    assert runtime.asked["written"] == bundling.FEW_WRITTEN, "for the profile, and for nothing else"
    assert runtime.asked["tried"] == 2 * (bundling.FEW_TRIED + bundling.ODD_ROWS), "by what was saved and what is kept"


def test_one_that_was_not_kept_as_it_was_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="answers otherwise than the one in memory on known rows"):
        bundling.make(PLAN, Runtime(shift=1e-6), tmp_path)
    assert not any((tmp_path / "staging").iterdir())
