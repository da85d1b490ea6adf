"""A base in 4 bits, to train adapters over (Dettmers and others, 2023): loaded so, and given back its width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from boucle.adapters.finetuning.examples import Examples
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.pretrained import bits
from boucle.core.errors import TrainingError

BITS = 4


def opened(start: Start, examples: Examples, seed: int) -> tuple[Any, frozenset[str]]:
    """Load the model with the matrices of its layers in 4 bits; returns it and the parameters that begin at random.

    Embeddings, norms and heads stay in float32. Raises MissingExtra, and TrainingError where nothing is in 4 bits.
    """
    model, fresh = load(start, examples, seed, quantization_config=bits.quantization(BITS, start.checkpoint))
    if not bits.settle(model):
        raise TrainingError(
            f"No layer of a {type(model).__name__} can be kept in {BITS} bits: they have no matrices.",
            hint="use  method: full",
        )
    return model, fresh


def widened(adapters: Any, base: Callable[[], Any]) -> tuple[Any, float]:
    """Load the float32 ``base`` and give its layers the weights that 4 bits stand for: those that were trained over.

    Returns it, and how far these lie from its own: the norm of the difference as a share of the norm.
    """
    whole = base()
    dequantize = bits.package().functional.dequantize_4bit
    # What begins at random is drawn in another order when a model is loaded in 4 bits: all is taken over.
    trained = {name.replace(".base_layer.", "."): one for name, one in adapters.get_base_model().named_parameters()}
    apart, own = 0.0, 0.0
    with torch.no_grad():
        for name, value in whole.named_parameters():
            found = trained.get(name, value)
            state = getattr(found, "quant_state", None)
            if state is not None:
                found = dequantize(found.data, state).to(value.device, value.dtype)
                found = found.T if _lies_across(whole, name) else found
                apart, own = apart + float((found - value).square().sum()), own + float(value.square().sum())
            value.copy_(found)
    return whole, (apart / own) ** 0.5


def _lies_across(model: Any, name: str) -> bool:
    """Say whether a matrix is of a Conv1D, as in GPT-2, which keeps it the other way round."""
    return type(model.get_submodule(name.rpartition(".")[0])).__name__ == "Conv1D"
