"""A checkpoint in 8 or 4 bits, by bitsandbytes: less memory, on a CPU in more time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from boucle.adapters.pretrained import versions
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.core.errors import BoucleError, MissingExtra

BLOCK = 64
"""How many weights share a scale in 4 bits."""
# Only what lies in a numbered layer is made smaller: heads and poolers stay as they are, which may begin at random.
_OUTSIDE = r"(?!.*\.\d+\.).*"


def package() -> Any:
    """Return bitsandbytes; raises MissingExtra."""
    try:
        with versions.quiet():  # it tells of a kernel that could be fetched from the hub
            return import_module("bitsandbytes")
    except ModuleNotFoundError as error:
        raise MissingExtra.of("bitsandbytes", "quantized") from error


def quantization(few: int, checkpoint: Checkpoint) -> Any:
    """Return the ``quantization_config`` that loads a model in 8 or 4 bits; raises BoucleError for other numbers.

    Four bits are those of NF4, their scales in 8 bits themselves (Dettmers and others, 2023). The keywords
    ``load_in_8bit`` and ``load_in_4bit`` of ``from_pretrained`` are gone.
    """
    if few not in (4, 8):
        raise BoucleError(f"A model cannot be loaded in {few} bits.", hint="8 and 4 can be had")
    package()
    found = versions.attribute("BitsAndBytesConfig")
    if few == 8:
        return found(load_in_8bit=True, llm_int8_skip_modules=[_OUTSIDE])
    return found(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        llm_int8_skip_modules=[_OUTSIDE, *_uneven(checkpoint)],
    )


def settle(model: Any) -> int:
    """Have layers of 4 bits compute from their weights as they are; returns how many matrices are in 8 or 4 bits.

    Where a CPU multiplies bfloat16, a layer that has answered once would pack its weights anew: with coarser scales,
    and without gradients from then on. They compute in the precision of what comes in.
    """
    layers = package().nn
    found = [one for one in model.modules() if isinstance(one, layers.Linear4bit | layers.Linear8bitLt)]
    for layer in found:
        if isinstance(layer, layers.Linear4bit):
            layer.support_avx512bf16_for_cpu = False
            layer.compute_dtype, layer.compute_type_is_set = None, True
    return len(found)


def _uneven(checkpoint: Checkpoint) -> list[str]:
    """Name the matrices whose rows are no whole number of blocks: a CPU with AVX-512 reads them wrongly."""
    import torch  # what is asked of bitsandbytes is said without it

    said = versions.attribute("AutoConfig").from_pretrained(str(checkpoint.folder), local_files_only=True)
    with torch.device("meta"), versions.quiet():
        model = versions.attribute("AutoModel").from_config(said)
    return [name for name, one in model.named_modules() if _width(one) % BLOCK]


def _width(module: Any) -> int:
    """Return how long a row of a matrix is, 0 for what is none; a Conv1D, as in GPT-2, keeps it the other way round."""
    return int(getattr(module, "nx", 0) or getattr(module, "in_features", 0))
