"""What a predictor remembers of the rows its thread predicted last, so that asking about them computes nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch
from boucle.ports.runtime import Predictor


class Recall(threading.local):
    """``vectors`` has the shape (rows, dimensions), ``encodings`` are tokens, ``columns`` what was seen of pictures."""

    def __init__(self) -> None:
        self._batch: Batch | None = None
        self.vectors: NDArray[np.floating[Any]] | None = None
        self.encodings: Sequence[Any] = ()
        self.columns: Batch = {}

    def keep(
        self,
        batch: Batch,
        vectors: NDArray[np.floating[Any]] | None = None,
        encodings: Sequence[Any] = (),
        columns: Batch | None = None,
    ) -> None:
        """Remember a batch that was predicted."""
        self._batch, self.vectors, self.encodings, self.columns = batch, vectors, encodings, columns or {}

    def of(self, batch: Batch, predictor: Predictor) -> Recall:
        """Return what is remembered of ``batch``, which is predicted once more if it was not the last one."""
        if self._batch is not batch:
            predictor.predict(batch)
        return self


def gathered(
    vectors: NDArray[np.float32] | None, rows: NDArray[np.intp], answers: dict[str, NDArray[np.float32]], total: int
) -> NDArray[np.float32] | None:
    """Put the vectors of some rows among those of all."""
    if "vector" not in answers:
        return None
    if vectors is None:
        vectors = np.empty((total, answers["vector"].shape[1]), dtype=np.float32)
    vectors[rows] = answers["vector"]
    return vectors
