"""What a model that writes shows of itself in a moment: the scores of the next token, a few words, its settings."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from boucle.core.signature import Batch, Column

READ, WRITTEN = 16, 4
"""Tokens of a row that are read, and that are written."""


class Writes(Protocol):
    """A predictor that writes, taken apart. ``side`` is the end of a long text that is cut."""

    side: str

    @property
    def settings(self) -> str:
        """All that its answers depend on beside the weights and the row."""
        ...

    def encoded(self, batch: Batch) -> list[Encoding]:
        """Encode the rows; raises RequestError."""
        ...

    def scored(self, encodings: list[Encoding]) -> NDArray[np.float32] | None:
        """Return the scores of every token as the next one, shape (rows, vocabulary); None if they cannot be had."""
        ...

    def written(self, encodings: list[Encoding], most: int | None = None) -> list[str]:
        """Return a text a row, of ``most`` tokens."""
        ...


class Trial:
    """Two of these that answer alike are one model (``ports.runtime.Tried``).

    A text of a hundred tokens is a hundred times the largest of many scores. The scores themselves, of one token, say
    more about the weights and cost a hundredth; how the whole row is encoded, and the settings, are compared as such.
    """

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    def predict(self, batch: Batch) -> Batch:
        """Return ``prediction``, ``tokens``, ``settings`` and, where they can be had, ``scores``."""
        encodings = self._writes.encoded(batch)
        found = {"tokens": _texts([repr(one.ids) for one in encodings])}
        for one in encodings:
            one.truncate(READ, direction=self._writes.side)
        found["prediction"] = _texts(self._writes.written(encodings, WRITTEN))
        found["settings"] = _texts([self._writes.settings] * len(encodings))
        scores = self._writes.scored(encodings)
        return found if scores is None else {**found, "scores": scores}


def _texts(values: list[str]) -> Column:
    return np.array(values, dtype=object)
