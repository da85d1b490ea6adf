"""Letting go of what the archive holds: the oldest requests, and what came back about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select

from boucle.adapters.stores.bulk import parts
from boucle.adapters.stores.tables import business, labels, observations
from boucle.core.observation import Feedback

_decode = msgspec.json.Decoder().decode


def oldest(
    connection: Connection, model: str, before: float, upto: int, least: int, limit: int
) -> list[tuple[int, str]]:
    """Return (position, id) of requests made before ``before`` that arrived at or before position ``upto``.

    The newest ``least`` requests of the model are none of them.
    """
    seen = observations.c
    newest = select(seen.time).where(seen.model == model).order_by(seen.time.desc()).offset(max(0, least - 1)).limit(1)
    kept = connection.execute(newest).scalar()
    if kept is None:
        return []
    query = (
        select(seen.position, seen.id)
        .where(seen.model == model, seen.time < min(before, kept), seen.position <= upto)
        .order_by(seen.time)
        .limit(limit)
    )
    return [(position, id_) for position, id_ in connection.execute(query)]


def feedback_of(connection: Connection, ids: Sequence[str]) -> list[Feedback]:
    """Return what came back about some requests, in the order of their ids."""
    found: list[Feedback] = []
    for part in parts(sorted(set(ids)), 500):
        truths: dict[tuple[str, float], dict[int, Any]] = {}
        told = select(labels).where(labels.c.id.in_(part)).order_by(labels.c.id, labels.c.row)
        for row in connection.execute(told):
            truths.setdefault((row.id, row.time), {})[row.row] = _decode(row.truth)
        for (id_, time), by_row in truths.items():
            found.append(Feedback(id_, time, [by_row.get(place) for place in range(max(by_row) + 1)]))
        events = select(business).where(business.c.id.in_(part)).order_by(*business.primary_key.columns)
        found += [Feedback(row.id, row.time, None, row.event, row.value) for row in connection.execute(events)]
    return found


def let_go(connection: Connection, positions: Sequence[int]) -> int:
    """Drop requests with what came back about them; returns how many rows they were.

    What came back stays as long as another version's answer to the same request does.
    """
    seen = observations.c
    rows, ids = 0, set[str]()
    for part in parts(positions, 500):
        there = connection.execute(select(seen.id, seen.rows).where(seen.position.in_(part))).all()
        rows += sum(row.rows for row in there)
        ids.update(row.id for row in there)
    if positions:
        one = delete(observations).where(seen.position == bindparam("place"))
        connection.execute(one, [{"place": place} for place in positions])
    _drop_feedback(connection, sorted(ids))
    return rows


def strays(connection: Connection, before: float, limit: int) -> list[str]:
    """Return ids that something came back about before ``before``, and that no request has."""
    observed = select(observations.c.id)
    found: list[str] = []
    for table in (labels, business):
        query = select(table.c.id).where(table.c.time < before, table.c.id.not_in(observed)).distinct().limit(limit)
        if table is labels:
            query = query.where(labels.c.arrival < _newest())
        found += connection.execute(query).scalars()
    return sorted(set(found))[:limit]


def drop_strays(connection: Connection, ids: Sequence[str]) -> None:
    """Drop what came back about requests that are not there."""
    _drop_feedback(connection, ids)


def _drop_feedback(connection: Connection, ids: Sequence[str]) -> None:
    for part in parts(ids, 500):
        there = set(connection.execute(select(observations.c.id).where(observations.c.id.in_(part))).scalars())
        gone = [id_ for id_ in part if id_ not in there]
        connection.execute(delete(labels).where(labels.c.id.in_(gone), labels.c.arrival < _newest()))
        connection.execute(delete(business).where(business.c.id.in_(gone)))


def _newest() -> Any:
    """Return the newest arrival. Labels of it stay: the next one counts on from there, behind what was read."""
    return select(func.max(labels.c.arrival)).scalar_subquery()
