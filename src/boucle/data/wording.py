"""What tells running text from names, codes and levels, in any script."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

RUNNING = 4.0
"""Words from which on half of the values make a column running text."""
_SAMPLE, _START = 2000, 2000
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def is_running(distinct: pd.Series[str], rows: int, most_levels: int) -> bool:
    """Say whether distinct values of a column of ``rows`` values are running text.

    They have four words or more at the median, and there are too many of them to be levels: more than ``most_levels``,
    or as many as half of the rows.
    """
    if len(distinct) <= most_levels and 2 * len(distinct) < rows:
        return False
    some = distinct.iloc[:: max(1, len(distinct) // _SAMPLE)]
    return bool(len(some) and np.median(words_in(some)) >= RUNNING)


def words_in(values: pd.Series[str]) -> NDArray[np.float64]:
    """Count the words of each value, shape (rows,): pieces between blanks, or half the letters where none are written.

    Only the first 2,000 characters count.
    """
    return np.array([_words(str(value)[:_START]) for value in values], dtype=np.float64)


def _words(text: str) -> float:
    return max(len(text.split()), len(_UNSPACED.findall(text)) / 2.0 if not text.isascii() else 0.0)
