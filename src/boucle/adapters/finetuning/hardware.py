"""What this machine can compute with: the device, bfloat16, the memory that is free."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from boucle.adapters.pretrained import versions


@dataclass(frozen=True, slots=True)
class Hardware:
    """``device`` is cuda or cpu, ``memory`` the bytes free on it; ``bf16`` says that it is quick there."""

    device: str
    bf16: bool
    memory: int

    @classmethod
    def here(cls) -> Hardware:
        if torch.cuda.is_available():
            return cls("cuda", bool(torch.cuda.is_bf16_supported()), int(torch.cuda.mem_get_info()[0]))
        return cls("cpu", _cpu_bf16(), _free())

    def autocast(self, model: Any) -> AbstractContextManager[Any]:
        """Return a context in which a float32 model multiplies in bfloat16, where that is quick."""
        wide = next(model.parameters()).dtype == torch.float32
        return torch.autocast(self.device, torch.bfloat16) if self.bf16 and wide else nullcontext()


@contextmanager
def silent() -> Iterator[None]:
    """Keep transformers from drawing bars, and it and what it uses from writing notes to the terminal."""
    bars = versions.attribute("utils").logging
    was = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with versions.quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if was:
            bars.enable_progress_bar()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from ``seed``, and give the process its own random numbers back."""
    mine, numpys = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(mine)
            np.random.set_state(numpys)


def _cpu_bf16() -> bool:
    """Say whether the CPU multiplies bfloat16 itself; where it does not, torch would emulate it slowly."""
    asked = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(ask()) for ask in asked if ask is not None)


def _free() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 4 << 30
