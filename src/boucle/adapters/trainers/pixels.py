"""Images as features, without any network: small pictures, their light and their edges."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from boucle.core.errors import MissingExtra, RequestError

SIDE = 28
MOST_PIXELS = 50_000_000


class Pixels(TransformerMixin, BaseEstimator):  # type: ignore[misc]
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
            if raw is not None and raw == raw:
                found[row] = small(raw, self.side, row)
        return found


def small(raw: bytes, side: int, row: int) -> NDArray[np.float64]:
    """Return one image as grey values from 0 to 1, shape (side * side,); of an animation the first picture."""
    try:
        from PIL import Image, UnidentifiedImageError  # who trains on tables has no need of it
    except ImportError as error:
        raise MissingExtra.of("pillow", "image") from error
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(raw)) as opened:
            warnings.simplefilter("ignore")  # Pillow warns of what is refused here
            if opened.width * opened.height > MOST_PIXELS:
                raise RequestError(
                    f"The image of row {row} has {opened.width}x{opened.height} pixels: too many.", row=row
                )
            opened.draft("L", (4 * side, 4 * side))  # a large JPEG is decoded small
            grey = _deep(opened) if opened.mode.startswith(("I", "F")) else opened.convert("RGB").convert("L")
            made = grey.resize((side, side), Image.Resampling.BOX)
            return np.asarray(made, dtype=np.float64).ravel() / 255.0
    except RequestError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RequestError(
            f"The image of row {row} cannot be read: {str(error).splitlines()[0].rstrip('.')}.",
            hint="send a whole PNG, JPEG, GIF, BMP, WebP or TIFF file",
            row=row,
        ) from error


def _deep(opened: Any) -> Any:
    """Bring 16 bits and more a pixel to 8: the range of their type, or of the values where it has none."""
    values = np.asarray(opened, dtype=np.float64)
    top = 65535.0 if opened.mode.startswith("I;16") or values.max(initial=0.0) > 255.0 else 255.0
    return _grey(values / top)


def _grey(shares: NDArray[np.float64]) -> Any:
    from PIL import Image  # it is installed: it has read the file

    return Image.fromarray((np.clip(shares, 0.0, 1.0) * 255.0).astype(np.uint8))
