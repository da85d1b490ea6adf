"""Run compiled models: NumPy for preprocessing and linear models, ONNX Runtime for trees. No scikit-learn, no pandas.

A program is a list of blocks, each a few operations on some columns, put side by side; then operations on the whole
matrix; a kernel (linear, trees or a constant); a link; and for classifiers the labels. All in float64, as the original
computes; a tree that compares float32 values is given values rounded to float32.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from boucle.core.errors import BundleError, RequestError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Rows, Signature
from boucle.ports.compiler import Program
from boucle.ports.runtime import Saved

STEPS, ARRAYS, TREES = "compiled.json", "compiled.npz", "trees.onnx"
Matrix = NDArray[np.float64]
Step = Callable[[Matrix], Matrix]


class CompiledRuntime:
    """Programs, as compilers make them."""

    name = "compiled"
    forks = True

    def save(self, model: Program, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Write a program beside the files of the model it was made of."""
        (directory / STEPS).write_text(json.dumps(model.steps, indent=1))
        np.savez(directory / ARRAYS, **cast("dict[str, Any]", model.arrays))
        packages = ["numpy"]
        if model.trees is not None:
            (directory / TREES).write_bytes(model.trees)
            packages.append("onnxruntime")
        return Saved(requirements=tuple(f"{name}=={version(name)}" for name in packages))

    def wrap(self, model: Program, signature: Signature) -> CompiledPredictor:
        """Return the predictor of a program in memory."""
        return CompiledPredictor(model, signature)

    def load(self, directory: Path, info: BundleInfo) -> CompiledPredictor:
        """Load a verified bundle."""
        try:
            steps = json.loads((directory / STEPS).read_text())
            with np.load(directory / ARRAYS, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            trees = (directory / TREES).read_bytes() if steps["kernel"]["kind"] == "trees" else None
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(
                f"The compiled model in {directory} cannot be read: {error}.", hint="fetch the bundle again"
            ) from error
        return CompiledPredictor(Program(steps, arrays, trees), info.signature)


class CompiledPredictor:
    """A program as a predictor; safe for threads."""

    def __init__(self, program: Program, signature: Signature) -> None:
        steps, arrays = program.steps, program.arrays
        self._features = _features(steps["blocks"], arrays, signature)
        self._whole = [_step(step, arrays) for step in steps["steps"]]
        self._kernel = _kernel(steps["kernel"], arrays, program.trees)
        self._finite = bool(steps["finite"])
        self._link = _LINKS[steps["link"]]
        self._labels = None if steps["labels"] is None else _Labels(steps["labels"], signature)

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError for values the original refuses."""
        rows = self._features(batch)
        for step in self._whole:
            rows = step(rows)
        if self._finite and not np.isfinite(rows).all():
            raise RequestError("The model cannot predict on these rows: a value is missing or not finite.")
        scores = self._link(self._kernel(rows))
        if self._labels is None:
            return {"prediction": scores.reshape(-1)}
        return self._labels.answer(scores)


class _Labels:
    """From shares per class, or scores where there are none, to labels."""

    def __init__(self, steps: dict[str, Any], signature: Signature) -> None:
        classes = signature.classes
        assert classes is not None
        self._names = np.array([classes[place] for place in steps["order"]], dtype=signature.prediction.storage)
        self._columns = np.argsort(steps["order"])  # shares in the order of the signature
        self._sorted = steps["order"] == sorted(steps["order"])
        self._threshold, self._positive = steps["threshold"], steps["positive"]
        self._shares = bool(steps["shares"])

    def answer(self, shares: Matrix) -> Batch:
        if self._threshold is None:
            places = shares.argmax(axis=1)
        else:
            chosen = shares[:, self._positive] >= self._threshold
            places = np.where(chosen, self._positive, 1 - self._positive)
        prediction = self._names[places]
        if not self._shares:
            return {"prediction": prediction}
        return {"prediction": prediction, "probabilities": shares if self._sorted else shares[:, self._columns]}


def _features(blocks: list[dict[str, Any]], arrays: dict[str, Any], signature: Signature) -> Callable[[Batch], Matrix]:
    made = [_block(block, arrays, signature) for block in blocks]
    if len(made) == 1:
        return made[0]
    return lambda batch: np.concatenate([block(batch) for block in made], axis=1)


def _block(block: dict[str, Any], arrays: dict[str, Any], signature: Signature) -> Callable[[Batch], Matrix]:
    if "table" in block:
        return _Table(block, arrays, signature)
    take = _Numbers(block["columns"], signature)
    steps = [_step(step, arrays) for step in block["steps"]]
    if not steps:
        return take

    def run(batch: Batch) -> Matrix:
        rows = take(batch)
        for step in steps:
            rows = step(rows)
        return rows

    return run


class _Numbers:
    """Some columns as a matrix."""

    def __init__(self, columns: Sequence[int], signature: Signature) -> None:
        self._names = [signature.names[place] for place in columns]
        self._all = list(columns) == list(range(len(signature.names)))
        self._columns = np.array(columns, dtype=np.intp)

    def __call__(self, batch: Batch) -> Matrix:
        if isinstance(batch, Rows):
            return batch.matrix if self._all else batch.matrix[:, self._columns]
        return np.column_stack([np.asarray(batch[name], dtype=np.float64) for name in self._names])


class _Table:
    """One column of levels, each of which stands for some numbers."""

    def __init__(self, block: dict[str, Any], arrays: dict[str, Any], signature: Signature) -> None:
        self._name = signature.names[block["column"]]
        self._column = block["column"]
        self._table: Matrix = arrays[block["table"]]
        self._places = {key: place for place, key in enumerate(block["keys"])}
        self._missing, self._unknown = block["missing"], block["unknown"]

    def __call__(self, batch: Batch) -> Matrix:
        column = batch.matrix[:, self._column] if isinstance(batch, Rows) else batch[self._name]
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


def _step(step: dict[str, Any], arrays: dict[str, Any]) -> Step:
    if step["op"] == "fill":
        values = arrays[step["values"]]
        flagged = np.array(step["flagged"], dtype=np.intp)

        def fill(rows: Matrix) -> Matrix:
            gaps = np.isnan(rows)
            filled = np.where(gaps, values, rows)
            return np.concatenate([filled, gaps[:, flagged]], axis=1) if len(flagged) else filled

        return fill
    one, other = arrays[step["one"]], arrays[step["other"]]
    if step["op"] == "subtract_divide":
        return lambda rows: (rows - one) / other
    if step["op"] == "multiply_add":
        return lambda rows: rows * one + other
    if step["op"] == "columns":
        places = one.astype(np.intp)
        return lambda rows: rows[:, places]
    raise BundleError(f"This version of Boucle does not know the operation '{step['op']}'.")


def _kernel(kernel: dict[str, Any], arrays: dict[str, Any], trees: bytes | None) -> Step:
    if kernel["kind"] == "linear":
        weights, bias = arrays[kernel["weights"]], arrays[kernel["bias"]]
        if weights.ndim == 2 and weights.shape[1] == 1:
            weights, bias = weights[:, 0], bias[0]
        return lambda rows: rows @ weights + bias
    if kernel["kind"] == "constant":
        values = arrays[kernel["values"]]
        return lambda rows: np.tile(values, (len(rows), 1))
    if kernel["kind"] == "trees":
        assert trees is not None
        return _trees(trees, kernel, arrays[kernel["offset"]])
    raise BundleError(f"This version of Boucle does not know the kernel '{kernel['kind']}'.")


def _trees(raw: bytes, kernel: dict[str, Any], offset: NDArray[np.float64]) -> Step:
    import onnxruntime  # a linear model needs none of it, and it takes 25 MB

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"ONNX Runtime {onnxruntime.__version__} cannot load the trees: {error}.") from error
    run, narrow, divisor = session.run, bool(kernel["float32"]), float(kernel["divisor"])
    plain = divisor == 1.0 and not offset.any()

    def score(rows: Matrix) -> Matrix:
        if narrow:
            rows = rows.astype(np.float32).astype(np.float64)
            if not np.isfinite(rows).all() and kernel["refuses"]:
                raise RequestError("The model cannot predict on these rows: a value is too large for it.")
        found: Matrix = run(None, {"X": np.ascontiguousarray(rows)})[0]
        return found if plain else found / divisor + offset

    return score


def _sigmoid(scores: Matrix) -> Matrix:
    """Return shares of two classes from scores of shape (rows,) or (rows, 1)."""
    return _complement(0.5 * (1.0 + np.tanh(0.5 * scores)))  # overflows nowhere


def _softmax(scores: Matrix) -> Matrix:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return cast("Matrix", raised / raised.sum(axis=1, keepdims=True))


def _one_against_rest(scores: Matrix) -> Matrix:
    likely = np.exp(-np.logaddexp(0.0, -scores))  # exact where all are next to zero
    with np.errstate(invalid="ignore"):  # where no class is likely at all the original has NaN too
        return cast("Matrix", likely / likely.sum(axis=1, keepdims=True))


def _complement(scores: Matrix) -> Matrix:
    shares = np.empty((len(scores), 2))
    shares[:, 1] = scores.reshape(-1)
    np.subtract(1.0, shares[:, 1], out=shares[:, 0])
    return shares


def _sides(scores: Matrix) -> Matrix:
    """Return scores of two classes of which the second wins above zero."""
    sides = np.zeros((len(scores), 2))
    sides[:, 1] = scores.reshape(-1)
    return sides


_LINKS: dict[str, Step] = {
    "identity": lambda scores: scores,
    "exp": np.exp,
    "expm1": np.expm1,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "one_against_rest": _one_against_rest,
    "complement": _complement,
    "sides": _sides,
}
