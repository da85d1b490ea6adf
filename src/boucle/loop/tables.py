"""Tables in and out of the command line."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import pandas as pd

from boucle.core.errors import SourceError, StoreError


class Writer(Protocol):
    """Takes parts of a table; ``close`` makes the whole visible, ``drop`` leaves nothing."""

    def __call__(self, part: pd.DataFrame) -> None: ...
    def close(self) -> None: ...
    def drop(self) -> None: ...


def from_stdin(source: TextIO | None = None, separator: str | None = None) -> pd.DataFrame:
    """Read CSV from standard input, or what was read of it; raises SourceError."""
    try:
        return pd.read_csv(source or sys.stdin, sep=separator, engine="python")
    except (ValueError, pd.errors.ParserError) as error:
        raise SourceError(f"Standard input is no CSV table: {error}.") from error


class CsvLines:
    """Writes parts as CSV lines as they come."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._headed = out, False

    def __call__(self, part: pd.DataFrame) -> None:
        _flat(part).to_csv(self._out, index=False, header=not self._headed)
        self._headed = True

    def close(self) -> None:
        self._out.flush()

    drop = close


class FileWriter:
    """Writes CSV, JSONL or Parquet by the file's ending, beside the file until it is whole."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in (".csv", ".jsonl", ".ndjson", ".parquet"):
            raise SourceError(f"{path.name}: the ending is unknown.", hint="write .csv, .jsonl or .parquet")
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
        os.close(handle)
        self._draft = Path(name)
        self._parts: list[pd.DataFrame] = []
        self._headed = False

    def __call__(self, part: pd.DataFrame) -> None:
        suffix = self._path.suffix.lower()
        if suffix == ".parquet":
            self._parts.append(part)
        elif suffix == ".csv":
            _flat(part).to_csv(self._draft, index=False, mode="a", header=not self._headed)
        else:
            part.to_json(self._draft, orient="records", lines=True, mode="a")
        self._headed = True

    def close(self) -> None:
        if self._path.suffix.lower() == ".parquet":
            pd.concat(self._parts, ignore_index=True).to_parquet(self._draft, index=False)
        os.chmod(self._draft, 0o644)
        os.replace(self._draft, self._path)

    def drop(self) -> None:
        self._draft.unlink(missing_ok=True)


def _flat(part: pd.DataFrame) -> pd.DataFrame:
    """Write lists and objects (spans, vectors) as JSON, as a cell of CSV holds them."""
    kinds = (list, dict, np.ndarray)
    nested = [name for name in part.columns if any(isinstance(value, kinds) for value in part[name].head(20))]
    return part.assign(**{name: [_json(value) for value in part[name]] for name in nested}) if nested else part


def _json(value: Any) -> Any:
    if isinstance(value, list | dict | np.ndarray):
        return json.dumps(value.tolist() if isinstance(value, np.ndarray) else value, ensure_ascii=False)
    return value


@contextmanager
def closing(writer: Any) -> Iterator[None]:
    """Close ``writer`` when the block ends well, else leave nothing half-written."""
    try:
        yield
    except BaseException:
        writer.drop()
        raise
    writer.close()
