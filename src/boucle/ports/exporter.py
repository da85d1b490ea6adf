"""Exporter: makes another form of a model that is in a bundle; smaller, quicker, or for somebody else's tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from boucle.core.model import BundleInfo
from boucle.core.signature import Batch
from boucle.ports.trainer import Progress


@dataclass(frozen=True, slots=True)
class Exported:
    """A model in memory, the runtime that keeps it, how it was made, and what a person should know of it."""

    model: Any
    runtime: str
    params: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Exporter(Protocol):
    """Makes one form of a model. Its name is the target that people type."""

    name: str

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Make the form of the verified bundle ``directory`` in ``folder``, which is there and empty.

        ``rows`` are inputs the form may be tried on; it is judged on others where there are some.
        Raises BundleError saying what can be done instead, MissingExtra for a package that is not installed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a student learns from. ``inputs`` are texts or image files, shape (rows,).

    ``labels`` are the places of the labels among the teacher's classes, shape (rows,), -1 where nobody has labelled;
    ``shares`` the teacher's probabilities, shape (rows, classes).
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    shares: NDArray[np.float64]


class Distiller(Protocol):
    """Teaches a smaller model what a larger one answers."""

    name: str

    def distill(
        self,
        directory: Path,
        info: BundleInfo,
        student: str,
        lessons: Lessons,
        folder: Path,
        settings: Mapping[str, Any],
        progress: Progress,
    ) -> Exported:
        """Train ``student`` (``layers=0,5`` of the teacher, or a checkpoint) in ``folder``, which is there and empty.

        ``directory`` is the teacher's verified bundle. ``settings`` are ``metric``, ``seed`` and ``directory``, the
        folder that paths are seen from, and ``epochs`` where it is asked for. Raises TrainingError or BundleError.
        """
        ...


class Card(Protocol):
    """Writes a model so that the tools of a hub read it."""

    name: str

    def write(self, directory: Path, info: BundleInfo, card: str, folder: Path, examples: Batch) -> dict[str, Any]:
        """Write the model of a verified bundle and its card into ``folder``; returns what was proved of it."""
        ...
