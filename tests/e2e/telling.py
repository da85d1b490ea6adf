"""A runtime of another author, whose answers tell what reached it: every column changes the answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


class Adding:
    """A regressor: 1000 times its version, plus ``x``, plus ten times ``pH``; a missing ``x`` is 500."""

    def load(self, directory: Path, info: Any) -> Adding:
        self.base = float((directory / "base.txt").read_text())
        return self

    def predict(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        with np.errstate(over="ignore"):
            return {"prediction": self.base + np.nan_to_num(batch["x"], nan=500.0) + 10 * batch["pH"]}


class Weighing:
    """A classifier of mixed columns; a place of two decimals in the share of "yes" for each of them."""

    def load(self, directory: Path, info: Any) -> Weighing:
        return self

    def predict(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        texts = np.array([0.0 if city is None else len(city) / 10 for city in batch["city"]])
        age = np.nan_to_num(batch["age"], nan=9.0) / 100
        score = np.nan_to_num(batch["score"], nan=9.0) / 1000
        later = batch["day"] > np.datetime64("2024-01-01")
        yes = np.clip(texts + age + score + 0.0001 * batch["member"] + 0.00001 * later, 0, 1)
        label = np.where(yes > 0.5, "yes", "no").astype(object)
        return {"prediction": label, "probabilities": np.stack([1 - yes, yes], axis=1)}
