"""What every task on texts does: encode the rows, compute them by length, put the answers back in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.batches import by_length
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tokens import Tokens

Encodings = Sequence[Any]


def computed(
    tokens: Tokens, engine: Engine, encodings: Encodings
) -> Iterator[tuple[NDArray[np.intp], dict[str, NDArray[Any]], dict[str, NDArray[np.float32]]]]:
    """Yield, batch by batch, the places of its rows, what went in and what came out."""
    for rows in by_length([len(one) for one in encodings], engine.budget, engine.slack):
        feeds = tokens.feeds([encodings[row] for row in rows], engine.takes)
        yield rows, feeds, engine.run(feeds)


def scores(tokens: Tokens, engine: Engine, encodings: Encodings, width: int) -> NDArray[np.float32]:
    """Return the ``logits`` of all rows, shape (rows, width)."""
    found = np.empty((len(encodings), width), dtype=np.float32)
    for rows, _, answers in computed(tokens, engine, encodings):
        found[rows] = answers["logits"]
    return found
