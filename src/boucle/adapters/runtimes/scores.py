"""From a matrix of features to the scores of a compiled model: linear models, layers, trees, and means of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from boucle.adapters.runtimes.features import Arrays, Matrix, Step, chain
from boucle.adapters.runtimes.trees import walker
from boucle.core.errors import BundleError, RequestError

_TOO_LARGE = 2.0**128 - 2.0**103
"""The smallest number that a float32 cannot hold."""
_SAFELY_SMALL = 1e70
"""Where the squares of a row add up to less, none of its values is missing, infinite, or anywhere near that."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the parts of a program refer to."""

    arrays: Arrays
    trees: tuple[bytes, ...]


def scorer(part: dict[str, Any], stored: Stored) -> Step:
    """Return what scores a matrix; it raises RequestError for values the original refuses."""
    if part["kind"] not in _KINDS:
        raise BundleError(f"This version of Boucle does not know models of the kind '{part['kind']}'.")
    steps = [chain(part["steps"], stored.arrays), _KINDS[part["kind"]](part, stored)]
    made = [step for step in [*steps, *(LINKS[name] for name in part["links"])] if step is not None]
    if len(made) == 1:
        return made[0]
    if len(made) == 2:
        first, second = made
        return lambda rows: second(first(rows))

    def run(rows: Matrix) -> Matrix:
        for step in made:
            rows = step(rows)
        return rows

    return run


def _linear(part: dict[str, Any], stored: Stored) -> Step:
    weights, bias = stored.arrays[part["weights"]], stored.arrays[part["bias"]]
    telling = bool((weights != 0).all())  # a value that is not finite then makes a score that is not
    if weights.shape[1] == 1:
        weights, bias = np.ascontiguousarray(weights[:, 0]), bias[0]
    isfinite, all_finite = math.isfinite, _all_finite

    def score(rows: Matrix) -> Matrix:
        found: Matrix = rows.dot(weights)
        found += bias
        flat = found.ravel()
        if not (telling and isfinite(flat.dot(flat))) and not all_finite(rows):
            raise _refused("a value is missing or not finite")
        return found

    return score


def _layers(part: dict[str, Any], stored: Stored) -> Step:
    layers = [(stored.arrays[weights], stored.arrays[bias]) for weights, bias in part["layers"]]
    activate = _ACTIVATIONS[part["activation"]]

    def score(rows: Matrix) -> Matrix:
        if not _all_finite(rows):
            raise _refused("a value is missing or not finite")
        for weights, bias in layers[:-1]:
            rows = activate(rows.dot(weights) + bias)
        weights, bias = layers[-1]
        return cast("Matrix", rows.dot(weights) + bias)

    return score


def _constant(part: dict[str, Any], stored: Stored) -> Step:
    values, check = stored.arrays[part["values"]], _CHECKS[part["takes"]]

    def score(rows: Matrix) -> Matrix:
        check(rows)
        return np.tile(values, (len(rows), 1))

    return score


def _session(graph: bytes) -> Any:
    import onnxruntime  # a linear model needs none of it, and it takes 25 MB

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load the model: {error}.",
            hint="install the version the bundle names, or register the model again",
        ) from error


def _onnx(part: dict[str, Any], stored: Stored) -> Step:
    session, check, width = _session(stored.trees[part["graph"]]), _CHECKS[part["takes"]], part["width"]
    given, asked = part["input"], [part["output"]]

    def score(rows: Matrix) -> Matrix:
        check(rows)
        (found,) = session.run(asked, {given: np.ascontiguousarray(rows)})
        return cast("Matrix", found.astype(np.float64, copy=False).reshape(len(rows), width))

    return score


def _trees(part: dict[str, Any], stored: Stored) -> Step:
    walk, check = _walk(part, stored), None if part["takes"] == "all" else _CHECKS[part["takes"]]
    divisor, of_two = float(part["divisor"]), bool(part.get("of_two"))
    contiguous = np.ascontiguousarray

    def score(rows: Matrix) -> Matrix:
        rows = contiguous(rows)
        if check is not None:
            flat = rows.ravel()
            if not flat.dot(flat) < _SAFELY_SMALL:
                check(rows)
        found = walk(rows)
        if of_two:  # sums of whole numbers: those of the first class are what is left
            both = np.empty((len(found), 2))
            both[:, 1] = second = found[:, 0]
            np.subtract(divisor, second, out=both[:, 0])
            found = both
        if divisor != 1.0:
            found /= divisor
        return found

    return score


def _walk(part: dict[str, Any], stored: Stored) -> Step:
    """Return what sums the leaves of rows: our own walker where it can, else ONNX Runtime."""
    walked = part.get("walked")
    if walked is not None:
        arrays = {name: stored.arrays[place] for name, place in walked.items()}
        if (walk := walker(arrays, part["targets"], part["doubled"])) is not None:
            return walk
    run, outputs = _session(stored.trees[part["trees"]]).run, ["Y"]
    return lambda rows: cast("Matrix", run(outputs, {"X": rows})[0])


def _mean(part: dict[str, Any], stored: Stored) -> Step:
    members = [scorer(one, stored) for one in part["parts"]]
    weights = stored.arrays[part["weights"]]
    total = float(weights.sum())

    def score(rows: Matrix) -> Matrix:
        answers = np.stack([member(rows).reshape(len(rows), -1) for member in members])
        answers *= weights[:, np.newaxis, np.newaxis]
        return cast("Matrix", answers.sum(axis=0) / total)

    return score


def _calibrated(part: dict[str, Any], stored: Stored) -> Step:
    inner = scorer(part["inner"], stored)
    maps = [_map(one, stored.arrays) for one in part["maps"]]

    def score(rows: Matrix) -> Matrix:
        found = inner(rows).reshape(len(rows), -1)
        return np.column_stack([run(found[:, place]) for place, run in enumerate(maps)])

    return score


def _map(one: dict[str, Any], arrays: Arrays) -> Step:
    """Return Platt's sigmoid, or the line through the points of an isotonic regression."""
    if "slope" in one:
        slope, intercept = one["slope"], one["intercept"]
        return lambda scores: _likely(-(slope * scores + intercept))
    x, y = arrays[one["x"]], arrays[one["y"]]
    return lambda scores: np.interp(scores, x, y)


def _all_finite(rows: Matrix) -> bool:
    return bool(np.isfinite(rows).all())


def _refused(why: str) -> RequestError:
    return RequestError(f"The model cannot predict on these rows: {why}.")


def _check_finite(rows: Matrix) -> None:
    if not _all_finite(rows):
        raise _refused("a value is missing or not finite")


def _check_held(rows: Matrix) -> None:
    if (np.abs(rows) >= _TOO_LARGE).any():
        raise _refused("a value is too large for it")


def _check_finite_and_held(rows: Matrix) -> None:
    _check_finite(rows)
    _check_held(rows)


def _likely(scores: Matrix) -> Matrix:
    """Return 1 / (1 + exp(-scores)), exact where it is next to nothing; overflows nowhere."""
    raised = np.exp(np.minimum(-scores, 709.0))
    raised += 1.0
    return cast("Matrix", np.divide(1.0, raised, out=raised))


def _sigmoid(scores: Matrix) -> Matrix:
    return _complement(_likely(scores))


def _softmax(scores: Matrix) -> Matrix:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    return cast("Matrix", raised)


def _one_against_rest(scores: Matrix) -> Matrix:
    likely = np.exp(-np.logaddexp(0.0, -scores))  # exact where all are next to zero
    with np.errstate(invalid="ignore"):  # where no class is likely at all the original has NaN too
        return cast("Matrix", likely / likely.sum(axis=1, keepdims=True))


def _shares(scores: Matrix) -> Matrix:
    """Return shares that add up to one; where there is nothing to share, all are the same."""
    total = scores.sum(axis=1, keepdims=True)
    return np.divide(scores, total, out=np.full_like(scores, 1.0 / scores.shape[1]), where=total != 0.0)


def _complement(likely: Matrix) -> Matrix:
    """Return shares of two classes from that of the second."""
    shares = np.empty((len(likely), 2))
    second = likely if likely.ndim == 1 else likely[:, 0]
    shares[:, 1] = second
    shares[:, 0] = 1.0 - second
    return shares


def _sides(scores: Matrix) -> Matrix:
    """Return scores of two classes of which the second wins above zero."""
    sides = np.zeros((len(scores), 2))
    sides[:, 1] = scores.reshape(-1)
    return sides


LINKS: dict[str, Step] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "square": np.square,
    "sinh": np.sinh,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "one_against_rest": _one_against_rest,
    "shares": _shares,
    "complement": _complement,
    "second": lambda shares: shares[:, 1],
    "sides": _sides,
}
_ACTIVATIONS: dict[str, Step] = {
    "identity": lambda values: values,
    "relu": lambda values: np.maximum(values, 0.0),
    "tanh": np.tanh,
    "logistic": _likely,
}
_CHECKS: dict[str, Callable[[Matrix], None]] = {
    "all": lambda rows: None,
    "finite": _check_finite,
    "finite float32": _check_finite_and_held,
    "float32": _check_held,
}
_KINDS: dict[str, Callable[[dict[str, Any], Stored], Step]] = {
    "linear": _linear,
    "layers": _layers,
    "constant": _constant,
    "trees": _trees,
    "onnx": _onnx,
    "mean": _mean,
    "calibrated": _calibrated,
}
