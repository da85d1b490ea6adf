"""Which language a model translates from and into: a mark in its vocabulary, or a sentence it was trained with."""

from __future__ import annotations

import re
from typing import Any

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.errors import BundleError

_MARK = re.compile(r"[a-z]{2,3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2}|__[a-z]{2,3}__")
"""The marks of NLLB (fra_Latn), mBART (fr_XX) and M2M100 (__fr__)."""


def mark(tokens: Tokens, checkpoint: Checkpoint, option: str) -> int | None:
    """Return the token of the language an option names; None where the option is not set.

    Raises BundleError when the model does not know it.
    """
    language = checkpoint.options.get(option)
    if language is None:
        return None
    marks = {text: place for text, place in tokens.added().items() if _MARK.fullmatch(text)}
    for written in (str(language), f"__{language}__"):
        if written in marks:
            return marks[written]
    known = ", ".join(sorted(marks)[:8])
    raise BundleError(
        f"{checkpoint.origin or checkpoint.folder} does not know the language '{language}'.",
        hint=f"write it as its tokenizer does, such as: {known}" if known else f"it knows one pair: leave out {option}",
    )


def sources(tokens: Tokens) -> frozenset[int]:
    """Return the tokens that say which language a text is in."""
    return frozenset(place for text, place in tokens.added().items() if _MARK.fullmatch(text))


def told(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what T5's configuration says of the pair of languages asked for: the sentence before each text.

    Raises BundleError when it knows several pairs and the options name none of them.
    """
    known = dict(checkpoint.config.get("task_specific_params") or {})
    pairs = [key for key in known if key.startswith("translation_")]
    options = checkpoint.options
    asked = f"translation_{options.get('source_language', 'en')}_to_{options.get('target_language', '')}"
    if asked in pairs:
        return dict(known[asked])
    if not pairs:
        return {}
    if len(pairs) == 1 and "target_language" not in options:
        return dict(known[pairs[0]])
    raise BundleError(
        f"{checkpoint.origin or checkpoint.folder} translates {', '.join(pair[12:] for pair in pairs)}.",
        hint="say which with source_language and target_language",
    )
