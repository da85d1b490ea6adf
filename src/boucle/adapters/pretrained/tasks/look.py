"""image-classification: one class for a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.pictures import Preparation, pictures
from boucle.adapters.pretrained.recall import Recall, gathered
from boucle.adapters.pretrained.tasks import classes
from boucle.core.signature import Batch, Signature

TOGETHER = 8


class Viewer:
    """Pictures are prepared as the checkpoint's ``preprocessor_config.json`` or ``preprocess.json`` says."""

    embed: Callable[[Batch], NDArray[np.floating[Any]]]

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        self._preparation = Preparation.read(checkpoint.folder, checkpoint.options.get("max_pixels"))
        self._engine, self._signature = engine, signature
        self._last = Recall()
        if engine.vectors:
            self.embed = self._embed
        self._width, self._threshold = len(checkpoint.labels), checkpoint.options.get("threshold")

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError naming the row that is no picture."""
        name = self._signature.names[0]
        rows = pictures(batch[name], name)
        logits = np.empty((len(rows), self._width), dtype=np.float32)
        bright, vectors = np.empty(len(rows)), None
        for start in range(0, len(rows), TOGETHER):
            few = rows[start : start + TOGETHER]
            pixels = np.stack([self._preparation.pixels(raw, start + at, name) for at, raw in enumerate(few)])
            places = np.arange(start, start + len(few))
            answers = self._engine.run({"pixel_values": pixels})
            logits[places], bright[places] = answers["logits"], self._preparation.brightness(pixels)
            vectors = gathered(vectors, places, answers, len(rows))
        self._last.keep(batch, vectors, columns={f"{name}.brightness": bright})
        return classes.answer(classes.softmax(logits), self._signature, self._threshold)

    def describe(self, batch: Batch) -> Batch:
        """Return how bright the part of each picture is that the model looks at, 0 to 1, as ``FIELD.brightness``."""
        return self._last.of(batch, self).columns

    def _embed(self, batch: Batch) -> NDArray[np.floating[Any]]:
        vectors = self._last.of(batch, self).vectors
        assert vectors is not None
        return vectors

    def thumbnail(self, image: bytes, side: int) -> bytes:
        """Return a JPEG file of at most ``side`` pixels a side."""
        return self._preparation.thumbnail(image, side)
