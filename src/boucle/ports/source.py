"""Source: reads a table from one kind of place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Source(Protocol):
    """``spec`` is what stands after ``data.source``: a path, a glob, a URL, ``module:function``, or a mapping."""

    name: str

    def accepts(self, spec: Any, directory: Path) -> bool:
        """Say whether this source reads ``spec``; cheap, opens nothing but the file's first bytes."""
        ...

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Read all rows; relative paths start at ``directory``. Raises SourceError."""
        ...
