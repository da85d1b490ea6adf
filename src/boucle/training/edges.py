"""Rows on which two forms of a model could part: gaps, unseen levels, extremes, and values next to a border."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch, Column, Field, Signature

KNOWN_ROWS, MOVED_ROWS, FEW = 2000, 500, 10
MOST_BORDERS, MOST_COLUMNS = 400, 64
NEVER_SEEN = "\N{BLACK QUESTION MARK ORNAMENT}never seen"
ODD_TEXTS = (
    "", " ", "\n\t", "?", "\N{PILE OF POO}\N{ZERO WIDTH JOINER}\N{THUMBS UP SIGN}", "\u0000\ufffd",
    "e\u0301 \N{RIGHT-TO-LEFT OVERRIDE}abc", "\u6f22\u5b57\u4ed8\u304d", "\u0645\u0631\u062d\u0628\u0627", "A" * 5000,
    "very long " * 2000,
)  # fmt: skip
"""Texts as nobody writes them and somebody sends them: empty, of other scripts, without an end."""
_SMALL = (0.0, -0.0, 5e-324, 1e-45, 1e-30, -1e-30, 1e6, -1e6, 1e30, -1e30)
_LARGE = (3.5e38, -3.5e38, 1e300, np.inf, -np.inf)
_WHOLE = (0, -1, 2**31, -(2**31), 2**53, -(2**53))
Kind = tuple[str, list[Batch]]


def edges(signature: Signature, sample: Batch, borders: NDArray[np.float64] | None = None) -> Iterator[Kind]:
    """Yield batches by kind; those of one list may be put to a model together, if it refuses none of them.

    ``borders``, of shape (any, 2), are inputs (by place) and the values at which trees part on them.
    """
    fields = signature.inputs
    known = _spread(fields, sample, KNOWN_ROWS)
    yield "known rows", [known]
    few, moved = _spread(fields, known, FEW), _spread(fields, known, MOVED_ROWS)
    yield "known rows, columns shuffled", [_shuffled(moved)]
    gaps = [{**few, field.name: _full(few[field.name], _absent(field))} for field in _some(fields) if field.optional]
    if gaps:
        everywhere = {field.name: _full(few[field.name], _absent(field)) for field in fields if field.optional}
        yield "missing values", [*gaps, {**few, **everywhere}]
    running = [field for field in _some(fields) if field.dtype == "text"]
    if running and len(few[running[0].name]):
        yield "odd texts", [{**few, field.name: odd_texts(len(few[field.name]))} for field in running]
    texts = [field for field in _some(fields) if field.dtype == "string"]
    for text in (NEVER_SEEN, ""):
        if texts:
            yield "unseen levels", [{**few, field.name: _full(few[field.name], text)} for field in texts]
    yield from _nudged(fields, moved)
    yield from _at_borders(fields, few, borders)
    yield from _extreme(fields, {name: column[:1] for name, column in few.items()})


def odd_texts(rows: int) -> Column:
    """Return odd texts in turn, shape (rows,)."""
    return np.array([ODD_TEXTS[row % len(ODD_TEXTS)] for row in range(rows)], dtype=object)


def together(batches: Sequence[Batch]) -> Batch:
    """Return batches as one, in their order."""
    if len(batches) == 1:
        return batches[0]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def length(batch: Batch) -> int:
    """Return the number of rows."""
    return len(next(iter(batch.values()))) if batch else 0


def _spread(fields: tuple[Field, ...], batch: Batch, most: int) -> dict[str, Column]:
    rows = length({field.name: batch[field.name] for field in fields})
    chosen = np.unique(np.linspace(0, max(rows - 1, 0), min(rows, most)).round().astype(np.intp))
    return {field.name: batch[field.name][chosen] for field in fields}


def _some(fields: tuple[Field, ...]) -> list[Field]:
    """Return the fields, or some of them where there are very many."""
    places = np.unique(np.linspace(0, len(fields) - 1, min(len(fields), MOST_COLUMNS)).round().astype(np.intp))
    return [fields[place] for place in places]


def _shuffled(known: Batch) -> Batch:
    """Put values together that never were: each column in an order of its own, the same one every time."""
    random = np.random.default_rng(0)
    return {name: column[random.permutation(len(column))] for name, column in known.items()}


def _nudged(fields: tuple[Field, ...], known: Batch) -> Iterator[Kind]:
    """Yield known rows moved by the smallest step of float32 and of float64, where values change sides of a border."""
    numbers = [field for field in fields if field.dtype == "float64"]
    moved: list[Batch] = [
        {**known, **{field.name: _stepped(known[field.name], towards, narrow) for field in numbers}}
        for towards in (-np.inf, np.inf)
        for narrow in (True, False)
    ]
    if numbers:
        yield "known rows, a step aside", moved


def _stepped(column: Column, towards: float, narrow: bool) -> Column:
    if narrow:
        return np.nextafter(column.astype(np.float32), np.float32(towards)).astype(np.float64)
    return np.nextafter(column.astype(np.float64), towards)


def _at_borders(fields: tuple[Field, ...], few: Batch, borders: NDArray[np.float64] | None) -> Iterator[Kind]:
    """Yield a row on each border at which trees part, and one on each side of it."""
    if borders is None or not len(borders):
        return
    picked = borders[np.linspace(0, len(borders) - 1, min(len(borders), MOST_BORDERS)).astype(np.intp)]
    batches: list[Batch] = []
    for towards in (None, -np.inf, np.inf):
        batch = {name: np.resize(column, len(picked)) for name, column in few.items()}
        for place, field in enumerate(fields):
            if field.dtype == "float64":
                here = picked[:, 0] == place
                values = picked[here, 1]
                batch[field.name] = batch[field.name].astype(np.float64)
                batch[field.name][here] = values if towards is None else np.nextafter(values, towards)
        batches.append(batch)
    yield "borders of trees", batches


def _extreme(fields: tuple[Field, ...], one: Batch) -> Iterator[Kind]:
    """Yield one row with one extreme value in one column: the large ones apart, for many models refuse them."""
    numbers = [field for field in _some(fields) if field.dtype == "float64"]
    whole = [field for field in _some(fields) if field.dtype == "int64" and field.categories is None]
    small: list[Batch] = [{**one, f.name: _full(one[f.name], value)} for f in numbers for value in _SMALL]
    small += [{**one, f.name: _full(one[f.name], value)} for f in whole for value in _WHOLE]
    if small:
        yield "extreme values", small
    for value in _LARGE:
        if numbers:
            yield "extreme values", [{**one, f.name: _full(one[f.name], value)} for f in numbers]


def _full(column: Column, value: Any) -> Column:
    return np.full_like(column, value)


def _absent(field: Field) -> Any:
    return None if field.storage.kind == "O" else np.datetime64("NaT") if field.dtype == "datetime" else np.nan
