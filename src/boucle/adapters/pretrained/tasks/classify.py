"""text-classification: one class for a text, or for a pair of texts."""

from __future__ import annotations

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import scores
from boucle.adapters.pretrained.tokens import Tokens, texts
from boucle.core.signature import Batch, Signature


class Classifier:
    """Probabilities add up to one, but for a checkpoint of several labels a text: there each stands for itself."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        self._tokens = Tokens(checkpoint)
        self._engine, self._signature = engine, signature
        several = checkpoint.config.get("problem_type") == "multi_label_classification"
        self._shares = classes.sigmoid if several else classes.softmax
        self._width = len(checkpoint.labels)

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError naming the row that is no text."""
        first, *second = (texts(batch[name], name) for name in self._signature.names)
        encodings = self._tokens.encode(first, second[0] if second else None, field=self._signature.names[0])
        logits = scores(self._tokens, self._engine, encodings, self._width)
        return classes.answer(self._shares(logits), self._signature)
