"""What can be wrong inside texts and images: empty, of another encoding, cut off, too large, labelled both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.data.headers import fault_of
from boucle.measures.pictures import head
from boucle.project.learning import ColumnCheck

LONGEST = 1_000_000
"""Characters from which on a value is a file that was read into a cell, not a text."""
TWISTED = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u2013-\u2122\u0152-\u0178\u0192\u02c6\u02dc\u20ac]")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule and the rows that break it, shape (rows,); ``grave`` where they cannot be learned from."""

    rule: str
    wrong: NDArray[np.bool_]
    grave: bool = True


def texts(values: pd.Series[Any], wanted: ColumnCheck) -> Iterator[Finding]:
    """Find what is wrong in a column of running text; missing values are not looked at."""
    known = values.notna().to_numpy()
    written = ["" if gap else str(value) for value, gap in zip(values, ~known, strict=True)]
    lengths = np.fromiter(map(len, written), dtype=np.int64, count=len(written))
    low, high = wanted.min_length or 0, wanted.max_length or LONGEST
    blank = known & _each(written, lambda text: not text.strip())
    yield Finding("a text is not empty", blank, grave=wanted.missing == 0)
    yield Finding(f"a text has at least {low:,} characters", known & (lengths < low) & ~blank)
    yield Finding(f"a text has at most {high:,} characters", known & (lengths > high))
    yield Finding("a text holds no binary data", known & _each(written, lambda text: "\0" in text))
    yield Finding("a text is read in its own encoding", known & _each(written, misread), grave=False)


def images(values: pd.Series[Any]) -> Iterator[Finding]:
    """Find what is wrong in a column of image files, by their headers; missing values are not looked at."""
    faults = ["" if value is None or value is pd.NA or value != value else fault_of(value) for value in values]
    for fault in dict.fromkeys(filter(None, faults)):
        wrong = np.array([found == fault for found in faults], dtype=bool)
        yield Finding(f"an image {fault}", wrong, grave="one pixel" not in fault)


def labelled_twice(values: pd.Series[Any], target: pd.Series[Any]) -> NDArray[np.bool_]:
    """Mark the rows whose text or image stands in the data with another label as well, shape (rows,)."""
    keys = pd.util.hash_array(np.array([str(v) if not isinstance(v, bytes) else v for v in values], dtype=object))
    labels = pd.Series(pd.factorize(target.astype(str))[0]).groupby(keys)
    told: NDArray[np.bool_] = (labels.transform("min") != labels.transform("max")).to_numpy()
    return told & values.notna().to_numpy()


def misread(text: str) -> bool:
    """Say whether a text was written in one encoding and read in another: signs that stand for none, or two for one."""
    if text.isascii():
        return False
    if "\ufffd" in text:
        return True
    if TWISTED.search(text) is None:
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False


def shown(value: Any) -> Any:
    """Return a value as an example of a violation: a text cut short, an image by its format and size."""
    if isinstance(value, bytes | bytearray):
        try:
            found = head(bytes(value))
        except ValueError:
            return f"{len(value):,} bytes"
        return f"{found.format} {found.width}x{found.height}"
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _each(written: list[str], holds: Callable[[str], bool]) -> NDArray[np.bool_]:
    return np.fromiter((holds(text) for text in written), dtype=bool, count=len(written))
