"""What was asked, answered and found out, as one table: from the archive, from segments that are not there yet, and
with what came back later, by whichever way it came."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
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
from boucle.loop.compaction import archive_at
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
    with tempfile.TemporaryDirectory(prefix="boucle-") as folder:
        fresh = _unarchived(project, Path(folder))
        archive: Archive = plugins.load("archives", _KIND)(archive_at(project), project.root)
        both = [fresh.read(model, since, until), archive.read(model, since, until)]
        told = [fresh.feedback(0.0, _EVER), archive.feedback(0.0, _EVER)]
    frame = _stacked(both).drop_duplicates(_ROW) if any(map(len, both)) else both[1]
    if version is not None and len(frame):
        frame = frame[frame["version"] == version]
    if not len(frame):
        return frame
    frame = frame.sort_values(["time", "id", "row"], kind="stable", ignore_index=True)
    ids = frame["id"].unique()
    known = _stacked([*(one[one["id"].isin(ids)] for one in told), _in_state(project, list(ids))])
    return _with_events(_with_truth(frame, known), known)


def labelled(project: Project, since: float, until: float) -> Joined:
    """Return the labelled rows asked in [since, until) as they were answered, with their inputs."""
    frame = table(project, project.name, since, until)
    if not len(frame):
        return Joined()
    frame = frame[frame["truth"].notna() & (frame["error"] == "")]
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
        truths=frame["truth"].tolist(),
        inputs={name.removeprefix("in_"): _plain(frame[name]) for name in map(str, frame) if name.startswith("in_")},
    )


def _unarchived(project: Project, folder: Path) -> Archive:
    """Return what segments hold as an archive of its own: the keeper may be putting them into the other just now."""
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


def _with_truth(frame: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Add the newest truth of each row; of two of one time the greater text wins, as in the live state."""
    truths = told[told["truth"].notna() & (told["truth"] != "null")]
    truths = truths.sort_values(["time", "truth"]).drop_duplicates(["id", "row"], keep="last")
    truths = truths[["id", "row", "truth", "time"]].rename(columns={"time": "truth_time"}).astype({"row": "int64"})
    joined = frame.merge(truths, on=["id", "row"], how="left")
    joined["truth"] = _values(joined["truth"])
    return joined


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


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one behind the other, without those that have no rows, whose columns have no types."""
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else frames[0]


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Return a column as values; missing ones are None."""
    held = column.astype(object)
    values: list[Any] = held.where(column.notna(), None).tolist()
    return values
