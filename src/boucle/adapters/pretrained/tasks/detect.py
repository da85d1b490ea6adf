"""object-detection: the things in a picture, each with its label, how sure that is, and a box around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.heads import DETECTORS
from boucle.adapters.pretrained.pictures import Preparation, pictures
from boucle.adapters.pretrained.recall import Recall
from boucle.adapters.pretrained.scaling import Side
from boucle.adapters.pretrained.tasks import classes
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature

THRESHOLD, MOST = 0.5, 100
TOGETHER, PIXELS = 8, 1_000_000
"""Pictures of one size that are computed at once, and all their pixels: a large one fills a machine by itself."""
_PATCH = {"yolos": 16}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
Thing = dict[str, Any]


class _Seen(NamedTuple):
    place: int
    pixels: NDArray[np.float32]
    side: Side


class Detector:
    """Pictures are looked at whole, as the checkpoint's ``preprocessor_config.json`` says.

    What is told with a probability over ``threshold`` (0.5) is answered, ``top_k`` (100) things at most.
    """

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        kind, options = str(checkpoint.config.get("model_type")), checkpoint.options
        self._preparation = Preparation.read(checkpoint.folder, options.get("max_pixels"), _PATCH.get(kind, 1))
        self._engine, self._signature, self._last = engine, signature, Recall()
        self._labels, self._empty = checkpoint.labels, DETECTORS.get(kind, False)
        self._threshold, self._most = float(options.get("threshold", THRESHOLD)), int(options.get("top_k", MOST))

    def predict(self, batch: Batch) -> Batch:
        """Return ``prediction``: for each picture a list of things, the surest first.

        Their boxes are in pixels of the picture as it is shown: upright, of its own size, cut at its edges. Raises
        RequestError naming the row that is no picture.
        """
        name = self._signature.names[0]
        rows = pictures(batch[name], name)
        found, bright = np.empty(len(rows), dtype=object), np.empty(len(rows))
        for few in self._together(rows, name):
            pixels = np.stack([one.pixels for one in few])
            answers = self._engine.run({"pixel_values": pixels})
            bright[[one.place for one in few]] = self._preparation.brightness(pixels)
            for one, shares, boxes in zip(few, self._shares(answers["logits"]), answers["pred_boxes"], strict=True):
                found[one.place] = things(shares, boxes, one.side, self._labels, self._threshold, self._most)
        self._last.keep(batch, columns={f"{name}.brightness": bright})
        return {"prediction": found}

    def describe(self, batch: Batch) -> Batch:
        """Return how bright each picture is, 0 to 1, as ``FIELD.brightness``."""
        return self._last.of(batch, self).columns

    def thumbnail(self, image: bytes, side: int) -> bytes:
        """Return a JPEG file of at most ``side`` pixels a side."""
        return self._preparation.thumbnail(image, side)

    def _together(self, rows: Sequence[bytes], name: str) -> Iterator[list[_Seen]]:
        """Prepare pictures one after the other; those of one size that follow each other come together.

        None is filled up to the size of another: what stands beside a picture does not change its answer.
        """
        few: list[_Seen] = []
        for place, raw in enumerate(rows):
            one = _Seen(place, *self._preparation.seen(raw, place, name))
            high, wide = one.pixels.shape[1:]
            room = min(TOGETHER, PIXELS // (high * wide))
            if few and (one.pixels.shape != few[0].pixels.shape or len(few) >= room):
                yield few
                few = []
            few.append(one)
        if few:
            yield few

    def _shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return probabilities, shape (rows, queries, labels); where they compete, only the best of a query is kept."""
        given, labels = logits.shape[2] - self._empty, len(self._labels)
        if given != labels:
            raise BundleError(
                f"The model gives {given} scores a thing; {labels} labels are named.",
                hint="name them all in labels.json, in the order of the scores",
            )
        if not self._empty:
            return classes.sigmoid(logits)
        shares = classes.softmax(logits)[:, :, :-1]
        return np.where(shares == shares.max(axis=2, keepdims=True), shares, 0.0)


def things(
    shares: NDArray[np.float64],
    boxes: NDArray[np.float32],
    side: Side,
    labels: Sequence[str],
    threshold: float = THRESHOLD,
    most: int = MOST,
) -> list[Thing]:
    """Return what is told of one picture with more than ``threshold``, the surest first.

    ``shares`` has the shape (queries, labels), ``boxes`` (queries, 4): the middle, width and height as shares of the
    picture's; ``side`` is its height and width in pixels.
    """
    order = np.argsort(-shares, axis=None, kind="stable")[:most]
    queries, kinds = np.unravel_index(order, shares.shape)
    corners = _corners(boxes.astype(np.float64), side)
    return [
        {
            "label": labels[kind],
            "score": float(shares[query, kind]),
            "box": dict(zip(_CORNERS, corners[query].tolist(), strict=True)),
        }
        for query, kind in zip(queries, kinds, strict=True)
        if shares[query, kind] > threshold
    ]


def _corners(boxes: NDArray[np.float64], side: Side) -> NDArray[np.float64]:
    """Return boxes as their corners in pixels, to the hundredth, shape (queries, 4)."""
    height, width = side
    half = boxes[:, 2:] / 2.0
    shares = np.clip(np.hstack([boxes[:, :2] - half, boxes[:, :2] + half]), 0.0, 1.0)
    return np.round(shares * [width, height, width, height], 2)
