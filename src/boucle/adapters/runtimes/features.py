"""From the columns of a request to the matrix a compiled model scores: blocks of columns, and operations on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Batch, Rows, Signature

Matrix = NDArray[np.float64]
Step = Callable[[Matrix], Matrix]
Arrays = Mapping[str, NDArray[np.float64]]


def features(blocks: Sequence[dict[str, Any]], arrays: Arrays, signature: Signature) -> Callable[[Batch], Matrix]:
    """Return what makes the matrix of a batch: the blocks side by side."""
    made = [_block(block, arrays, signature) for block in blocks]
    if len(made) == 1:
        return made[0]
    return lambda batch: np.concatenate([block(batch) for block in made], axis=1)


def chain(steps: Sequence[dict[str, Any]], arrays: Arrays) -> Step | None:
    """Return operations as one; None where there are none."""
    made = [_OPERATIONS[_known(step["op"])](step, arrays) for step in steps]
    if len(made) < 2:
        return made[0] if made else None

    def run(rows: Matrix) -> Matrix:
        for step in made:
            rows = step(rows)
        return rows

    return run


def _block(block: dict[str, Any], arrays: Arrays, signature: Signature) -> Callable[[Batch], Matrix]:
    if "table" in block:
        return _Table(block, arrays, signature)
    take = _numbers(block["columns"], signature)
    steps = chain(block["steps"], arrays)
    return take if steps is None else lambda batch: steps(take(batch))


def _numbers(columns: Sequence[int], signature: Signature) -> Callable[[Batch], Matrix]:
    """Return what takes some columns as a matrix."""
    names = [signature.names[place] for place in columns]
    whole = list(columns) == list(range(len(signature.names)))
    places = np.array(columns, dtype=np.intp)

    def take(batch: Batch) -> Matrix:
        if type(batch) is Rows:  # exactly: an abstract base class makes isinstance dear
            return batch.matrix if whole else batch.matrix[:, places]
        return np.column_stack([np.asarray(batch[name], dtype=np.float64) for name in names])

    return take


class _Table:
    """One column of levels, each of which stands for some numbers."""

    def __init__(self, block: dict[str, Any], arrays: Arrays, signature: Signature) -> None:
        self._column = block["column"]
        self._name = signature.names[self._column]
        self._table = arrays[block["table"]]
        self._places = {key: place for place, key in enumerate(block["keys"])}
        self._missing, self._unknown = block["missing"], block["unknown"]

    def __call__(self, batch: Batch) -> Matrix:
        column = batch.matrix[:, self._column] if type(batch) is Rows else batch[self._name]
        found, unknown, missing = self._places, self._unknown, self._missing
        places = [
            (missing if value is None or value != value else found.get(value, unknown)) for value in column.tolist()
        ]
        if None in places:
            value = column[places.index(None)]
            raise RequestError(
                f"The model cannot predict on these rows: {self._name} is {value!r}, which it never saw."
            )
        return self._table[places]


def _known(name: str) -> str:
    if name not in _OPERATIONS:
        raise BundleError(
            f"This version of Boucle does not know the operation '{name}'.", hint="register the model again"
        )
    return name


def _fill(step: dict[str, Any], arrays: Arrays) -> Step:
    values = arrays[step["values"]]
    flagged = np.array(step["flagged"], dtype=np.intp)

    def fill(rows: Matrix) -> Matrix:
        gaps = np.isnan(rows)
        filled = np.where(gaps, values, rows)
        return np.concatenate([filled, gaps[:, flagged]], axis=1) if len(flagged) else filled

    return fill


def _subtract_divide(step: dict[str, Any], arrays: Arrays) -> Step:
    one, other = arrays[step["one"]], arrays[step["other"]]

    def run(rows: Matrix) -> Matrix:
        made = rows - one
        made /= other
        return made

    return run


def _multiply_add(step: dict[str, Any], arrays: Arrays) -> Step:
    one, other = arrays[step["one"]], arrays[step["other"]]
    return lambda rows: rows * one + other


def _clip(step: dict[str, Any], arrays: Arrays) -> Step:
    low, high = step["low"], step["high"]
    return lambda rows: np.clip(rows, low, high)


def _columns(step: dict[str, Any], arrays: Arrays) -> Step:
    places = np.array(step["columns"], dtype=np.intp)
    return lambda rows: rows[:, places]


def _matmul(step: dict[str, Any], arrays: Arrays) -> Step:
    by = arrays[step["by"]]
    return lambda rows: rows @ by


def _products(step: dict[str, Any], arrays: Arrays) -> Step:
    places = np.array(step["places"], dtype=np.intp)

    def run(rows: Matrix) -> Matrix:
        padded = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        made = padded[:, places[:, 0]]
        for factor in range(1, places.shape[1]):
            made *= padded[:, places[:, factor]]
        return made

    return run


def _function(step: dict[str, Any], arrays: Arrays) -> Step:
    made: Step = getattr(np, FUNCTIONS[FUNCTIONS.index(step["name"])])
    return made


FUNCTIONS = ("log1p", "log", "log2", "log10", "exp", "expm1", "sqrt", "cbrt", "square", "abs", "arcsinh", "sinh")
_OPERATIONS: dict[str, Callable[[dict[str, Any], Arrays], Step]] = {
    "fill": _fill,
    "subtract_divide": _subtract_divide,
    "multiply_add": _multiply_add,
    "clip": _clip,
    "columns": _columns,
    "matmul": _matmul,
    "products": _products,
    "function": _function,
}
