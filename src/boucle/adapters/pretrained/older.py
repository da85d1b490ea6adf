"""Tokenizers from before there was a ``tokenizer.json``, made into one: needed once, never where a bundle is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import marian


def tokenizer(folder: Path) -> Any:
    """Return the ``tokenizers.Tokenizer`` of a folder's older files; raises BundleError saying what to do."""
    if marian.is_marian(folder):
        return marian.tokenizer(folder)
    from boucle.adapters.pretrained.versions import fast_tokenizer  # transformers: only such a checkpoint needs it

    return fast_tokenizer(folder)
