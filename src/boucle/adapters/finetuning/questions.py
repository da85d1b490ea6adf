"""Questions with a text each, and the piece of it that answers: question-answering as rows and tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from boucle.adapters.finetuning.examples import LEAST, Examples, check_inputs
from boucle.adapters.finetuning.feeding import Rows, Texts
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.tasks.answer import STRIDE
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.errors import TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Job

QUESTION = Field("question", "text")


@dataclass(frozen=True, slots=True)
class Questioned(Examples):
    """``inputs`` are the texts; ``answers`` stand in them from ``starts`` on. There are no classes."""

    asks: Field = QUESTION
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.asks, self.field)

    @property
    def columns(self) -> dict[str, list[Any]]:
        return {self.asks.name: list(self.questions), self.field.name: self.inputs}

    @property
    def truths(self) -> NDArray[Any]:
        """What is right for each row, shape (rows,)."""
        return np.array(self.answers, dtype=object)

    @property
    def constant(self) -> list[Any]:
        """An answer without a model: the whole text."""
        return self.inputs


def read(job: Job) -> Questioned:
    """Read a job: columns of questions and of texts, a target of answers that stand in them. Raises TrainingError."""
    if len(job.frame) < LEAST:
        raise TrainingError(f"{len(job.frame)} rows are too few to fine-tune on.", hint=f"it takes {LEAST} or more")
    asks, field = _fields(job)
    columns = [list(job.frame[name]) for name in (asks.name, field.name, job.target)]
    notes = [
        note
        for column, told in zip(columns, (asks, field, Field(job.target, "text")), strict=True)
        for note in check_inputs(column, told)
    ]
    questions, inputs, answers = columns
    starts = [text.find(answer) if answer.strip() else -1 for text, answer in zip(inputs, answers, strict=True)]
    absent = [row for row, start in enumerate(starts) if start < 0]
    if absent:
        raise TrainingError(
            f"{len(absent)} of {len(starts)} answers do not stand in '{field.name}', the first is row {absent[0]}.",
            hint="an answer has to be a piece of the text, letter by letter; drop the other rows, "
            "or learn to write:  task: text-generation",
            row=absent[0],
        )
    several = sum(text.count(answer) > 1 for text, answer in zip(inputs, answers, strict=True))
    if several:
        notes.append(f"{several} answers stand in their text more than once: the first place is learned")
    return Questioned(
        field, inputs, np.zeros(len(inputs), dtype=np.int64), (), tuple(notes),
        asks=asks, questions=tuple(questions), answers=tuple(answers), starts=tuple(starts),
    )  # fmt: skip


class Windows(Texts):
    """For each row the window of its text that holds the answer; ``begins`` and ``ends`` are places of tokens in it."""

    def __init__(self, checkpoint: Checkpoint, examples: Questioned, takes: frozenset[str]) -> None:
        self.tokens, self.takes = Tokens(checkpoint, stride=STRIDE), takes
        found = self.tokens.encode(examples.questions, examples.inputs, field=examples.field.name)
        self.cut = sum(bool(one.overflowing) for one in found)
        self.encodings, self.begins, self.ends = [], [], []
        for one, start, answer in zip(found, examples.starts, examples.answers, strict=True):
            window, begin, end = _holding([one, *one.overflowing], start, start + len(answer))
            self.encodings.append(window)
            self.begins.append(begin)
            self.ends.append(end)
        self.lengths = np.array([len(one) for one in self.encodings], dtype=np.int64)

    def places(self, rows: Rows) -> torch.Tensor:
        """Return begins and ends, shape (rows, 2)."""
        return torch.tensor([(self.begins[row], self.ends[row]) for row in rows])


def _holding(windows: list[Any], start: int, end: int) -> tuple[Any, int, int]:
    """Return the window that shows most of an answer, and its first and last token there."""
    held = [
        [
            place
            for place, (side, (begin, stop)) in enumerate(zip(window.sequence_ids, window.offsets, strict=True))
            if side == 1 and begin < end and start < stop
        ]
        for window in windows
    ]
    best = max(range(len(windows)), key=lambda number: len(held[number]))
    found = held[best] or [0]  # nothing of it is seen: the place of no answer
    return windows[best], found[0], found[-1]


def _fields(job: Job) -> tuple[Field, Field]:
    by_name = {field.name: field for field in job.fields}
    if set(by_name) == {"question", "context"}:
        return by_name["question"], by_name["context"]
    readable = [field for field in job.fields if field.dtype in ("text", "string")]
    if len(job.fields) != 2 or len(readable) != 2:
        raise TrainingError(
            "question-answering learns from a column of questions and one of texts; the inputs are: "
            f"{', '.join(f'{f.name} ({f.dtype})' for f in job.fields) or 'none'}.",
            hint="name the two under data.features, the question first",
        )
    return readable[0], readable[1]
