"""Run compiled models: NumPy for preprocessing and linear models, trees by ``trees.py``. No scikit-learn, no pandas.

A program is a list of blocks, each a few operations on some columns, put side by side; then a part that scores the
matrix, by itself or from parts inside it; and for classifiers the labels. All is in float64, as the original computes.
Where only the preprocessing has no compiled form, scikit-learn does it, and the program scores what comes out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np

from boucle.adapters.runtimes.features import Matrix, features
from boucle.adapters.runtimes.scores import LINKS, Stored, scorer
from boucle.core.errors import BundleError, MissingExtra
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Signature
from boucle.ports.compiler import Program
from boucle.ports.runtime import Saved

STEPS, ARRAYS = "compiled.json", "compiled.npz"
ORIGINAL = [{"original": True}]
VERSION = 3
Features = Callable[[Batch], Matrix]


class CompiledRuntime:
    """Programs, as compilers make them."""

    name = "compiled"
    forks = True

    def save(self, model: Program, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Write a program beside the files of the model it was made of."""
        digests = [hashlib.sha256(trees).hexdigest() for trees in model.trees]
        (directory / STEPS).write_text(json.dumps({**model.steps, "trees": digests}, indent=1))
        np.savez(directory / ARRAYS, **cast("dict[str, Any]", model.arrays))
        for place, trees in enumerate(model.trees):
            (directory / _trees(place)).write_bytes(trees)
        packages = ["numpy", *(["onnxruntime"] if model.trees else [])]
        return Saved(requirements=tuple(f"{name}=={version(name)}" for name in packages))

    def wrap(self, model: Program, signature: Signature) -> CompiledPredictor:
        """Return the predictor of a program in memory."""
        before = None if model.before is None else _preparation(lambda runtime: model.before, signature)
        return CompiledPredictor(model, signature, before)

    def load(self, directory: Path, info: BundleInfo) -> CompiledPredictor:
        """Load a verified bundle."""
        try:
            steps = json.loads((directory / STEPS).read_text())
            _require_version(steps, directory)
            with np.load(directory / ARRAYS, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            trees = tuple(_read_trees(directory, *known) for known in enumerate(steps["trees"]))
        except (OSError, ValueError, BadZipFile) as error:
            raise BundleError(
                f"The compiled model in {directory} cannot be read: {error}.", hint="fetch the bundle again"
            ) from error
        half = steps["blocks"] == ORIGINAL
        before = _preparation(lambda runtime: runtime.model(directory, info), info.signature) if half else None
        return CompiledPredictor(Program(steps, arrays, trees), info.signature, before)


class CompiledPredictor:
    """A program as a predictor; safe for threads. ``before`` makes its features where that is not compiled."""

    def __init__(self, program: Program, signature: Signature, before: Features | None = None) -> None:
        steps = program.steps
        self._features = features(steps["blocks"], program.arrays, signature) if before is None else before
        self._score = scorer(steps["score"], Stored(program.arrays, program.trees))
        self._labels = None if steps["labels"] is None else _Labels(steps["labels"], signature)

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError for values the original refuses."""
        scores = self._score(self._features(batch))
        if self._labels is None:
            return {"prediction": scores if scores.ndim == 1 else scores.reshape(-1)}
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
        self._decides, self._link = steps.get("decides"), LINKS[steps["link"]] if "link" in steps else None

    def answer(self, scores: Matrix) -> Batch:
        shares = scores if self._link is None else self._link(scores)
        if self._decides == ">":
            places = (scores.reshape(-1) > 0.0).astype(np.intp)
        elif self._decides == ">=":
            places = (scores.reshape(-1) >= 0.0).astype(np.intp)
        elif self._threshold is None:
            places = scores.argmax(1)
        else:
            chosen = shares[:, self._positive] >= self._threshold
            places = np.where(chosen, self._positive, 1 - self._positive)
        prediction = self._names[places]
        if not self._shares:
            return {"prediction": prediction}
        return {"prediction": prediction, "probabilities": shares if self._sorted else shares[:, self._columns]}


def _preparation(model: Callable[[Any], Any], signature: Signature) -> Features:
    """Return the preprocessing of the original; what scores behind it is let go."""
    try:
        # A model that is compiled whole is served without scikit-learn.
        from boucle.adapters.runtimes.sklearn import Preparation, SklearnRuntime
    except ModuleNotFoundError as missing:
        raise MissingExtra.of(missing.name or "sklearn", "tabular") from missing
    found = Preparation(model(SklearnRuntime()), signature)
    del found.last
    return found.matrix


def _require_version(steps: Any, directory: Path) -> None:
    if not isinstance(steps, dict) or steps.get("version") != VERSION:
        raise BundleError(
            f"The compiled model in {directory} was made by another version of Boucle.",
            hint="register the model again",
        )


def _read_trees(directory: Path, place: int, digest: str) -> bytes:
    """Read an ensemble; the walker may stand in for it, so it is not left to ONNX Runtime to find it damaged."""
    raw = (directory / _trees(place)).read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ValueError(f"{_trees(place)} is not what was written")
    return raw


def _trees(place: int) -> str:
    return f"trees-{place}.onnx" if place else "trees.onnx"
