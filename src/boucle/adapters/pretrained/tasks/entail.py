"""zero-shot-classification: the label whose hypothesis follows from the text, by a model of language inference."""

from __future__ import annotations

import numpy as np

from boucle.adapters.pretrained import heads
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import texts
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature

HYPOTHESIS = "This example is {}."


class ZeroShot(Reader):
    """Probabilities add up to one over the candidates, unless ``multi_label``: there each stands for itself."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        entailed = heads.entailment(checkpoint.config)
        if entailed is None:
            raise BundleError(f"The checkpoint {checkpoint.folder} has no label for entailment.")
        super().__init__(checkpoint, engine, signature)
        self._entailed, self._width = entailed, len(checkpoint.config["id2label"])
        self._against = _contradiction(checkpoint, entailed)
        self._multi = bool(checkpoint.options.get("multi_label", False))
        template = str(checkpoint.options.get("hypothesis", HYPOTHESIS))
        self._hypotheses = [template.replace("{}", label) for label in checkpoint.labels]

    def predict(self, batch: Batch) -> Batch:
        """Predict; every text is put beside every candidate."""
        rows = texts(batch[self._name], self._name)
        first = [text for text in rows for _ in self._hypotheses]
        encodings = self._tokens.encode(first, self._hypotheses * len(rows), field=self._name)
        candidates = len(self._hypotheses)
        found, vectors = self._scores(encodings, self._width)
        self._last.keep(batch, None if vectors is None else vectors[::candidates], encodings[::candidates])
        logits = found.reshape(len(rows), candidates, self._width)
        if self._multi:
            shares = classes.softmax(logits[:, :, [self._against, self._entailed]])[:, :, 1]
        else:
            shares = classes.softmax(logits[:, :, self._entailed])
        return classes.answer(np.ascontiguousarray(shares), self._signature)


def _contradiction(checkpoint: Checkpoint, entailed: int) -> int:
    named = {int(key): str(label).lower() for key, label in checkpoint.config["id2label"].items()}
    against = [place for place, label in named.items() if label.startswith(("contra", "not_entail", "not entail"))]
    return against[0] if against else (0 if entailed else len(named) - 1)
