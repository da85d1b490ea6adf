"""question-answering: the piece of a text that answers a question; long texts are read in windows that overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import Tokens, texts
from boucle.core.errors import RequestError
from boucle.core.signature import Batch, Signature

STRIDE, LONGEST, MOST_WINDOWS = 128, 30, 64
Found = tuple[float, int, int]
"""How likely, and where in the context it begins and ends."""


class Answerer(Reader):
    """The score is the product of the probabilities of the begin and the end within the context of one window."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        super().__init__(checkpoint, engine, signature, stride=int(checkpoint.options.get("stride", STRIDE)))
        self._questions = Tokens(checkpoint)
        self._names = signature.names
        self._longest = int(checkpoint.options.get("max_answer_length", LONGEST))

    def predict(self, batch: Batch) -> Batch:
        """Return ``prediction``, ``score``, and ``start`` and ``end`` in characters of the context."""
        questions, contexts = (texts(batch[name], name) for name in self._names)
        self._require(questions, contexts)
        encodings = self._tokens.encode(questions, contexts, field=self._names[1])
        windows, owners = [], []
        for row, one in enumerate(encodings):
            mine = [one, *one.overflowing][:MOST_WINDOWS]
            windows += mine
            owners += [row] * len(mine)
        best: list[Found] = [(-1.0, 0, 0)] * len(questions)
        self._last.keep(batch, None, encodings)
        for places, _, answers in self._computed(windows):
            for at, place in enumerate(places):
                found = _likeliest(
                    windows[place], answers["start_logits"][at], answers["end_logits"][at], self._longest
                )
                best[owners[place]] = max(best[owners[place]], found)
        return {
            "prediction": np.array([c[s:e] for c, (_, s, e) in zip(contexts, best, strict=True)], dtype=object),
            "score": np.array([max(score, 0.0) for score, _, _ in best], dtype=np.float64),
            "start": np.array([start for _, start, _ in best], dtype=np.int64),
            "end": np.array([end for _, _, end in best], dtype=np.int64),
        }

    def _require(self, questions: list[str], contexts: list[str]) -> None:
        for name, column in zip(self._names, (questions, contexts), strict=True):
            for row, text in enumerate(column):
                if not text.strip():
                    raise RequestError(f"Row {row} of '{name}' is empty.", field=name, row=row)
        alone = self._tokens.limit // 2
        for row, question in enumerate(questions):
            if len(question) > alone and self._questions.length(question) > alone:
                raise RequestError(
                    f"Row {row} of '{self._names[0]}' is longer than {alone} tokens: there is no room for a context.",
                    field=self._names[0],
                    row=row,
                )


def _likeliest(window: Any, starts: NDArray[Any], ends: NDArray[Any], longest: int) -> Found:
    """Return the best span of a window's context."""
    inside = np.array(window.sequence_ids, dtype=object) == 1
    places = np.flatnonzero(inside)
    if not len(places):
        return (-1.0, 0, 0)
    start, end = classes.softmax(starts[places]), classes.softmax(ends[places])
    joint = np.triu(start[:, np.newaxis] * end[np.newaxis, :])
    joint = np.tril(joint, longest - 1)
    first, last = np.unravel_index(int(joint.argmax()), joint.shape)
    begin, stop = window.offsets[places[first]][0], window.offsets[places[last]][1]
    return (float(joint[first, last]), int(begin), int(stop))
