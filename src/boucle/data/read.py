"""Read the project's table through the first source that knows how."""

from __future__ import annotations

import ctypes
import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from boucle import plugins
from boucle.core.errors import DataError, SourceError, suggest
from boucle.data import pictures
from boucle.ports.source import Source
from boucle.project.learning import Data
from boucle.project.masking import masked

_MMAP_THRESHOLD, _BIG = -3, 2**20
"""Its number in malloc.h; bytes from which an array is mapped by itself."""
_ORDER = ("sql", "saved", "conll", "folders", "files", "callable")


def read_table(data: Data, directory: Path) -> pd.DataFrame:
    """Read all rows of ``data.source``; raises SourceError, and DataError when the target is not among the columns.

    Columns declared as images may hold paths: the files are read. A target that holds lists is written as JSON text.
    """
    spec: Any = data.source
    if not isinstance(spec, dict) and (data.query or data.separator or data.encoding):
        spec = {"path": spec, "query": data.query, "separator": data.separator, "encoding": data.encoding}
    frame = _read(spec, directory)
    require_target(frame, data.target)
    images = [name for name, wanted in data.checks.items() if wanted.type == "image"]
    frame = pictures.brought_in(frame, images, folders_of(data.source, directory))
    return flat(frame, data.target)


def read_path(path: str, directory: Path) -> pd.DataFrame:
    """Read one table named on the command line: seen from the working directory, else from the project's folder."""
    here = Path(path)
    return _read(str(here.resolve()) if here.exists() else path, directory)


def folders_of(source: Any, directory: Path) -> list[Path]:
    """Return where paths in the rows of ``source`` may start: its folder, the project's, and where we are."""
    place = source.get("path") if isinstance(source, dict) else source
    own = [(directory / place).parent] if isinstance(place, str) and (directory / place).is_file() else []
    return [*own, directory, Path.cwd()]


def flat(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """Write a target of lists or objects as JSON text, always alike; an answer of SQuAD's kind as its first text."""
    values = frame[target]
    if not any(isinstance(value, list | dict | np.ndarray) for value in values.dropna().head(20)):
        return frame
    return frame.assign(**{target: pd.Series([_written(value) for value in values], index=frame.index, dtype=object)})


def _written(value: Any) -> Any:
    if isinstance(value, dict) and "answer_start" in value:
        texts = list(value.get("text", ()))
        return str(texts[0]) if texts else None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    plain = isinstance(value, list | dict)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str) if plain else value


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
