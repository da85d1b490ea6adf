"""Texts, and what is to be written for each: summaries, translations, continuations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from boucle.adapters.finetuning.batches import cut
from boucle.adapters.finetuning.examples import LEAST, Examples, check_inputs, input_of
from boucle.adapters.finetuning.feeding import FORWARD_TOKENS, Rows
from boucle.adapters.finetuning.start import Start
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.tasks import languages
from boucle.adapters.pretrained.tokens import Tokens, limit_of
from boucle.core.errors import BundleError, TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Job

IGNORED = -100
"""The label of a token that is not asked for."""
ENDS = 2
"""Tokens more than the longest text has that a writer is given room for."""


@dataclass(frozen=True, slots=True)
class Written(Examples):
    """``targets`` are the texts to write; there are no classes."""

    targets: tuple[str, ...] = ()

    @property
    def truths(self) -> NDArray[Any]:
        """What is right for each row, shape (rows,)."""
        return np.array(self.targets, dtype=object)

    @property
    def constant(self) -> list[Any]:
        """An answer without a model: the input as it is."""
        return self.inputs


def read(job: Job) -> Written:
    """Read a job of texts to be written; raises TrainingError."""
    field = input_of(job)
    if len(job.frame) < LEAST:
        raise TrainingError(f"{len(job.frame)} rows are too few to fine-tune on.", hint=f"it takes {LEAST} or more")
    inputs, targets = list(job.frame[field.name]), list(job.frame[job.target])
    notes = [*check_inputs(inputs, field), *check_inputs(targets, Field(job.target, "text"))]
    return Written(field, inputs, np.zeros(len(inputs), dtype=np.int64), (), tuple(notes), tuple(targets))


def prepared(start: Start) -> Start:
    """Say with the checkpoint what is put before each text, so that it is asked as it was taught."""
    checkpoint = start.checkpoint
    told: Mapping[str, Any] = (checkpoint.config.get("task_specific_params") or {}).get(checkpoint.task) or {}
    if checkpoint.task == "translation":
        try:
            told = languages.told(checkpoint)
        except BundleError:
            told = {}  # it knows several pairs of languages; the rows are of one
    prefix = str(checkpoint.options.get("prefix", told.get("prefix", "")))
    return replace(start, checkpoint=start.checkpoint.with_options(prefix=prefix)) if prefix else start


class Pairs:
    """The encoded pairs of a job. ``lengths`` are in tokens, both texts together.

    A model with an encoder reads one text and writes the other; any other reads both as one, and only what follows the
    first text is asked for. ``longest`` is how many tokens the longest target has, its end included.
    """

    def __init__(self, checkpoint: Checkpoint, examples: Written, model: Any) -> None:
        self.encodes, self.model = bool(checkpoint.config.get("is_encoder_decoder")), model
        self.tokens = Tokens(checkpoint)
        most = limit_of(checkpoint) if self.encodes else limit_of(checkpoint) // 2
        self.targets = [ids[:most] for ids in self._targets(examples)]
        self.longest = max(map(len, self.targets))
        reading = Tokens(checkpoint) if self.encodes else Tokens(checkpoint, room=self.longest + ENDS, direction="left")
        prefix = str(checkpoint.options.get("prefix", ""))
        self.encodings = reading.encode([prefix + text for text in examples.inputs], field=examples.field.name)
        self.lengths = np.array(
            [len(one) + len(ids) for one, ids in zip(self.encodings, self.targets, strict=True)], dtype=np.int64
        )

    def tensors(self, rows: Rows) -> dict[str, torch.Tensor]:
        """Return what the model is given, padded to the longest: the truth goes in, one token later than it is asked.

        All of a row's tokens before the one that is asked for are there, and none behind it.
        """
        if not self.encodes:
            joint = [self.encodings[row].ids + self.targets[row] for row in rows]
            return {
                "input_ids": _even(joint, self.tokens.pad),
                "attention_mask": _even([[1] * len(j) for j in joint], 0),
            }
        feeds = self.tokens.feeds([self.encodings[row] for row in rows], frozenset({"attention_mask"}))
        made = {name: torch.from_numpy(value) for name, value in feeds.items()}
        return {**made, "decoder_input_ids": self.model.prepare_decoder_input_ids_from_labels(labels=self.labels(rows))}

    def labels(self, rows: Rows) -> torch.Tensor:
        """Return the token that is right at each place of the scores, IGNORED where none is asked for."""
        if self.encodes:
            return _even([self.targets[row] for row in rows], IGNORED)
        # The scores at a place are of the token behind it.
        return _even(
            [[IGNORED] * (len(self.encodings[row]) - 1) + self.targets[row] + [IGNORED] for row in rows], IGNORED
        )

    def in_order(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Part rows into batches of near equal lengths."""
        order = rows[np.argsort(self.lengths[rows], kind="stable")]
        return [order[start:end] for start, end in cut(self.lengths[order], FORWARD_TOKENS, 32)]

    def _targets(self, examples: Written) -> list[list[int]]:
        encodings = self.tokens.encode(
            examples.targets if self.encodes else [f" {text}" for text in examples.targets], field="target"
        )
        if self.encodes:
            return [list(one.ids) for one in encodings]
        end = self.model.config.eos_token_id
        ends = [end[0] if isinstance(end, list) else end] if end is not None else []
        plain = [
            [token for token, special in zip(one.ids, one.special_tokens_mask, strict=True) if not special]
            for one in encodings
        ]
        return [[*ids, *ends] for ids in plain]


def _even(rows: Sequence[Sequence[int]], padding: int) -> torch.Tensor:
    made = torch.full((len(rows), max(map(len, rows))), padding, dtype=torch.int64)
    for place, row in enumerate(rows):
        made[place, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return made
