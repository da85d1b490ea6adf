"""A concept that drifts: for half of the rows, what is right becomes something else, by a strength from 0 to 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from boucle.core.signature import Batch, Column
from boucle.drill.population import Floats, Places, Population

SIZE = 2.0
"""How far a number's truth moves at full strength, in root mean squared errors of the champion: its error grows 1.7
times, surely a loss and not yet a disaster."""


@dataclass(frozen=True)
class Concept:
    """Moves truths, and the answers of a version that has learned of it (or of a poisoned one, that only thinks so).

    A number of the moved half grows by ``strength`` times ``SIZE`` errors. A label becomes the next class, for as many
    rows of the half as ``strength`` says.
    """

    rows: Population

    def truth(self, truth: Column, places: Places, strength: float) -> Column:
        """Return what is right at ``strength`` for rows of the population."""
        return self._moved(truth, places, strength)

    def answers(self, told: Batch, places: Places, strength: float) -> Batch:
        """Return what a version answers that has learned the concept at ``strength``."""
        name = self.rows.signature.prediction.name
        moved: dict[str, Column] = {**told, name: self._moved(told[name], places, strength)}
        if "probabilities" in told:
            which = self._share(places) < strength
            moved["probabilities"] = np.where(
                which[:, None], np.roll(told["probabilities"], 1, axis=1), told["probabilities"]
            )
        return moved

    def _moved(self, values: Column, places: Places, strength: float) -> Column:
        classes = self.rows.signature.classes
        if classes is None:
            return values.astype(np.float64) + self.rows.half[places] * strength * SIZE * self._error()
        follows: dict[Any, Any] = dict(zip(classes, (*classes[1:], classes[0]), strict=True))
        which = self._share(places) < strength
        moved = values.copy()
        moved[which] = [follows.get(value, value) for value in values[which].tolist()]
        return moved

    def _share(self, places: Places) -> Floats:
        """Return for each row the strength from which on it is moved; never for the half that stays."""
        spread = (np.arange(len(self.rows)) * 0.6180339887498949) % 1.0  # evenly, in no order
        return np.where(self.rows.half, spread, math.inf)[places]

    def _error(self) -> float:
        told = self.rows.answers[self.rows.signature.prediction.name].astype(np.float64)
        return float(np.sqrt(np.mean(np.square(self.rows.truth.astype(np.float64) - told))))
