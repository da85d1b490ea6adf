"""What every task on texts does: encode the rows, compute them by length, put the answers back in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.batches import by_length
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.recall import Recall, gathered
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.signature import Batch, Signature

Encodings = Sequence[Any]
Computed = Iterator[tuple[NDArray[np.intp], dict[str, NDArray[Any]], dict[str, NDArray[np.float32]]]]


class Reader:
    """A tokenizer and an engine, and what is remembered of the rows that were read last.

    It has ``embed`` where the engine gives vectors of what goes in (``ports.runtime.Embedding``).
    """

    embed: Callable[[Batch], NDArray[np.floating[Any]]]

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature, **reading: Any) -> None:
        self._tokens = Tokens(checkpoint, **reading)
        self._engine, self._signature, self._name = engine, signature, signature.names[0]
        self._last = Recall()
        if engine.vectors:
            self.embed = self._embed

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError naming the row that is no text."""
        raise NotImplementedError

    def describe(self, batch: Batch) -> Batch:
        """Return the share of tokens that the model does not know, as ``FIELD.unknown``; NaN where there is none."""
        encodings = self._last.of(batch, self).encodings
        return {f"{self._name}.unknown": self._tokens.unknown(encodings)}

    def _embed(self, batch: Batch) -> NDArray[np.floating[Any]]:
        vectors = self._last.of(batch, self).vectors
        assert vectors is not None
        return vectors

    def _computed(self, encodings: Encodings) -> Computed:
        """Yield, batch by batch, the places of its rows, what went in and what came out."""
        for rows in by_length([len(one) for one in encodings], self._engine.budget, self._engine.slack):
            feeds = self._tokens.feeds([encodings[row] for row in rows], self._engine.takes)
            yield rows, feeds, self._engine.run(feeds)

    def _scores(self, encodings: Encodings, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the ``logits`` of all rows, shape (rows, width), and their vectors if the engine gives some."""
        found = np.empty((len(encodings), width), dtype=np.float32)
        vectors: NDArray[np.float32] | None = None
        for rows, _, answers in self._computed(encodings):
            found[rows] = answers["logits"]
            vectors = gathered(vectors, rows, answers, len(encodings))
        return found, vectors
