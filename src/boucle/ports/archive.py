"""Archive: where observations and feedback are kept for long, by column, for anybody to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from boucle.core.observation import Feedback
from boucle.core.observed import ObservedRows

if TYPE_CHECKING:
    import pandas as pd


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
        """Keep all of it under ``name`` and return the number of rows; the same name again replaces what it kept,
        as long as that was not merged: then it stays as it was.

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

    def merge(self, day: str) -> int:
        """Put small parts of days before ``day`` (UTC, ``2026-01-31``) together; returns how many were taken into one.

        One day of one model a call: 0 says that all is done. Killed anywhere, every row is read once. Raises
        StoreError.
        """
        ...

    def drop(self, part: Part) -> None:
        """Remove one part; one that is gone does no harm."""
        ...
