"""Read the project's table through the first source that knows how."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from boucle import plugins
from boucle.core.errors import DataError, SourceError, suggest
from boucle.ports.source import Source
from boucle.project.learning import Data
from boucle.project.masking import masked

_MMAP_THRESHOLD, _BIG = -3, 2**20
"""Its number in malloc.h; bytes from which an array is mapped by itself."""
_ORDER = ("sql", "saved", "conll", "folders", "files", "callable")


def read_table(data: Data, directory: Path) -> pd.DataFrame:
    """Read all rows of ``data.source``; raises SourceError, and DataError when the target is not among the columns."""
    spec: Any = data.source
    if not isinstance(spec, dict) and (data.query or data.separator or data.encoding):
        spec = {"path": spec, "query": data.query, "separator": data.separator, "encoding": data.encoding}
    frame = _read(spec, directory)
    require_target(frame, data.target)
    return frame


def read_path(path: str, directory: Path) -> pd.DataFrame:
    """Read one table named on the command line: seen from the working directory, else from the project's folder."""
    here = Path(path)
    return _read(str(here.resolve()) if here.exists() else path, directory)


def release() -> None:
    """Give the memory of tables that were read and let go of back to the system: it is kept for the next one."""
    pa.default_memory_pool().release_unused()


def require_target(frame: pd.DataFrame, target: str) -> None:
    """Raise DataError when there is no column ``target``."""
    if target in frame.columns:
        return
    known = [str(c) for c in frame.columns]
    raise DataError(
        f"The data has no column '{target}', the target.",
        hint=f"{suggest(target, known)}the columns are: {', '.join(known[:20])}",
        field=target,
    )


@cache
def _give_memory_back() -> None:
    """Have big arrays return to the system as soon as they are let go of, where the C library can be told.

    By itself it keeps ever larger ones for later, and Arrow keeps its own: a training would stand beside them.
    """
    with suppress(AttributeError, OSError, TypeError):  # glibc alone has it
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _BIG)
        pa.set_memory_pool(pa.system_memory_pool())


def _read(spec: Any, directory: Path) -> pd.DataFrame:
    _give_memory_back()
    names = sorted(plugins.names("sources"), key=lambda n: _ORDER.index(n) if n in _ORDER else len(_ORDER))
    for name in names:
        source: Source = plugins.load("sources", name)()
        if source.accepts(spec, directory):
            return source.read(spec, directory)
    raise SourceError(
        f"Nothing here reads {masked(spec)!r}.",
        hint="write a file, a folder, a glob, an SQLAlchemy URL or module:function",
    )
