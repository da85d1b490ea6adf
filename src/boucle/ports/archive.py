"""Archive: where observations and feedback are kept for long, by column, for anybody to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from boucle.core.observation import Feedback

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[Any] | Sequence[Any]
"""One entry a row: an array (NaN or masked is missing), or JSON values (None is missing)."""


@dataclass(frozen=True, slots=True)
class ObservedRows:
    """Requests one version answered, by column. The lists have one entry a request, in the order of its rows.

    ``counts`` is how many rows stand for a request: those it had, and one for a request without any. ``rows`` is how
    many it had. Inputs and outputs have one entry a row; a row that was not answered has no outputs.
    """

    model: str
    version: int
    ids: list[str]
    times: list[float]
    latencies: list[float]
    roles: list[str]
    keys: list[str]
    errors: list[str]
    rows: NDArray[np.int64]
    inputs: Mapping[str, Values]
    outputs: Mapping[str, Values]

    @property
    def counts(self) -> NDArray[np.int64]:
        return np.maximum(self.rows, 1)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive: its place below the root, the day (UTC, ``2026-01-31``) it is about, its size."""

    path: str
    date: str
    bytes: int


class Archive(Protocol):
    """Kept in parts, each there whole or not at all. ``local`` says whether it takes room on this machine's disk."""

    local: bool

    def write(self, name: str, observed: Iterable[ObservedRows], feedback: Iterable[Feedback]) -> int:
        """Keep all of it under ``name`` and return the number of rows; the same name again replaces what it kept.

        Killed anywhere and called again with the same, there is no row twice and none missing. Raises StoreError.
        """
        ...

    def read(self, model: str, start: float, end: float, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows of requests made in [start, end) (Unix seconds), all columns or those named.

        A column that some version did not have is missing in its rows. Raises StoreError.
        """
        ...

    def feedback(self, start: float, end: float) -> pd.DataFrame:
        """Return what came back in [start, end): id, time, row, truth (as JSON), event, value."""
        ...

    def parts(self) -> list[Part]:
        """All parts, oldest first."""
        ...

    def drop(self, part: Part) -> None:
        """Remove one part; one that is gone does no harm."""
        ...
