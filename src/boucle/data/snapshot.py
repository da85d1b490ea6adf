"""Data sets kept by their content: the same rows are stored once, and can be brought back byte for byte."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boucle.core.dataset import Snapshot
from boucle.core.errors import DataError, NotFound, StoreError
from boucle.core.json import dumps, loads
from boucle.formats.files import sync_directory, write_atomic
from boucle.project.masking import masked

_ROW_GROUP = 131_072


class Snapshots:
    """The snapshots below ``root``: ``data/<fingerprint>.parquet``, each with a small JSON file beside it."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "data"

    def keep(self, frame: pd.DataFrame, source: str, time: float) -> Snapshot:
        """Store ``frame`` unless its content is stored already; ``time`` is Unix seconds. Raises StoreError.

        A password in ``source`` is not written down.
        """
        with _draft(self._folder) as draft:
            with draft.open("wb") as out:
                hashed = _Hashed(out)
                write(frame, hashed)
                out.flush()
                os.fsync(out.fileno())
            fingerprint = hashed.fingerprint
            path, note = self.path(fingerprint), self._folder / f"{fingerprint}.json"
            if not path.exists() or path.stat().st_size != hashed.size:
                os.replace(draft, path)
                sync_directory(self._folder)
        if note.exists():
            return loads(note.read_bytes(), Snapshot)
        columns = tuple(map(str, frame.columns))
        snapshot = Snapshot(fingerprint, len(frame), columns, str(masked(source)), time, hashed.size)
        write_atomic(note, dumps(snapshot))
        return snapshot

    def path(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.parquet"

    def load(self, fingerprint: str) -> pd.DataFrame:
        """Return the rows; raises NotFound, and DataError when the file's bytes are not those that were kept."""
        path = self.path(fingerprint)
        try:
            with path.open("rb") as handle:
                if hashlib.file_digest(handle, "sha256").hexdigest() == fingerprint:
                    return _rows(handle)
        except FileNotFoundError:
            known = [p.stem for p in self._folder.glob("*.parquet")]
            raise NotFound.of("snapshot", fingerprint, known, "boucle history") from None
        raise DataError(
            f"The snapshot {fingerprint[:12]} was changed after it was kept.",
            hint=f"remove {path.name} and train again to keep it anew",
            path=str(path),
        )


class _Hashed(io.RawIOBase):
    """Passes bytes on to ``out``, with their count and their hash."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out, self._hash, self.size = out, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._out.write(data)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """Give a file in ``folder`` to write to, gone after the block unless it was renamed; raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".draft", dir=folder)
        os.close(handle)
        draft = Path(name)
        try:
            draft.chmod(0o644)
            yield draft
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror or error}.",
            hint="check the space left and who may write there",
        ) from error


def write(frame: pd.DataFrame, out: Any) -> None:
    """Write ``frame`` to ``out`` as Parquet: equal tables give equal bytes, whatever their index."""
    columns = [str(c) for c in frame.columns]
    arrays = [_array(frame.iloc[:, i], name) for i, name in enumerate(columns)]
    table = pa.Table.from_arrays(arrays, names=columns)
    texts = [name for name, array in zip(columns, arrays, strict=True) if pa.types.is_large_string(array.type)]
    pq.write_table(
        table, out, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP, write_statistics=False,
        store_schema=False, use_dictionary=texts,
    )  # fmt: skip


def encode(frame: pd.DataFrame) -> bytes:
    """Return what ``write`` writes."""
    out = io.BytesIO()
    write(frame, out)
    return out.getvalue()


def decode(raw: bytes) -> pd.DataFrame:
    """Return the rows that ``encode`` was given."""
    return _rows(io.BytesIO(raw))


def _rows(handle: BinaryIO) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(handle).to_pandas()
    return frame


def _array(values: pd.Series[Any], name: str) -> Any:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        # Parquet keeps the moment, in UTC; pyarrow would ask pandas for it in a way that pandas gives up.
        return pa.array(values.dt.tz_convert(None).to_numpy()).cast(pa.timestamp(values.dt.unit, "UTC"))
    try:
        array = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"Column '{name}' mixes types: {str(error).splitlines()[0].rstrip('.')}.",
            hint="make it all numbers or all text",
            field=name,
        ) from error
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_string(array.type):
        array = array.cast(pa.large_string())  # a column may hold more than 2 GiB of text
    if pa.types.is_binary(array.type):
        array = array.cast(pa.large_binary())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
