"""Compiler: turns a fitted model into a program that runs without the framework it was made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from boucle.core.signature import Signature


class CannotCompile(Exception):
    """The model, or a part of it, has no compiled form; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled model: ``steps`` as JSON values naming ``arrays`` and counting ``trees``, ensembles as ONNX.

    ``tolerance`` is how far its numbers may lie from the original's, relative where they are above one. ``borders``,
    of shape (any, 2), are inputs (by place) and the values at which trees part, where trees see inputs as they are.

    A program is half of a model where its preprocessing has no compiled form, and is served as it is: then ``before``
    is the fitted model it is taken from, and ``why`` says what could not be compiled.
    """

    steps: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    trees: tuple[bytes, ...] = ()
    tolerance: float = 1e-9
    borders: NDArray[Any] | None = None
    before: Any = None
    why: str = ""


class Compiler(Protocol):
    """One family of models that can be compiled."""

    name: str

    def compile(self, model: Any, signature: Signature) -> Program:
        """Return the program of a fitted model; raises CannotCompile."""
        ...
