"""ParquetArchive: one Parquet file a segment, model and day, in folders every reader of Hive layouts knows.

    observations/model=NAME/date=YYYY-MM-DD/part-SEGMENT.parquet        one row a row asked about
    feedback/date=YYYY-MM-DD/part-SEGMENT.parquet                       one row a truth or event

A file is named after the segment it was made from: made again it replaces itself, so nothing has to be remembered.
When a day is over, its small files are put together (``merging.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from boucle.adapters.archives import columns, merging
from boucle.adapters.archives.places import TEMPORARY, Place
from boucle.core.errors import StoreError
from boucle.core.observation import Feedback
from boucle.core.observed import ObservedRows
from boucle.ports.archive import Part

if TYPE_CHECKING:
    import pandas as pd

OBSERVATIONS, FEEDBACK = "observations", "feedback"
_FEEDBACK_COLUMNS = ("id", "time", "row", "truth", "event", "value")


class ParquetArchive:
    """At ``uri`` (``s3://bucket/prefix``, a folder), or in ``directory`` without one; relative folders start there."""

    def __init__(self, uri: str | None, directory: Path) -> None:
        self._place = Place(uri, directory)
        self.local = self._place.local
        self._settled: dict[str, int] = {}  # folders where nothing was left to merge, and how many parts they had

    def write(self, name: str, observed: Iterable[ObservedRows], feedback: Iterable[Feedback]) -> int:
        days: defaultdict[str, list[pa.Table]] = defaultdict(list)
        for rows in observed:
            for day, table in columns.by_day(columns.observed(rows)):
                days[f"{OBSERVATIONS}/model={quote(rows.model, safe='')}/date={day}"].append(table)
        told = columns.feedback(feedback)
        if len(told):  # the newest entry's day: callers say the time of each, and may say anything
            days[f"{FEEDBACK}/date={columns.day_of(pc.max(told['time']))}"].append(told)
        for folder, tables in days.items():
            self._put(f"{folder}/part-{name}.parquet", columns.together(tables))
        return sum(len(table) for tables in days.values() for table in tables)

    def read(self, model: str, start: float, end: float, columns: Sequence[str] | None = None) -> pd.DataFrame:
        first, last = _day(start), _day(end)
        folder = f"{OBSERVATIONS}/model={quote(model, safe='')}"
        return self._read(folder, start, end, columns, lambda day: first <= day <= last)

    def feedback(self, start: float, end: float) -> pd.DataFrame:
        return self._read(FEEDBACK, start, end, _FEEDBACK_COLUMNS, lambda day: True)

    def parts(self) -> list[Part]:
        with self._told():
            found = [each for folder in (OBSERVATIONS, FEEDBACK) for each in self._place.listing(folder)]
        parts = [Part(path, day, size) for path, size in found if (day := _date(path))]
        return sorted(parts, key=lambda part: (part.date, part.path.rpartition("/")[2], part.path))

    def merge(self, day: str) -> int:
        folders: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        with self._told():
            for top in (OBSERVATIONS, FEEDBACK):
                for path, size in self._place.listing(top):
                    if "" < _date(path) < day:
                        folders[path.rpartition("/")[0]].append((path, size))
            for folder, parts in sorted(folders.items()):
                if self._settled.get(folder) == len(parts) or not merging.worthwhile(parts):
                    continue
                if merged := merging.merge(self._place, parts):
                    return merged
                self._settled[folder] = len(parts)
        return 0

    def drop(self, part: Part) -> None:
        with self._told():
            self._place.remove(part.path)

    def _put(self, path: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        with self._told():
            self._place.put(path, sink.getvalue())

    def _read(
        self, folder: str, start: float, end: float, names: Sequence[str] | None, wanted: Callable[[str], bool]
    ) -> pd.DataFrame:
        span = (ds.field("time") >= columns.moment(start)) & (ds.field("time") < columns.moment(end))
        place = self._place
        with self._told():
            days = [(path, _date(path)) for path, _ in place.listing(folder)]
            paths = sorted(path for path, day in days if day and wanted(day))
            opened = {p: ds.dataset(f"{place.root}/{p}", format="parquet", filesystem=place.files) for p in paths}
            gone = merging.superseded({path: part.schema for path, part in opened.items()})
            parts = [part for path, part in opened.items() if path not in gone]
            schema = columns.narrowed(columns.unified([part.schema for part in parts]), names)
            found = [part.to_table([n for n in schema.names if n in part.schema.names], span) for part in parts]
            tables = [columns.fitted(table, schema) for table in found] or [schema.empty_table()]
            return pa.concat_tables(tables).to_pandas()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"The archive {self._place.root} cannot be used: {error}.",
                hint="check the space left, who may write there, and the credentials",
            ) from error


def _day(time: float) -> str:
    return columns.day_of(columns.moment(time))


def _date(path: str) -> str:
    folder, _, name = path.rpartition("/")
    day = folder.rpartition("date=")[2]
    return day if name.endswith(".parquet") and not name.startswith(TEMPORARY) and day != folder else ""
