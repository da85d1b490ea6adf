"""Running text as features, in plain scikit-learn: words and pairs of words, or runs of letters, weighed by rarity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

MOST = 30_000
"""Features of a column: rarer ones say little, and would make a model of hundreds of megabytes."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WORD = r"(?u)\b\w+\b"
_SAMPLE = 200


class Filled(TransformerMixin, BaseEstimator):
    """Puts an empty text where one is missing."""

    def fit(self, texts: Any, y: Any = None) -> Filled:
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, texts: Any) -> list[str]:
        """Return the texts, shape (rows,), without gaps."""
        return ["" if text is None or text != text else str(text) for text in np.asarray(texts, dtype=object).ravel()]


def weights(texts: Iterable[Any], optional: bool) -> Any:
    """Return the unfitted features of a column: of words, or of letters where most texts have no blanks, or no word."""
    some = [str(text) for _, text in zip(range(_SAMPLE), (t for t in texts if t is not None), strict=False)]
    unspaced = sum(len(_UNSPACED.findall(text)) > len(text) / 4 or not re.search(_WORD, text) for text in some)
    if 2 * unspaced > len(some):
        made = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, max_features=MOST)
    else:
        made = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=MOST, token_pattern=_WORD)
    return Pipeline([("fill", Filled()), ("weigh", made)]) if optional else made


def settle(model: Any) -> None:
    """Write the vocabularies of a fitted model with plain numbers: thirty times quicker to keep."""
    if isinstance(model, TfidfVectorizer) and hasattr(model, "vocabulary_"):
        model.vocabulary_ = {word: int(place) for word, place in model.vocabulary_.items()}
    elif isinstance(model, list | tuple):
        for part in model:
            settle(part)
    elif isinstance(model, dict):
        settle(list(model.values()) if any(isinstance(part, BaseEstimator) for part in model.values()) else [])
    elif isinstance(model, BaseEstimator):
        for part in vars(model).values():
            settle(part)
