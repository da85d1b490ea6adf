"""fill-mask: what fits into the gap of a text."""

from __future__ import annotations

import numpy as np

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import texts
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Batch, Signature

USUAL = ("[MASK]", "<mask>")
"""A gap may be written as either, whatever the model's own mark is."""
TOP = 5


class Filler(Reader):
    """Each answer is a list of candidates, best first; the score is the model's probability among all tokens."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        super().__init__(checkpoint, engine, signature)
        mark = self._tokens.mask or next((one for one in USUAL if self._tokens.id_of(one) is not None), None)
        place = None if mark is None else self._tokens.id_of(mark)
        if mark is None or place is None:
            raise BundleError(f"The tokenizer of {checkpoint.folder} has no mark for a gap, such as {USUAL[0]}.")
        self._mark, self._gap, self._top = mark, place, int(checkpoint.options.get("top_k", TOP))

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError for a text that has no gap, or more than one."""
        rows = [self._own(text) for text in texts(batch[self._name], self._name)]
        encodings = self._tokens.encode(rows, field=self._name)
        gaps = [self._place(row, one.ids) for row, one in enumerate(encodings)]
        found = np.empty(len(rows), dtype=object)
        for places, _, answers in self._computed(encodings):
            for place, logits in zip(places, answers["logits"], strict=True):
                shares = classes.softmax(logits[gaps[place]])
                found[place] = [self._candidate(rows[place], int(best), shares) for best in _best(shares, self._top)]
        self._last.keep(batch, None, encodings)
        return {"prediction": found}

    def _own(self, text: str) -> str:
        for usual in USUAL:
            if self._mark not in text:
                text = text.replace(usual, self._mark)
        return text

    def _place(self, row: int, ids: list[int]) -> int:
        gaps = [place for place, token in enumerate(ids) if token == self._gap]
        if len(gaps) != 1:
            raise RequestError(
                f"Row {row} of '{self._name}' has {len(gaps) or 'no'} gap{'s' if gaps else ''} within the "
                f"{self._tokens.limit} tokens that are read.",
                hint=f"mark the one word to be filled in with {self._mark}",
                field=self._name,
                row=row,
            )
        return gaps[0]

    def _candidate(self, text: str, token: int, shares: np.ndarray) -> dict[str, object]:
        word = self._tokens.token(token)
        return {"token": word, "score": float(shares[token]), "text": text.replace(self._mark, word)}


def _best(shares: np.ndarray, top: int) -> list[int]:
    top = min(top, len(shares))
    few = np.argpartition(-shares, top - 1)[:top]
    return [int(place) for place in few[np.argsort(-shares[few], kind="stable")]]
