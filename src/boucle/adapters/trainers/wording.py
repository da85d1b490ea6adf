"""Running text as features, in plain scikit-learn: words, pairs of words, and runs of letters, weighed by rarity."""

from __future__ import annotations

from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

WORDS, LETTERS = 30_000, 30_000
"""Features at most. What is not among them says little, and would make a model of hundreds of megabytes."""


def words(most: int = WORDS) -> TfidfVectorizer:
    """Return the weights of words and pairs of words; one that stands in a single text of many is left out."""
    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, max_features=most, strip_accents=None, token_pattern=r"(?u)\b\w+\b"
    )


def letters(most: int = LETTERS) -> TfidfVectorizer:
    """Return the weights of runs of two to five letters within words: they bear typos, and scripts without blanks."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, max_features=most)


def both() -> Any:
    """Return words and letters side by side."""
    return FeatureUnion([("words", words()), ("letters", letters())])
