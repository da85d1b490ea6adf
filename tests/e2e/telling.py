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


class Reading:
    """A classifier of texts: those with a "good" in them are good."""

    def load(self, directory: Path, info: Any) -> Reading:
        return self

    def predict(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        good = np.array([0.9 if "good" in text else 0.2 for text in batch["text"]])
        label = np.where(good > 0.5, "good", "bad").astype(object)
        return {"prediction": label, "probabilities": np.stack([1 - good, good], axis=1)}


class Marking:
    """Marks the first word of a text."""

    def load(self, directory: Path, info: Any) -> Marking:
        return self

    def predict(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        found = np.empty(len(batch["text"]), dtype=object)
        for row, text in enumerate(batch["text"]):
            word = text.split(" ")[0]
            found[row] = [{"label": "FIRST", "start": 0, "end": len(word), "text": word, "score": 0.5}]
        return {"prediction": found}


class Looking:
    """A classifier of images, by the height that the head of a PNG tells."""

    def load(self, directory: Path, info: Any) -> Looking:
        return self

    def predict(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        wide = np.array([0.9 if image[16:20] > image[20:24] else 0.1 for image in batch["image"]])
        label = np.where(wide > 0.5, "wide", "tall").astype(object)
        return {"prediction": label, "probabilities": np.stack([1 - wide, wide], axis=1)}


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
