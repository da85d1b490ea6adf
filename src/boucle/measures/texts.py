"""How alike two texts are: exact match, shared words, ROUGE-L and chrF, each from 0 to 1, in any language.

Words are what blanks part; letters of scripts that are written without blanks are words of their own. Case and
punctuation do not count. A truth may be a list of texts that are all right: the nearest one counts.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ORDERS, BETA = 6, 2.0
"""Longest run of letters that chrF compares, and how much more it minds what is left out than what is added."""
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))


def alike(measure: Callable[[str, str], float], truth: Sequence[Any], told: Sequence[Any]) -> NDArray[np.float64]:
    """Compare row by row, shape (rows,); a missing answer is an empty one."""
    return np.array(
        [_best(measure, right, answer) for right, answer in zip(truth, told, strict=True)], dtype=np.float64
    )


def exact_match(truth: str, told: str) -> float:
    """Say 1 where the words are the same in the same order."""
    return float(words(truth) == words(told))


def word_f1(truth: str, told: str) -> float:
    """Return the F1 of the words both have, as in SQuAD (Rajpurkar et al., 2016) but for its English articles."""
    right, answer = words(truth), words(told)
    if not right or not answer:
        return float(right == answer)
    shared = (Counter(right) & Counter(answer)).total()
    return 2.0 * shared / (len(right) + len(answer))


def rouge_l(truth: str, told: str) -> float:
    """Return the F1 of the longest common subsequence of words (Lin, 2004)."""
    right, answer = words(truth), words(told)
    if not right or not answer:
        return float(right == answer)
    return 2.0 * _common(right, answer) / (len(right) + len(answer))


def chrf(truth: str, told: str) -> float:
    """Return the F-score of runs of one to six letters, blanks left out (Popović, 2015)."""
    right, answer = "".join(truth.split()), "".join(told.split())
    if not right or not answer:
        return float(right == answer)
    shares = [_runs(right, answer, length) for length in range(1, min(ORDERS, len(right), len(answer)) + 1)]
    precision, recall = (sum(side) / len(shares) for side in zip(*shares, strict=True))
    below = BETA**2 * precision + recall
    return (1.0 + BETA**2) * precision * recall / below if below else 0.0


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii() and plain.replace(" ", "").isalnum():
        return plain.split()
    return "".join(_written(sign) for sign in plain).split()


def _written(sign: str) -> str:
    if sign.isspace() or unicodedata.category(sign)[0] in "PC":
        return " "
    place = ord(sign)
    return f" {sign} " if any(low <= place <= high for low, high in _UNSPACED) else sign


def _best(measure: Callable[[str, str], float], truth: Any, told: Any) -> float:
    rights = truth if isinstance(truth, list | tuple) else [truth]
    answer = "" if told is None else str(told)
    return max((measure("" if right is None else str(right), answer) for right in rights), default=0.0)


def _common(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence, by bits of one whole number (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(one)) - 1
    row = full
    for word in other:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & full
    return len(one) - row.bit_count()


def _runs(right: str, answer: str, length: int) -> tuple[float, float]:
    one, other = (Counter(text[i : i + length] for i in range(len(text) - length + 1)) for text in (right, answer))
    shared = (one & other).total()
    return shared / other.total(), shared / one.total()
