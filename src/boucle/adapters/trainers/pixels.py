"""Images as features, without any network: small grey pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from boucle.core.errors import MissingExtra

SIDE = 28


class Pixels(TransformerMixin, BaseEstimator):
    """Makes of each image file a grey picture of ``side`` by ``side`` pixels, from 0 to 1; a missing one is black."""

    def __init__(self, side: int = SIDE) -> None:
        self.side = side

    def fit(self, images: Any, y: Any = None) -> Pixels:
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, images: Any) -> NDArray[np.float64]:
        """Return the pictures, shape (rows, side * side); raises RequestError naming the row that is no image."""
        files = np.asarray(images, dtype=object).ravel()
        found = np.zeros((len(files), self.side * self.side))
        for row, raw in enumerate(files):
            if isinstance(raw, bytes):
                found[row] = small(raw, self.side, row)
        return found


def small(raw: bytes, side: int, row: int = 0) -> NDArray[np.float64]:
    """Return an image as grey values from 0 to 1, shape (side * side,); raises RequestError naming the row."""
    try:
        from boucle.adapters.pretrained.pictures import opened  # needs Pillow, which tables have no use for
    except ImportError as error:
        raise MissingExtra.of("pillow", "image") from error
    grey = opened(raw, row, "image", mode="L")
    return np.asarray(grey.resize((side, side), 4), dtype=np.float64).ravel() / 255.0  # 4: the mean of each box
