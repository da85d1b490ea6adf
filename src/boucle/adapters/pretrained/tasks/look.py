"""image-classification: one class for a picture."""

from __future__ import annotations

import numpy as np

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.pictures import Preparation, pictures
from boucle.adapters.pretrained.tasks import classes
from boucle.core.signature import Batch, Signature

TOGETHER = 8


class Viewer:
    """Pictures are prepared as the checkpoint's ``preprocessor_config.json`` or ``preprocess.json`` says."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        self._preparation = Preparation.read(checkpoint.folder, checkpoint.options.get("max_pixels"))
        self._engine, self._signature = engine, signature
        self._width = len(checkpoint.labels)

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError naming the row that is no picture."""
        name = self._signature.names[0]
        rows = pictures(batch[name], name)
        logits = np.empty((len(rows), self._width), dtype=np.float32)
        for start in range(0, len(rows), TOGETHER):
            few = rows[start : start + TOGETHER]
            pixels = np.stack([self._preparation.pixels(raw, start + at, name) for at, raw in enumerate(few)])
            logits[start : start + TOGETHER] = self._engine.run({"pixel_values": pixels})["logits"]
        return classes.answer(classes.softmax(logits), self._signature)

    def thumbnail(self, image: bytes, side: int) -> bytes:
        """Return a JPEG file of at most ``side`` pixels a side."""
        return self._preparation.thumbnail(image, side)
