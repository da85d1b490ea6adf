"""The plan of a training: what is asked, and for the rest what rows, lengths and machine suggest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.finetuning.asked import Asked, Method
from boucle.adapters.finetuning.hardware import Hardware

SMALL = 5_000
"""Rows up to which embeddings and lower layers stay as they are: what few rows teach them is noise."""
LONG = 256
"""Tokens a text is cut at unless more are asked for: twice the tokens are twice the cost, and rarely tell more."""
ROWS, MOST_ROWS = 16, 48
RATES: dict[Method, float] = {"full": 1e-4, "frozen": 2e-4, "lora": 1e-3, "qlora": 1e-3, "probe": 0.0}
HEAD_RATE = 1e-3
_CACHE_SHARE = 0.3
_STATE = 16
"""Bytes a trained number takes: itself, its gradient and the optimizer's two."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a plan goes by: ``lengths`` in tokens, shape (rows,); ``width`` is that of a token's vector.

    ``weights`` are the bytes of the parameters as they were loaded, 0 for float32.
    """

    lengths: NDArray[np.int64]
    layers: int
    width: int
    parameters: int
    cacheable: bool
    writes: bool = False
    weights: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """``frozen`` is the number of lower layers left as they are; with ``cached`` what they give is computed once.

    ``batch_tokens`` and ``batch_rows`` bound a step; ``validation`` is a share of rows, ``patience`` counts epochs.
    """

    method: Method
    epochs: int
    learning_rate: float
    head_rate: float
    batch_tokens: int
    batch_rows: int
    max_tokens: int
    validation: float
    patience: int
    frozen: int
    freeze_embeddings: bool
    cached: bool
    bf16: bool
    rank: int

    def plain(self) -> dict[str, Any]:
        """Return it as a flat mapping of plain values."""
        return asdict(self)


def max_tokens(asked: Asked, limit: int) -> int:
    """Choose where texts are cut: where it is asked, else at LONG, never beyond what the model takes."""
    return min(asked.max_tokens or LONG, limit)


def plan(asked: Asked, facts: Facts, hardware: Hardware, limit: int) -> Recipe:
    """Fill in what was not asked for."""
    rows = len(facts.lengths)
    small = rows < SMALL
    method: Method = asked.method or ("frozen" if small and facts.layers >= 4 and facts.cacheable else "full")
    frozen = facts.layers // 2 if method == "frozen" else 0
    epochs = asked.epochs or (3 if rows < 300 else 2)
    mean = float(facts.lengths.mean())
    tokens = asked.batch_tokens or round(ROWS * max(mean, 1.0))
    budget = int(facts.lengths.sum()) * facts.width * (2 if hardware.bf16 else 4)
    room = budget <= _CACHE_SHARE * hardware.memory
    return Recipe(
        method=method,
        epochs=epochs,
        learning_rate=asked.learning_rate or _rate(method, small),
        head_rate=max(HEAD_RATE, asked.learning_rate or 0.0),
        batch_tokens=max(tokens, int(facts.lengths.max())),
        batch_rows=MOST_ROWS if asked.batch_tokens is None else max(MOST_ROWS, asked.batch_tokens),
        max_tokens=limit,
        validation=asked.validation or _share(rows),
        patience=1 if asked.patience is None else asked.patience,
        frozen=frozen,
        freeze_embeddings=(small and not facts.writes) if asked.freeze_embeddings is None else asked.freeze_embeddings,
        cached=frozen > 0 and epochs >= 2 and facts.cacheable and room,
        bf16=hardware.bf16,
        rank=asked.rank or 8,
    )


def needed(recipe: Recipe, facts: Facts, trained: int) -> int:
    """Estimate the bytes a training takes: weights, the state of what is trained, a step's activations."""
    step = max(recipe.batch_tokens, int(facts.lengths.max()))
    activations = step * facts.width * 4 * 40 * max(1, facts.layers - recipe.frozen)
    return (facts.weights or 4 * facts.parameters) + _STATE * trained + activations


def _rate(method: Method, small: bool) -> float:
    return RATES[method] if small or method != "full" else 5e-5


def _share(rows: int) -> float:
    """Hold out a tenth, no fewer than some 40 rows where there are enough, no more than 2,000."""
    return float(np.clip(max(0.1, 40 / rows), 0.0, 0.3)) if rows <= 20_000 else 2_000 / rows
