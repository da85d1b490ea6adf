"""What was asked, answered and found out, as one table: from the archive, from segments that are not there yet, and
with what came back later, by whichever way it came."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from boucle import plugins
from boucle.core.errors import NotFound
from boucle.core.model import ModelRef
from boucle.core.observation import Joined
from boucle.formats.segment import SUFFIX, read_feedback, read_segment
from boucle.formats.table import observed
from boucle.loop import tables
from boucle.loop.compaction import DAY, archive_at
from boucle.loop.project import Project
from boucle.ports.archive import Archive

_EVER = 253402300799.0
_ROW = ["id", "version", "role", "row"]
_KIND = "parquet"


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows were written, of how many requests, and for how many of them the truth is known."""

    rows: int
    requests: int
    labelled: int
    output: str


def export(project: Project, ref: str, since: float, until: float, path: Path) -> Exported:
    """Write the rows asked in [since, until) (Unix seconds) as CSV, JSONL or Parquet, by the file's ending.

    ``ref`` is a model, or one version of it. Raises NotFound when there are none, SourceError, StoreError.
    """
    wanted = ModelRef.parse(ref)
    version = None if wanted.version is None and wanted.alias is None else project.resolve(ref).number
    frame = table(project, wanted.name, since, until, version)
    if not len(frame):
        raise NotFound(
            f"Nothing was asked of {ref} in that time.",
            hint="what is older than serve.capture.keep is dropped; see boucle status",
        )
    writer = tables.FileWriter(path)
    with tables.closing(writer):
        writer(frame)
    return Exported(len(frame), int(frame["id"].nunique()), int(frame["truth"].notna().sum()), str(path))


def table(project: Project, model: str, since: float, until: float, version: int | None = None) -> pd.DataFrame:
    """Return one row a row asked in [since, until), oldest first.

    Columns: id, time, version, role, row, rows, key, latency, error, in_…, out_…; ``truth`` and ``truth_time``;
    ``count_EVENT`` and ``value_EVENT`` for each business event of the request. Raises StoreError.
    """
    with _opened(project) as sources:
        days = [day for day in sources.days(model, since, until, version) if len(day.rows)]
    if not days:
        return pd.DataFrame()
    told = _stacked([day.told for day in days])
    frame = _stacked([_with_truth(day) for day in days])
    frame["truth"] = _values(frame["truth"])
    return _with_events(frame, told)


def labelled(project: Project, since: float, until: float) -> Joined:
    """Return the labelled rows asked in [since, until) as they were answered, with their inputs.

    Goes through the archive day by day, and holds no more than one day's rows beside the labelled ones.
    """
    found: list[pd.DataFrame] = []
    with _opened(project) as sources:
        for day in sources.days(project.name, since, until, None):
            known = _with_truth(day) if len(day.rows) else day.rows
            if len(known):
                found.append(known[known["truth"].notna() & (known["error"] == "")])
    frame = _stacked(found) if found else pd.DataFrame()
    if not len(frame):
        return Joined()
    answer = _plain(frame["out_prediction"]) if "out_prediction" in frame else [None] * len(frame)
    return Joined(
        ids=frame["id"].tolist(),
        positions=frame["row"].tolist(),
        versions=frame["version"].tolist(),
        roles=frame["role"].tolist(),
        times=[moment.timestamp() for moment in frame["time"]],
        arrived=[moment.timestamp() for moment in frame["truth_time"]],
        predictions=answer,
        probabilities=[None] * len(frame),
        truths=[json.loads(text) for text in frame["truth"]],
        inputs={name.removeprefix("in_"): _plain(frame[name]) for name in map(str, frame) if name.startswith("in_")},
    )


@dataclass(frozen=True, slots=True)
class _Day:
    """The rows asked in one day, and what came back about them: id, time, row, truth (JSON), event, value."""

    rows: pd.DataFrame
    told: pd.DataFrame


class _Sources:
    """The archive, and what of the segments is not there yet."""

    def __init__(self, project: Project, archives: list[Archive]) -> None:
        self._project, self._archives = project, archives

    def days(self, model: str, since: float, until: float, version: int | None) -> Iterator[_Day]:
        """Yield the days of a span, oldest first."""
        told = [archive.feedback(0.0, _EVER) for archive in self._archives]
        for start in sorted({_start(part.date) for archive in self._archives for part in archive.parts()}):
            begin, end = max(start, since), min(start + DAY, until)
            if begin >= end:
                continue
            read = [frame for archive in self._archives if len(frame := archive.read(model, begin, end))]
            rows = _stacked(read).drop_duplicates(_ROW) if read else pd.DataFrame(columns=_ROW)
            rows = rows if version is None else rows[rows["version"] == version]
            if not len(rows):
                continue
            ids = list(rows["id"].unique())
            known = [*(one[one["id"].isin(ids)] for one in told), _in_state(self._project, ids)]
            yield _Day(rows.sort_values(["time", "id", "row"], kind="stable", ignore_index=True), _stacked(known))


@contextmanager
def _opened(project: Project) -> Iterator[_Sources]:
    with tempfile.TemporaryDirectory(prefix="boucle-") as folder:
        fresh = _unarchived(project, Path(folder))  # before the archive: the keeper may be putting them there just now
        archive: Archive = plugins.load("archives", _KIND)(archive_at(project), project.root)
        yield _Sources(project, [fresh, archive])


def _unarchived(project: Project, folder: Path) -> Archive:
    """Return what segments hold, as an archive of its own."""
    archive: Archive = plugins.load("archives", _KIND)(None, folder)
    for path in sorted(project.segments.glob(f"*{SUFFIX}")):
        records = [(kind, record) for kind, record, _ in read_segment(path)]
        archive.write(path.stem, observed(records), read_feedback(path))
    return archive


def _in_state(project: Project, ids: list[str]) -> pd.DataFrame:
    """Return what the live state knows of these requests: also what came by a file or the control plane."""
    with project.state.begin(write=False) as tx:
        found = tx.observations.feedback(ids)
    rows: list[tuple[Any, ...]] = []
    for one in found:
        rows += [(one.id, one.time, row, json.dumps(truth), "", None) for row, truth in enumerate(one.truth or ())]
        if one.event:
            rows.append((one.id, one.time, None, None, one.event, one.value))
    frame = pd.DataFrame(rows, columns=["id", "time", "row", "truth", "event", "value"])
    frame["time"] = pd.to_datetime(frame["time"].astype(float), unit="s", utc=True)
    return frame


def _with_truth(day: _Day) -> pd.DataFrame:
    """Add the newest truth of each row, as JSON; of two of one time the greater text wins, as in the live state."""
    told = day.told
    truths = told[told["truth"].notna() & (told["truth"] != "null")]
    truths = truths.sort_values(["time", "truth"]).drop_duplicates(["id", "row"], keep="last")
    truths = truths[["id", "row", "truth", "time"]].rename(columns={"time": "truth_time"}).astype({"row": "int64"})
    return day.rows.merge(truths, on=["id", "row"], how="left")


def _with_events(frame: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Add how often each event came back about a request, and the sum of its values."""
    events = told[told["event"].fillna("") != ""].drop_duplicates(["id", "time", "event"])
    for event, rows in events.groupby("event"):
        by_id = rows.groupby("id")["value"]
        frame[f"count_{event}"] = frame["id"].map(by_id.size()).fillna(0).astype("int64")
        if rows["value"].notna().any():
            frame[f"value_{event}"] = frame["id"].map(by_id.sum(min_count=1).astype(float))
    return frame


def _values(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Read truths off their JSON: as they are where all are of one kind, else left as JSON."""
    values = [None if text is None or text != text else json.loads(text) for text in texts]
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pd.Series(values, dtype="float64" if float in kinds or None in values else "int64")
    return pd.Series(values, dtype=object) if len(kinds) == 1 and kinds <= {str, bool} else texts


def _start(date: str) -> float:
    """Return when a part's day begins; a folder of another name is no day."""
    try:
        return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return _EVER


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one behind the other, without those that have no rows, whose columns have no types."""
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else frames[0]


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Return a column as values; missing ones are None."""
    held = column.astype(object)
    values: list[Any] = held.where(column.notna(), None).tolist()
    return values
