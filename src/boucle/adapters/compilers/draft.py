"""What the compilers of this package build together: the drafted program of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Field

Part = dict[str, Any]
"""One scoring model as JSON: steps before it, its kind, what it takes, its link, and the names of its arrays."""

TAKES = ("all", "finite", "finite float32", "float32")
"""What a part takes: all values, no missing or infinite ones, or none a float32 cannot hold (missing ones or not)."""
MISSING = ("all", "float32")
"""Those of them that may be missing."""


@dataclass
class Draft:
    """A program in the making. ``names`` says whether the model takes frames, or plain arrays.

    ``width`` is the number of features at this point, ``sources`` the input each of them is, -1 where it is made of
    others. ``borders`` are features and the values at which trees part on them.
    """

    fields: tuple[Field, ...]
    names: bool
    blocks: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    trees: list[bytes] = field(default_factory=list)
    width: int = 0
    sources: list[int] = field(default_factory=list)
    tolerance: float = 1e-9
    borders: list[NDArray[np.float64]] = field(default_factory=list)

    def keep(self, values: Any) -> str:
        """Store an array; returns its name."""
        name = f"a{len(self.arrays)}"
        self.arrays[name] = np.asarray(values, dtype=np.float64)
        return name

    def keep_as_is(self, values: NDArray[Any]) -> str:
        """Store an array of any type; returns its name."""
        name = f"a{len(self.arrays)}"
        self.arrays[name] = values
        return name

    def step(self, op: str, **rest: Any) -> None:
        """Draft an operation that makes each feature anew."""
        self.steps.append({"op": op, **rest})
        self.sources = [-1] * self.width

    def pick(self, columns: Sequence[int]) -> None:
        """Go on with some of the features."""
        self.steps.append({"op": "columns", "columns": [int(column) for column in columns]})
        self.sources = [self.sources[column] for column in columns]
        self.width = len(self.sources)

    def part(self, kind: str, links: Sequence[str] = (), takes: str = "finite", decides: str = "", **rest: Any) -> Part:
        """Return a scoring part that comes after the steps drafted so far, which are taken into it.

        ``takes`` is one of TAKES; ``links`` are what its scores go through. ``decides`` says how a classifier finds
        its label: "" by the largest share, "argmax" by the largest score, ">" or ">=" by its only score and zero.
        """
        steps, self.steps = self.steps, []
        return {"steps": steps, "kind": kind, "links": list(links), "takes": takes, "decides": decides, **rest}

    def inside(self, make: Callable[[Draft], Part]) -> Part:
        """Draft a part within another; the features go on from here as if it had not been."""
        before = self.steps, self.width, self.sources
        self.steps = []
        try:
            return make(self)
        finally:
            self.steps, self.width, self.sources = before

    def found_borders(self) -> NDArray[np.float64] | None:
        """Return inputs and the values at which trees part on them, where they see them as they come."""
        return np.unique(np.concatenate(self.borders), axis=0) if self.borders else None
