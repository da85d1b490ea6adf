"""Runtime: writes a model's own bytes into a bundle and loads them back as a predictor."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Signature


class Predictor(Protocol):
    """A loaded model. Thread-safe for reading; knows nothing of HTTP."""

    def predict(self, batch: Batch) -> Batch:
        """Predict on the signature's input columns; returns its output columns in the same row order.

        Regression: ``prediction`` (rows,) float64. Classification: ``prediction`` (rows,) of labels and
        ``probabilities`` (rows, classes) in the order of ``signature.classes``.
        """
        ...


@runtime_checkable
class Embedding(Protocol):
    """What a predictor may offer besides: the vectors it makes of its inputs, on which drift of meaning is found."""

    def embed(self, batch: Batch) -> NDArray[np.floating[Any]]:
        """Return one vector a row, shape (rows, d), the same d always.

        It is asked with the very batch that was predicted last, on the same thread: who keeps the vectors of that call
        has nothing to compute. Who has not is asked for a part of the rows only.
        """
        ...


@runtime_checkable
class Describing(Protocol):
    """What a predictor may offer besides: numbers or levels only it knows of its inputs."""

    def describe(self, batch: Batch) -> Batch:
        """Return columns named ``FIELD.WHAT``, shape (rows,): float64 or objects, such as the share of tokens that the
        model does not know (``text.unknown``) or the brightness of a picture (``image.brightness``, 0 to 1).

        It is asked as ``embed`` is, and has to be quick beside ``predict``.
        """
        ...


@runtime_checkable
class Tried(Protocol):
    """What a slow predictor may offer besides: a quick one that shows whether two of the kind are the same model."""

    def trial(self) -> Predictor:
        """Return a predictor that computes little of each row, and tells more of how: numbers before they are rounded
        to an answer, and every setting the answers depend on. Its columns are for comparing, nothing else."""
        ...


@runtime_checkable
class Thumbnails(Protocol):
    """What a predictor of images may offer besides: small pictures of its inputs."""

    def thumbnail(self, image: bytes, side: int) -> bytes:
        """Return an image file of at most ``side`` pixels a side."""
        ...


@dataclass(frozen=True, slots=True)
class Saved:
    """What a runtime wrote: options it needs to load again, types a safe loader must be told to trust,
    pip requirements of its framework, and the MLflow flavors (name to configuration) that describe the same files."""

    options: dict[str, Any] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    flavors: dict[str, dict[str, Any]] = field(default_factory=dict)


class Runtime(Protocol):
    """One framework's way of keeping and running a model.

    One with an attribute ``forks`` that is true makes models that survive a fork: workers then share their memory.
    One with an attribute ``compiles`` that is true has models that are served compiled where a compiler knows them.
    """

    name: str

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Write ``model`` into ``directory`` (which exists) in a safe format.

        ``pickled`` is the file the model was read from with the operator's consent: it is kept as it is where no safe
        format can hold the model. Raises BundleError.
        """
        ...

    def wrap(self, model: Any, signature: Signature) -> Predictor:
        """Return the predictor of a model in memory, as ``load`` would after ``save``."""
        ...

    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        """Load the verified bundle in ``directory``; raises BundleError or UnsafeBundle."""
        ...
