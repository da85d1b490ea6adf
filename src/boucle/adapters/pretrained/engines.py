"""Engine: what computes a checkpoint. Names of arrays in, names of arrays out; the tasks know nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
"""``input_ids``, ``attention_mask``, ``token_type_ids`` (rows, tokens); ``pixel_values`` (rows, channels, h, w)."""


class Engine(Protocol):
    """A loaded model. Many threads may call it at once.

    ``takes`` are the names of the arrays it knows, ``budget`` the tokens a batch should hold at most, ``slack`` how
    many tokens of padding cost less than another call. ``vectors`` says that it also gives ``vector``, what it makes
    of each row as a whole.
    """

    takes: frozenset[str]
    budget: int
    slack: int
    vectors: bool

    def run(self, feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        """Compute one batch; returns ``logits``, ``start_logits`` and ``end_logits``, or ``last_hidden_state``,
        and ``vector`` of shape (rows, dimensions) where ``vectors`` says so."""
        ...


@dataclass(frozen=True, slots=True)
class Writing:
    """How a text is written. Without ``temperature`` it is the likeliest one, the same every time."""

    max_new_tokens: int = 128
    min_new_tokens: int = 0
    num_beams: int = 1
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    seed: int = 0
    first_token: int | None = None
    """The token a text has to begin with: the language it is translated into."""


@runtime_checkable
class Writer(Protocol):
    """An engine that can write texts."""

    def write(self, feeds: Tensors, writing: Writing) -> list[list[int]]:
        """Write one text a row, without the prompt; returns the tokens."""
        ...
