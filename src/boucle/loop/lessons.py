"""What a turn learns from: the project's data, and the labelled rows that the service has seen.

Rows of windows with a data fault are never learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from boucle.core.observation import Joined
from boucle.core.signature import KINDS
from boucle.loop.archived import labelled
from boucle.loop.media import learnable
from boucle.loop.project import Project
from boucle.loop.retention import forgotten
from boucle.monitoring.quarantine import quarantined, within

_PER_LEVEL = 10
"""Rows of each class that are needed to learn from recent rows alone."""


@dataclass(frozen=True, slots=True)
class Span:
    """The labelled rows that count, requested from ``since`` to ``until``; ``alone``, without any others."""

    since: float = 0.0
    until: float | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """The rows to learn from, ``labelled`` of them from the service, and all that is ``known`` of the columns."""

    frame: pd.DataFrame
    known: pd.DataFrame
    labelled: int = 0
    warnings: tuple[str, ...] = ()


def gather(project: Project, span: Span | None, base: pd.DataFrame) -> Learned:
    """Return ``base`` with the labelled rows of ``span`` behind it, or those alone where they are enough."""
    if span is None:
        return Learned(base, base)
    rows, refused = _feedback_rows(project, span, base)
    warnings = [f"{refused} labelled rows of windows with a data fault were left out"] if refused else []
    rows, unkept = learnable(project, rows, base)
    if unkept:
        warnings.append(f"{unkept} labelled rows were left out: serve.capture does not keep their text or image")
    if span.alone and _enough(project, rows, base):
        both = pd.concat([base, rows], ignore_index=True)
        return Learned(both.iloc[len(base) :].reset_index(drop=True), both, len(rows), tuple(warnings))
    if span.alone and span.since:
        warnings.append(f"{len(rows)} labelled rows since the change are too few to learn from alone: all rows count")
        rows, _ = learnable(project, _feedback_rows(project, Span(until=span.until), base)[0], base)
    frame = pd.concat([base, rows], ignore_index=True) if len(rows) else base
    return Learned(frame, frame, len(rows), tuple(warnings))


def _enough(project: Project, rows: pd.DataFrame, base: pd.DataFrame) -> bool:
    if len(rows) < project.settings.react.min_labels:
        return False
    if KINDS[project.settings.task] != "class":
        return True
    target = project.settings.data.target
    counts = rows[target].astype(str).value_counts()
    return all(counts.get(level, 0) >= _PER_LEVEL for level in base[target].dropna().astype(str).unique())


def _feedback_rows(project: Project, span: Span, base: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the labelled rows as the service saw them, one per answered row, in the data's own columns, and how many
    were left out for a data fault.

    The column that parts the rows by time gets the time of the request, written as ``base`` writes it.
    """
    settings = project.settings
    with project.state.begin() as tx:
        joined = tx.observations.joined(project.name, since=span.since, inputs=True)
        faulty = quarantined(tx, project.name)
        archived = forgotten(tx, project.name).before
    if archived > span.since:  # the live state no longer has all of them
        joined = _behind(labelled(project, span.since, archived), joined)
    times = np.array(joined.times, dtype=np.float64)
    refused = within(times, faulty)
    wanted = times <= (np.inf if span.until is None else span.until)
    answered = [
        i for i, role in enumerate(joined.roles) if wanted[i] and role != "shadow" and joined.truths[i] is not None
    ]
    sound = [i for i in answered if not refused[i]]
    columns = {name: [values[i] for i in sound] for name, values in joined.inputs.items()}
    columns[settings.data.target] = [joined.truths[i] for i in sound]
    clock = settings.data.split.time
    if clock is not None and clock not in columns:
        columns[clock] = _written_as(base[clock], [joined.times[i] for i in sound])
    return pd.DataFrame(columns), len(answered) - len(sound)


def _behind(first: Joined, second: Joined) -> Joined:
    """Put labelled rows behind others, without those that are among them already."""
    known = set(zip(second.ids, second.positions, strict=True))
    keys = zip(first.ids, first.positions, strict=True)
    first = first.take([place for place, key in enumerate(keys) if key not in known])
    names = dict.fromkeys([*first.inputs, *second.inputs])
    empty = ([None] * len(first), [None] * len(second))
    both = {
        one.name: getattr(first, one.name) + getattr(second, one.name) for one in fields(Joined) if one.name != "inputs"
    }
    inputs = {name: first.inputs.get(name, empty[0]) + second.inputs.get(name, empty[1]) for name in names}
    return Joined(**both, inputs=inputs)


def _written_as(base: pd.Series[Any], times: list[float]) -> Any:
    """Write Unix times as a column does: as numbers, as dates with or without a zone, or as ISO text."""
    if pd.api.types.is_numeric_dtype(base.dtype):
        return times
    moments = pd.Series(pd.to_datetime(times, unit="s", utc=True))
    if not pd.api.types.is_datetime64_any_dtype(base.dtype):
        return [moment.isoformat() for moment in moments]
    zone = getattr(base.dtype, "tz", None)
    return (moments.dt.tz_convert(zone) if zone else moments.dt.tz_localize(None)).astype(base.dtype)
