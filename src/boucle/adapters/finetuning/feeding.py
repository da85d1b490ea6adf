"""Rows as tensors, batch by batch: texts encoded once, and what a frozen part of the model makes of them kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from boucle.adapters.finetuning.anatomy import Anatomy
from boucle.adapters.finetuning.batches import cut
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.pretrained.pictures import Preparation
from boucle.adapters.pretrained.pooled import averaged
from boucle.adapters.pretrained.tokens import Tokens

Rows = Sequence[int] | NDArray[np.intp]
Tell = Callable[[float], None]
FORWARD_TOKENS, PICTURE = 2048, 196
"""Tokens of a batch where nothing is learned: as many as keep the caches warm."""


class Material(Protocol):
    """The inputs of a job as tensors. ``lengths`` are the tokens of each row, shape (rows,)."""

    lengths: NDArray[np.int64]

    def tensors(self, rows: Sequence[int] | NDArray[np.intp]) -> dict[str, torch.Tensor]:
        """Return the arrays of some rows, as the model takes them."""
        ...

    def in_order(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Part rows into batches for a model that only answers."""
        ...


class Pictures:
    """The pictures of a job, decoded when they are needed. Each counts as PICTURE tokens."""

    def __init__(self, preparation: Preparation, files: Sequence[bytes], field: str) -> None:
        self.preparation, self.files, self.field = preparation, files, field
        self.lengths = np.full(len(files), PICTURE, dtype=np.int64)

    def tensors(self, rows: Sequence[int] | NDArray[np.intp]) -> dict[str, torch.Tensor]:
        """Return ``pixel_values``, shape (rows, channels, height, width)."""
        made = [self.preparation.pixels(self.files[row], int(row), self.field) for row in rows]
        return {"pixel_values": torch.from_numpy(np.stack(made))}

    def in_order(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Part rows into batches of sixteen."""
        return [rows[start : start + 16] for start in range(0, len(rows), 16)]


class Texts:
    """The encoded texts of a job. ``lengths`` are in tokens; ``takes`` the arrays the model knows."""

    def __init__(self, tokens: Tokens, texts: Sequence[str], takes: frozenset[str], field: str) -> None:
        self.tokens, self.takes = tokens, takes
        self.encodings = tokens.encode(texts, field=field)
        self.lengths = np.array([len(one) for one in self.encodings], dtype=np.int64)

    def tensors(self, rows: Sequence[int] | NDArray[np.intp]) -> dict[str, torch.Tensor]:
        """Return the arrays of some rows, padded to the longest of them."""
        feeds = self.tokens.feeds([self.encodings[row] for row in rows], self.takes)
        return {name: torch.from_numpy(value) for name, value in feeds.items()}

    def in_order(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Part rows into batches of near equal lengths, for a model that only answers."""
        order = rows[np.argsort(self.lengths[rows], kind="stable")]
        return [order[start:end] for start, end in cut(self.lengths[order], FORWARD_TOKENS, 256)]


class Kept:
    """What enters a layer, for all rows: one bfloat16 or float32 table of tokens, shape (tokens, width)."""

    def __init__(self, lengths: NDArray[np.int64], width: int, dtype: torch.dtype) -> None:
        self.lengths = torch.from_numpy(lengths)
        self.starts = torch.cumsum(self.lengths, 0) - self.lengths
        self.table = torch.empty(int(lengths.sum()), width, dtype=dtype)

    def put(self, rows: NDArray[np.intp], hidden: torch.Tensor) -> None:
        """Keep the vectors of a batch of shape (rows, tokens, width), padding left out."""
        places, real = self._places(rows)
        self.table[places[real]] = hidden[real].to("cpu", self.table.dtype)

    def get(self, rows: Sequence[int] | NDArray[np.intp]) -> torch.Tensor:
        """Return the vectors of a batch, shape (rows, longest, width), zero where there is padding."""
        places, real = self._places(rows)
        return self.table[places * real] * real[..., None]

    def _places(self, rows: Sequence[int] | NDArray[np.intp]) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.as_tensor(np.asarray(rows))
        steps = torch.arange(int(self.lengths[chosen].max()))
        return self.starts[chosen][:, None] + steps, steps < self.lengths[chosen][:, None]


def survey(
    model: Any, material: Material, hardware: Hardware, anatomy: Anatomy | None, layer: int, tell: Tell
) -> tuple[NDArray[np.float32], Kept | None]:
    """Run the model over all rows once; returns their mean vectors (rows, width), and what enters ``layer``.

    Nothing is kept for layer 0. The vectors are those of the last layer, averaged over the tokens of a text.
    """
    model.eval()
    caught: list[torch.Tensor] = []
    watched = anatomy.layers[layer] if anatomy is not None and layer else None
    hook = None if watched is None else watched.register_forward_pre_hook(_catching(caught), with_kwargs=True)
    vectors: NDArray[np.float32] | None = None
    kept: Kept | None = None
    batches = material.in_order(np.arange(len(material.lengths)))
    try:
        for number, rows in enumerate(batches):
            feeds = {name: value.to(hardware.device) for name, value in material.tensors(rows).items()}
            caught.clear()
            with torch.inference_mode(), hardware.autocast(model):
                last = model.base_model(**feeds, return_dict=True).last_hidden_state.float()
            mean = averaged(last, feeds.get("attention_mask"))
            if vectors is None:
                vectors = np.empty((len(material.lengths), mean.shape[1]), dtype=np.float32)
                if hook is not None:
                    kept = _table(material, caught[0], hardware)
            vectors[rows] = mean.cpu().numpy()
            if kept is not None:
                kept.put(rows, caught[0])
            tell((number + 1) / len(batches))
    finally:
        if hook is not None:
            hook.remove()
    assert vectors is not None
    return vectors, kept


def _table(material: Material, entered: torch.Tensor, hardware: Hardware) -> Kept:
    """Make room for what enters a layer; every picture gives as many vectors as the first ones."""
    lengths = material.lengths
    if isinstance(material, Pictures):
        lengths = np.full(len(lengths), entered.shape[1], dtype=np.int64)
    return Kept(lengths, entered.shape[-1], torch.bfloat16 if hardware.bf16 else torch.float32)


def _catching(caught: list[torch.Tensor]) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
    def catch(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        caught.append((args[0] if args else named["hidden_states"]).detach())

    return catch
