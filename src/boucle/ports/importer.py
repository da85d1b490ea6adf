"""Importer: opens a model that was trained elsewhere and kept as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from boucle.core.signature import Batch, Field, Signature, Task


@dataclass(frozen=True, slots=True)
class Opened:
    """A model in memory, the runtime that keeps it, and, if it was a pickle, the file that was agreed to."""

    model: Any
    runtime: str
    pickled: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a model of texts or images, each where the model does not say it by itself.

    ``task`` is one of those it can do, ``labels`` are its classes (the candidates of zero-shot-classification),
    ``options`` what it is told for good, such as the language it translates into.
    """

    task: Task | None = None
    labels: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


class Importer(Protocol):
    """Opens the files of one kind."""

    name: str

    def accepts(self, model: Path | Any) -> bool:
        """Say whether this importer takes ``model``, a file's path or an object in memory; loads nothing."""
        ...

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        """Load it. A format that can run code needs its file's sha256 as ``consent``.

        Raises UnsafeBundle naming the hash without it, BundleError when the file cannot be read.
        """
        ...

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        """Return the names of the columns the model was trained on, in order; None if it does not know them."""
        ...

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        """Read the output fields off the model and its answers to the sample; raises BundleError."""
        ...


@runtime_checkable
class Signing(Importer, Protocol):
    """An importer of models that know their own task: texts and images. ``asked`` is set before ``open``."""

    asked: Asked

    def signature(self, model: Any, fields: Sequence[Field]) -> Signature:
        """Return the signature over the columns of a sample that can be meant; raises ContractError when none can."""
        ...
