"""Observations with what came back about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, func, select

from boucle.adapters.stores.bulk import parts
from boucle.adapters.stores.tables import business, labels, observations
from boucle.core.observation import Joined

_decode = msgspec.json.Decoder().decode
_SHADOW = "shadow"


def joined(connection: Connection, model: str, version: int | None, since: float, limit: int, inputs: bool) -> Joined:
    """Return the labelled rows, oldest request first; requests that failed have none."""
    query = _query(model, version, since, inputs)
    order = (observations.c.time, observations.c.position, labels.c.row)
    if limit:
        newest = query.order_by(*(column.desc() for column in order)).limit(limit)
        rows = list(connection.execute(newest))[::-1]
    else:
        rows = list(connection.execute(query.order_by(*order)))
    return _collect(rows, inputs)


def labelled(
    connection: Connection, model: str, versions: Sequence[int], since: float, after: tuple[int, int]
) -> tuple[Joined, tuple[int, int]]:
    """Return the rows labelled behind ``after``, a place in both orders of arrival: of labels and of requests."""
    seen, told = observations.c, labels.c
    ends = connection.execute(
        select(
            select(func.coalesce(func.max(told.arrival), 0)).scalar_subquery(),
            select(func.coalesce(func.max(seen.position), 0)).scalar_subquery(),
        )
    ).one()
    if after == (0, 0):
        query = _query(model, None, since, False).where(seen.version.in_(versions))
        rows = list(connection.execute(query))
    else:
        # An expression in place of a column keeps SQLite off the index by time, along which it would read everything.
        own = _rows(False).where(seen.model == model, seen.version.in_(versions), seen.time + 0.0 >= since)
        late = own.where(seen.position > after[1], told.arrival <= after[0])
        rows = list(connection.execute(late))
        ids = connection.execute(select(told.id).where(told.arrival > after[0])).scalars()
        for part in parts(dict.fromkeys(ids), 500):
            rows += connection.execute(own.where(seen.id.in_(part), told.arrival > after[0]))
    rows.sort(key=lambda row: (row.time, row.position, row.place))
    return _collect(rows, False), (int(ends[0]), int(ends[1]))


def _query(model: str, version: int | None, since: float, inputs: bool) -> Select[Any]:
    seen = observations.c
    query = _rows(inputs).where(seen.model == model, seen.time >= since)
    return query if version is None else query.where(seen.version == version)


def _rows(inputs: bool) -> Select[Any]:
    """Select the labelled rows of requests that were answered."""
    seen, told = observations.c, labels.c
    wanted = [seen.position, seen.id, seen.version, seen.role, seen.time, seen.outputs]
    query = (
        select(*wanted, told.row.label("place"), told.time.label("arrived"), told.truth)
        .join_from(observations, labels, and_(told.id == seen.id, told.row < seen.rows))
        .where(seen.error == "")
    )
    return query.add_columns(seen.inputs) if inputs else query


def _collect(rows: list[Row[Any]], inputs: bool) -> Joined:
    found = Joined()
    last = -1
    outputs: dict[str, list[Any]] = {}
    columns: dict[str, list[Any]] = {}
    for row in rows:
        if row.position != last:
            last, outputs = row.position, _decode(row.outputs)
            columns = _decode(row.inputs) if inputs else {}
            for name in columns:
                found.inputs.setdefault(name, [None] * len(found))
        _add(found, row, outputs)
        for name, column in found.inputs.items():
            column.append(_at(columns.get(name, ()), row.place))
    return found


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _add(found: Joined, row: Row[Any], outputs: dict[str, list[Any]]) -> None:
    predictions = outputs.get("prediction") or next(iter(outputs.values()), [])
    found.ids.append(row.id)
    found.positions.append(row.place)
    found.versions.append(row.version)
    found.roles.append(row.role)
    found.times.append(row.time)
    found.arrived.append(row.arrived)
    found.predictions.append(_at(predictions, row.place))
    found.probabilities.append(_at(outputs.get("probabilities", ()), row.place))
    found.truths.append(_decode(row.truth))


def totals(connection: Connection, model: str) -> dict[str, float]:
    """Count labelled rows (``labels``), truths for rows a request did not have (``extra``), ids nobody observed yet
    (``unknown``, of any model), and the mean time from request to truth (``delay``, s). Shadow copies do not count."""
    seen, told = observations.c, labels.c
    own = (
        select(func.count(), func.avg(told.time - seen.time))
        .join_from(observations, labels, told.id == seen.id)
        .where(seen.model == model, seen.error == "", seen.role != _SHADOW)
    )
    count, delay = connection.execute(own.where(told.row < seen.rows)).one()
    extra, _ = connection.execute(own.where(told.row >= seen.rows)).one()
    observed = select(observations.c.id)
    unknown = sum(
        connection.execute(select(func.count(table.c.id.distinct())).where(table.c.id.not_in(observed))).scalar_one()
        for table in (labels, business)
    )
    return {"labels": count, "extra": extra, "unknown": unknown, "delay": delay or 0.0}
