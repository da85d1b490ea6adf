"""A linear head on averaged embeddings: what a probe is, kept beside its encoder in ``head.safetensors``."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from boucle.core.errors import BundleError

HEAD = "head.safetensors"


class PooledClassifier(nn.Module):
    """An encoder of transformers and a linear layer on the mean of its last vectors, padding left out."""

    def __init__(self, encoder: Any, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.head.weight.copy_(weight)
            self.head.bias.copy_(bias)
        self._known = frozenset(inspect.signature(encoder.forward).parameters)

    @property
    def config(self) -> Any:
        return self.encoder.config

    def forward(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        pixel_values: Any = None,
        return_dict: bool = True,
    ) -> Any:
        """Return an object with ``logits``, shape (rows, classes)."""
        given = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
            "pixel_values": pixel_values,
        }
        feeds = {name: value for name, value in given.items() if value is not None and name in self._known}
        last = self.encoder(**feeds, return_dict=True).last_hidden_state.to(self.head.weight.dtype)
        return SimpleNamespace(logits=self.head(averaged(last, attention_mask)))


def averaged(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Average vectors over what is no padding: (rows, tokens, width), or maps of (rows, width, height, width)."""
    if hidden.ndim == 4:
        return hidden.mean((2, 3))
    if mask is None:
        return hidden.mean(1)
    shares = mask[..., None].to(hidden.dtype)
    return (hidden * shares).sum(1) / shares.sum(1).clamp(min=1)


def save(folder: Path, weight: torch.Tensor, bias: torch.Tensor) -> None:
    """Write a head beside its encoder."""
    save_file({"weight": weight.contiguous(), "bias": bias.contiguous()}, folder / HEAD)


def opened(encoder: Any, folder: Path) -> PooledClassifier:
    """Put the head of ``folder`` on its encoder; raises BundleError when they do not fit."""
    found = load_file(folder / HEAD)
    width = getattr(encoder.config, "hidden_size", None)
    if set(found) != {"weight", "bias"} or (width is not None and found["weight"].shape[1] != width):
        raise BundleError(f"{folder / HEAD} is no head for this encoder.", hint="fetch the checkpoint again")
    floats = next(encoder.parameters()).dtype
    return PooledClassifier(encoder, found["weight"], found["bias"]).to(floats)
