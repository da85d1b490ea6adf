"""Data sets kept by their content: the same rows are stored once, and can be brought back byte for byte."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boucle.core.dataset import Snapshot
from boucle.core.errors import DataError, NotFound
from boucle.core.json import dumps, loads
from boucle.formats.files import write_atomic
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
        raw = encode(frame)
        fingerprint = hashlib.sha256(raw).hexdigest()
        path, note = self.path(fingerprint), self._folder / f"{fingerprint}.json"
        if not path.exists() or path.stat().st_size != len(raw):
            write_atomic(path, raw)
        if note.exists():
            return loads(note.read_bytes(), Snapshot)
        columns = tuple(map(str, frame.columns))
        snapshot = Snapshot(fingerprint, len(frame), columns, str(masked(source)), time, len(raw))
        write_atomic(note, dumps(snapshot))
        return snapshot

    def path(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.parquet"

    def load(self, fingerprint: str) -> pd.DataFrame:
        """Return the rows; raises NotFound, and DataError when the file's bytes are not those that were kept."""
        path = self.path(fingerprint)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            known = [p.stem for p in self._folder.glob("*.parquet")]
            raise NotFound.of("snapshot", fingerprint, known, "boucle history") from None
        if hashlib.sha256(raw).hexdigest() != fingerprint:
            raise DataError(
                f"The snapshot {fingerprint[:12]} was changed after it was kept.",
                hint=f"remove {path.name} and train again to keep it anew",
                path=str(path),
            )
        return decode(raw)


def encode(frame: pd.DataFrame) -> bytes:
    """Return the Parquet bytes of ``frame``: equal tables have equal bytes, whatever their index."""
    columns = [str(c) for c in frame.columns]
    arrays = [_array(frame.iloc[:, i], name) for i, name in enumerate(columns)]
    table = pa.Table.from_arrays(arrays, names=columns)
    texts = [name for name, array in zip(columns, arrays, strict=True) if pa.types.is_large_string(array.type)]
    out = io.BytesIO()
    pq.write_table(
        table, out, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP, write_statistics=False,
        store_schema=False, use_dictionary=texts,
    )  # fmt: skip
    return out.getvalue()


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
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def decode(raw: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(io.BytesIO(raw)).to_pandas()
    return frame
