"""Texts as people type them and images as cameras take them: small changes that should change no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast, get_args

import numpy as np

from boucle import plugins
from boucle.core.conversations import within
from boucle.core.errors import BoucleError
from boucle.core.signature import Column, Field
from boucle.ports.pictures import Disturbance, Pictures

TYPOS, NOISE = "typos in one word of ten", "noise of 2 %"
SLIGHT = (TYPOS, NOISE)
"""The changes whose flips are held against the limit."""
_OFTEN = 0.1
_NAMES = {"noise": NOISE, "more noise": "noise of 10 %", "darker": "40 % darker", "brighter": "50 % brighter"}
Change = Callable[[str, np.random.Generator], str]


def changes_of(field: Field, column: Column, seed: int) -> Iterator[tuple[str, Column]]:
    """Yield each change of a column of texts or images: its name, and the changed column."""
    if field.dtype == "text":
        for name, change in _TEXTS.items():
            random = np.random.default_rng(seed)
            one = partial(_with, change, random)
            yield name, _mapped(column, lambda text, one=one: within(text, one))
    elif field.dtype == "image" and (pictures := _pictures()) is not None:
        for how in cast("tuple[Disturbance, ...]", get_args(Disturbance)):
            yield _NAMES.get(how, how), _mapped(column, lambda raw, how=how: _disturbed(pictures, raw, how, seed))


def _with(change: Change, random: np.random.Generator, text: str) -> str:
    return change(text, random)


def typos(text: str, random: np.random.Generator) -> str:
    """Swap two neighbours, leave a letter out or write it twice in one word of ten, and in one at least."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 2]
    if not long:
        return text
    for place in random.choice(long, max(1, round(_OFTEN * len(long))), replace=False):
        word, at = words[place], int(random.integers(len(words[place]) - 1))
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        left_out, twice = word[:at] + word[at + 1 :], word[: at + 1] + word[at:]
        words[place] = (swapped, left_out, twice)[int(random.integers(3))]
    return " ".join(words)


def first_half(text: str) -> str:
    """Cut a text after half of its words, or of its letters where it has no blanks."""
    words = text.split()
    return " ".join(words[: (len(words) + 1) // 2]) if len(words) > 1 else text[: (len(text) + 1) // 2]


_TEXTS: dict[str, Change] = {
    TYPOS: typos,
    "lower case": lambda text, _: text.lower(),
    "upper case": lambda text, _: text.upper(),
    "without punctuation": lambda text, _: "".join(s for s in text if s.isalnum() or s.isspace()),
    "the first half alone": lambda text, _: first_half(text),
}


def _mapped(column: Column, change: Callable[..., object]) -> Column:
    changed = np.empty(len(column), dtype=object)
    changed[:] = [None if value is None else change(value) for value in column]
    return changed


def _disturbed(pictures: Pictures, raw: bytes, how: Disturbance, seed: int) -> bytes:
    try:
        return pictures.disturbed(raw, how, seed)
    except BoucleError:  # what cannot be decoded is left as it is: the model says what it thinks of it
        return raw


def _pictures() -> Pictures | None:
    """Return who can decode images; None where nothing that can is installed."""
    try:
        for name in plugins.names("pictures"):
            found: Pictures = plugins.load("pictures", name)()
            return found
    except BoucleError:
        return None
    return None
