"""token-classification: the marked pieces of a text, by words; names, places, dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.adapters.pretrained.recall import gathered
from boucle.adapters.pretrained.tasks import classes
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import texts
from boucle.core.signature import Batch, Signature

OUTSIDE = "O"
_BEGIN, _SINGLE, _END = "BSU", "SU", "EL"
Span = dict[str, Any]
Word = tuple[int, int, str, float]
"""Where a word begins and ends, its label and how sure that is."""


class Tagger(Reader):
    """A word has the label of its first token, as it is trained; words of one name are put together."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        super().__init__(checkpoint, engine, signature)
        self._labels = checkpoint.labels

    def predict(self, batch: Batch) -> Batch:
        """Return ``prediction``: for each text a list of spans in its order."""
        rows = texts(batch[self._name], self._name)
        encodings = self._tokens.encode(rows, field=self._name)
        found = np.empty(len(rows), dtype=object)
        vectors = None
        for places, _, answers in self._computed(encodings):
            vectors = gathered(vectors, places, answers, len(rows))
            shares = classes.softmax(answers["logits"])
            for place, share in zip(places, shares, strict=True):
                found[place] = spans(rows[place], words(encodings[place], share, self._labels))
        self._last.keep(batch, vectors, encodings)
        return {"prediction": found}


def words(encoding: Any, shares: NDArray[np.float64], labels: Sequence[str]) -> list[Word]:
    """Return the words of one text; ``shares`` has the shape (tokens or more, labels)."""
    made: list[Word] = []
    last = None
    for place, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is None:
            last = None
        elif word == last:
            made[-1] = (made[-1][0], end, *made[-1][2:])
        else:
            best = int(shares[place].argmax())
            made.append((start, end, labels[best], float(shares[place, best])))
            last = word
    return made


def spans(text: str, words: Sequence[Word]) -> list[Span]:
    """Put words together: B-, I-, E- and S- prefixes are understood, words without a prefix join when they touch.

    The score of a span is the mean over its words.
    """
    groups: list[list[Word]] = []
    open_label: str | None = None
    for word in words:
        mark, label = _split(word[2])
        if label == OUTSIDE:
            open_label = None
            continue
        if open_label == label and not (mark and mark in _BEGIN):
            groups[-1].append(word)
        else:
            groups.append([word])
        open_label = None if mark and mark in _SINGLE + _END else label
    return [_span(text, group) for group in groups]


def _span(text: str, group: Sequence[Word]) -> Span:
    start, end = group[0][0], group[-1][1]
    while start < end and text[start].isspace():  # byte-level tokens take the blank before a word with them
        start += 1
    return {
        "label": _split(group[0][2])[1],
        "start": start,
        "end": end,
        "text": text[start:end],
        "score": float(np.mean([word[3] for word in group])),
    }


def _split(label: str) -> tuple[str, str]:
    """Return the mark and the name of a label: ``B-PER`` is ("B", "PER"), ``PER`` is ("", "PER")."""
    mark, dash, name = label.partition("-")
    return (mark, name) if dash and mark in tuple("BIESLU") else ("", label)
