"""text-classification: one class for a text, or for a pair of texts."""

from __future__ import annotations

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import texts
from boucle.core.signature import Batch, Signature


class Classifier(Reader):
    """Probabilities add up to one, but for a checkpoint of several labels a text: there each stands for itself."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        super().__init__(checkpoint, engine, signature)
        several = checkpoint.config.get("problem_type") == "multi_label_classification"
        self._shares = classes.sigmoid if several else classes.softmax
        self._width, self._threshold = len(checkpoint.labels), checkpoint.options.get("threshold")

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError naming the row that is no text."""
        first, *second = (texts(batch[name], name) for name in self._signature.names)
        encodings = self._tokens.encode(first, second[0] if second else None, field=self._name)
        logits, vectors = self._scores(encodings, self._width)
        self._last.keep(batch, vectors, encodings)
        return classes.answer(self._shares(logits), self._signature, self._threshold)
