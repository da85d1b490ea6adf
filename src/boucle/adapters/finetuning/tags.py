"""Marked pieces of texts as labels of tokens: what is learned for token-classification, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from boucle.adapters.finetuning.classification import even
from boucle.adapters.finetuning.examples import LEAST, Examples, check_inputs, column, input_of, judged
from boucle.adapters.finetuning.feeding import Rows, Texts
from boucle.adapters.finetuning.goals import Goal, Tensors
from boucle.adapters.finetuning.ready import Ready
from boucle.adapters.pretrained.tasks.tag import OUTSIDE, spans, words
from boucle.core.errors import TrainingError
from boucle.measures.spans import Span, spans_of
from boucle.ports.trainer import Job

IGNORED = -100
"""The label of a token that is not asked for: all but the first of a word, and those that mark the ends."""


@dataclass(frozen=True, slots=True)
class Tagged(Examples):
    """``classes`` are the tags of tokens; ``codes`` say whether a row has spans at all, for the share held out."""

    spans: tuple[tuple[Span, ...], ...] = ()

    @property
    def truths(self) -> NDArray[Any]:
        """The spans of each row, shape (rows,)."""
        return column([[span._asdict() for span in row] for row in self.spans])

    @property
    def constant(self) -> list[Any]:
        """An answer without a model: nothing is marked."""
        return [[] for _ in self.inputs]

    def ordered_as(self, names: list[str]) -> Tagged:
        """Return it with its tags in the order of ``names``, which are the same."""
        return replace(self, classes=tuple(names))


def read(job: Job) -> Tagged:
    """Read a job; its target holds lists of spans, or JSON of them. Raises TrainingError."""
    if len(job.frame) < LEAST:
        raise TrainingError(f"{len(job.frame)} rows are too few to fine-tune on.", hint=f"it takes {LEAST} or more")
    field = input_of(job)
    inputs = list(job.frame[field.name])
    notes = check_inputs(inputs, field)
    found = []
    for row, value in enumerate(job.frame[job.target]):
        try:
            found.append(spans_of(value))
        except ValueError as error:
            raise TrainingError(
                f"Row {row} of '{job.target}' holds no spans: {error}.",
                hint='write a list of {"label": ..., "start": ..., "end": ...}, ends in characters of the text',
                row=row,
            ) from error
    names = sorted({span.label for row in found for span in row})
    if not names:
        raise TrainingError(f"'{job.target}' marks nothing in any text.", hint="data.target has to name the spans")
    tags = (OUTSIDE, *(f"{mark}-{name}" for name in names for mark in "BI"))
    codes = np.array([len(row) > 0 for row in found], dtype=np.int64)
    return Tagged(field, inputs, codes, tags, tuple(notes), tuple(found))


class Tags(Goal):
    """The goal of a tagger: the right tag for the first token of each word.

    With ``balanced`` the words of each tag weigh as much in all as those of any other.
    """

    def __init__(self, examples: Tagged, ready: Ready, metric: str, *, balanced: bool = False) -> None:
        assert isinstance(ready.material, Texts)
        super().__init__(ready)
        self.examples, self.metric = examples, metric
        self.encodings = ready.material.encodings
        place = {tag: code for code, tag in enumerate(examples.names)}
        self.codes = [
            _codes(encoding, marked, place) for encoding, marked in zip(self.encodings, examples.spans, strict=True)
        ]
        self.weights = even(self._counts()) if balanced else None

    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return the place of each token's tag, IGNORED where there is none."""
        labels = torch.full(tuple(feeds["input_ids"].shape), IGNORED)
        for place, row in enumerate(rows):
            labels[place, : len(self.codes[row])] = torch.tensor(self.codes[row])
        return {"labels": labels}

    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the mean cross entropy over words, each weighed by its tag where that is asked."""
        weights = None if self.weights is None else self.weights.to(scores.device)
        return functional.cross_entropy(
            scores.flatten(0, 1), truth["labels"].flatten(), weight=weights, ignore_index=IGNORED
        )

    def judge(self, model: Any) -> dict[str, float]:
        """Measure the rows held out: the mean loss over words, and the job's metric over spans."""
        lost, counted = 0.0, 0
        found: dict[int, Any] = {}
        for rows, scores, truth in self.told(model, self.ready.held):
            asked = int((truth["labels"] != IGNORED).sum())
            losses = functional.cross_entropy(scores.flatten(0, 1), truth["labels"].flatten(), ignore_index=IGNORED)
            lost, counted = lost + float(losses) * asked if asked else lost, counted + asked
            shares = scores.double().softmax(-1).cpu().numpy()
            for row, share in zip(rows.tolist(), shares, strict=True):
                found[row] = spans(self.examples.inputs[row], words(self.encodings[row], share, self.examples.names))
        held = self.ready.held
        told = [found[row] for row in held]
        return {"loss": lost / max(1, counted), self.metric: judged(self.metric, self.examples, held, told)}

    def _counts(self) -> NDArray[np.intp]:
        codes = np.array([code for row in self.ready.learned for code in self.codes[row]], dtype=np.int64)
        return np.bincount(codes[codes != IGNORED], minlength=len(self.examples.names))


def _codes(encoding: Any, marked: Sequence[Span], place: dict[str, int]) -> list[int]:
    """Return the tag of each token: B for the word a span begins in, I for its others, by the characters they cover."""
    made: list[int] = []
    last_word: int | None = None
    last_span: Span | None = None
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        if word is None or word == last_word:
            made.append(IGNORED)
            continue
        last_word = word
        own = next((span for span in marked if span.start < end and start < span.end), None)
        mark = "I" if own is not None and own == last_span else "B"
        made.append(place[OUTSIDE] if own is None else place[f"{mark}-{own.label}"])
        last_span = own
    return made
