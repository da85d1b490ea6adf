"""feature-extraction: one vector for a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.folders import read_json
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import texts
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature

_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}


class Embedder(Reader):
    """Vectors are pooled as the checkpoint says (``1_Pooling``, ``modules.json``); mean and unscaled if it does not."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        super().__init__(checkpoint, engine, signature)
        self._width = signature.prediction.shape[0]
        self.embed = self._embed
        self._pooling, self._normalize = pooling_of(checkpoint.folder, checkpoint.options)

    def predict(self, batch: Batch) -> Batch:
        """Return ``prediction`` of shape (rows, dimensions); raises RequestError naming the row that is no text."""
        encodings = self._tokens.encode(texts(batch[self._name], self._name), field=self._name)
        found = np.empty((len(encodings), self._width))
        for rows, feeds, answers in self._computed(encodings):
            vectors = answers["vector"] if "vector" in answers else self._pooled(answers, feeds, encodings, rows)
            if vectors.shape[1:] != (self._width,):
                raise BundleError(f"The model's vectors have {vectors.shape[-1]} numbers, not {self._width}.")
            found[rows] = vectors
        if self._normalize:
            found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        self._last.keep(batch, found, encodings)
        return {"prediction": found}

    def _pooled(self, answers: Mapping[str, Any], feeds: Mapping[str, Any], encodings: Any, rows: Any) -> NDArray[Any]:
        hidden = answers["last_hidden_state"]
        mask = feeds.get("attention_mask")
        if mask is None:
            mask = np.ones(hidden.shape[:2], dtype=np.int64)
        return pooled(hidden, mask, self._pooling)


def pooled(hidden: NDArray[np.float32], mask: NDArray[np.int64], how: str) -> NDArray[np.float64]:
    """Return one vector a row of ``hidden``, shape (rows, tokens, dimensions), over the tokens that ``mask`` marks."""
    marked = mask.astype(np.float64)[:, :, np.newaxis]
    if how == "cls":
        return hidden[:, 0].astype(np.float64)
    if how == "last":
        return hidden[np.arange(len(hidden)), np.maximum(mask.sum(axis=1) - 1, 0)].astype(np.float64)
    if how == "max":
        return np.where(marked > 0, hidden, -np.inf).max(axis=1)
    total: NDArray[np.float64] = (hidden * marked).sum(axis=1) / np.maximum(marked.sum(axis=1), 1.0)
    return total


def pooling_of(folder: Path, options: Mapping[str, Any]) -> tuple[str, bool]:
    """Return how vectors are pooled and whether they get the length one: what is asked, else what the folder says."""
    said = read_json(folder / "1_Pooling" / "config.json", optional=True)
    mode = str(said.get("pooling_mode") or next((name for key, name in _POOLING.items() if said.get(key)), "mean"))
    modules = folder / "modules.json"
    normal = modules.is_file() and "Normalize" in modules.read_text(encoding="utf-8")
    return str(options.get("pooling", mode)), bool(options.get("normalize", normal))
