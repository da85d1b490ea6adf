"""Tables in files: CSV, Parquet, JSON lines, Excel; one file, a folder, a glob or a list of them."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boucle.adapters.sources import delimited
from boucle.adapters.sources.tables import emptied, plain
from boucle.core.errors import MissingExtra, SourceError, suggest

_GLOB = set("*?[")


class FilesSource:
    """``spec`` is a path, or a mapping with ``path``, ``separator`` and ``encoding``; lists are read in turn."""

    name = "files"

    def accepts(self, spec: Any, directory: Path) -> bool:
        found = _paths(spec)
        return bool(found) and not any("://" in p or _is_callable(p, directory) for p in found)

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Read all files in sorted order; they have to agree on their columns."""
        options = spec if isinstance(spec, dict) else {}
        files = [f for p in _paths(spec) for f in _expand(p, directory)]
        frames = [_read_one(f, options.get("separator"), options.get("encoding")) for f in files]
        columns = list(frames[0].columns)
        for path, frame in zip(files, frames, strict=True):
            if set(frame.columns) != set(columns):
                odd = sorted(map(str, set(frame.columns) ^ set(columns)))
                raise SourceError(
                    f"{path.name} and {files[0].name} differ in their columns: {', '.join(odd[:5])}.",
                    hint="files that are read together have the same columns",
                )
        return frames[0] if len(frames) == 1 else pd.concat([f[columns] for f in frames], ignore_index=True)


def _paths(spec: Any) -> list[str]:
    if isinstance(spec, dict):
        spec = spec.get("path")
    if isinstance(spec, str):
        return [spec]
    return list(spec) if isinstance(spec, list) and all(isinstance(p, str) for p in spec) else []


def _is_callable(text: str, directory: Path) -> bool:
    """``module:function`` is another source's; a file that is really there, colon and all, is ours."""
    return ":" in text[2:] and not (directory / text).exists()


def _expand(text: str, directory: Path) -> list[Path]:
    path = directory / text
    if path.is_dir():
        found = sorted(f for f in path.iterdir() if f.is_file() and _kind(f) in _READERS and f.name[0] not in "._")
        if not found:
            raise SourceError(f"The folder {text} has no table in it.", hint=f"readable: {', '.join(_READERS)}")
        return found
    if path.exists():
        return [path]
    if _GLOB & set(text):
        found = sorted(map(Path, glob.glob(str(path), recursive=True)))
        if found:
            return found
        raise SourceError(f"No file matches {text}.", hint="the pattern starts at the project's folder")
    near = [f.name for f in path.parent.iterdir()] if path.parent.is_dir() else []
    raise SourceError(
        f"There is no file {text}.", hint=f"{suggest(path.name, near)}paths start at the project's folder"
    )


def _kind(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in delimited.COMPRESSED]
    return suffixes[-1] if suffixes else ""


def _read_one(path: Path, separator: str | None, encoding: str | None) -> pd.DataFrame:
    reader = _READERS.get(_kind(path), delimited.read)
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path.name} is empty.")
        frame = reader(path, separator, encoding)
    except SourceError:
        raise
    except ImportError as error:
        raise MissingExtra.of("openpyxl", "excel") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(
            f"{path.name} cannot be read: {reason.rstrip('.')}.", hint="is it really what its ending says?"
        ) from error
    return plain(frame, path.name)


def _parquet(path: Path, *_: str | None) -> pd.DataFrame:
    """An index that was written stands among the columns; one that only counts the rows is left out."""
    # a handle: the path itself would be searched for partitions in its folders' names
    with path.open("rb") as handle:
        table = pq.read_table(handle)
    kept = [i for i, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
    table = table.select(kept)
    return emptied(table)


def _json(path: Path, _: str | None, encoding: str | None) -> pd.DataFrame:
    """Read an array of rows, or one row a line."""
    with delimited.opened(path) as handle:
        text = handle.read().decode(encoding or "utf-8-sig")
    if text.lstrip().startswith("["):
        return pd.DataFrame(json.loads(text))
    return pd.DataFrame([json.loads(line) for line in text.split("\n") if line.strip()])


def _excel(path: Path, *_: str | None) -> pd.DataFrame:
    return pd.read_excel(path)


_READERS: dict[str, Callable[[Path, str | None, str | None], pd.DataFrame]] = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".txt": delimited.read,
    ".data": delimited.read,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".xlsx": _excel,
}
