"""Served requests. Their rows are kept as JSON, one table row a request, in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from boucle.adapters.stores import feedback as returned
from boucle.adapters.stores import forgetting, joins, service
from boucle.adapters.stores.bulk import clean, keep_new, parts, replace_all
from boucle.adapters.stores.tables import cursors, observations
from boucle.core.observation import Feedback, Joined, Observation, Served

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class SqlObservations:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ingest(
        self, observations_: Iterable[Observation], feedback: Iterable[Feedback], cursors_: dict[str, int]
    ) -> tuple[int, int]:
        """Keep what is new and how far each segment was read; a cursor never goes back."""
        fresh = sum(keep_new(self._connection, observations, part) for part in parts(map(_row, observations_), 1000))
        told = sum(returned.keep(self._connection, part) for part in parts(feedback, 500))
        known = self.cursors()
        ahead = [{"segment": s, "offset": o} for s, o in cursors_.items() if o > known.get(s, -1)]
        replace_all(self._connection, cursors, ahead)
        return fresh, told

    def cursors(self) -> dict[str, int]:
        return {row.segment: row.offset for row in self._connection.execute(select(cursors))}

    def forget(self, segments: Sequence[str]) -> None:
        for part in parts(segments, 500):
            self._connection.execute(delete(cursors).where(cursors.c.segment.in_(part)))

    def count(self, model: str, version: int | None = None, since: float = 0.0) -> int:
        table = observations.c
        query = select(func.coalesce(func.sum(table.rows), 0)).where(table.model == model, table.time >= since)
        if version is not None:
            query = query.where(table.version == version)
        return int(self._connection.execute(query).scalar_one())

    def answered(self, model: str, since: float = 0.0, until: float | None = None) -> dict[int, int]:
        return service.answered(self._connection, model, since, until)

    def rows(
        self, model: str, version: int | None = None, roles: Sequence[str] = (), after: int = 0, limit: int = 0
    ) -> list[tuple[int, Observation]]:
        """Observations in order of arrival, from the first behind position ``after`` on."""
        table = observations.c
        query = select(observations).where(table.model == model, table.position > after).order_by(table.position)
        if version is not None:
            query = query.where(table.version == version)
        if roles:
            query = query.where(table.role.in_(roles))
        if limit:
            query = query.limit(limit)
        return [_observation(row) for row in self._connection.execute(query)]

    def newest(self, model: str, version: int, limit: int) -> list[Observation]:
        table = observations.c
        query = (
            select(observations)
            .where(table.model == model, table.version == version, table.error == "", table.role == "champion")
            .order_by(table.position.desc())
            .limit(limit)
        )
        return [_observation(row)[1] for row in self._connection.execute(query)][::-1]

    def joined(
        self, model: str, version: int | None = None, since: float = 0.0, limit: int = 0, inputs: bool = False
    ) -> Joined:
        return joins.joined(self._connection, model, version, since, limit, inputs)

    def labelled(
        self, model: str, versions: Sequence[int], since: float, after: tuple[int, int]
    ) -> tuple[Joined, tuple[int, int]]:
        return joins.labelled(self._connection, model, versions, since, after)

    def served(
        self, model: str, versions: Sequence[int], since: float, after: int, slow: float
    ) -> tuple[list[Served], int]:
        return service.served(self._connection, model, versions, since, after, slow)

    def before(self, model: str, version: int, time: float, limit: int) -> list[tuple[float, str]]:
        return service.before(self._connection, model, version, time, limit)

    def converted(
        self, model: str, versions: Sequence[int], event: str, since: float, until: float
    ) -> dict[int, tuple[int, int]]:
        return service.converted(self._connection, model, versions, event, since, until)

    def earned(
        self, model: str, versions: Sequence[int], event: str, since: float, until: float, cap: float
    ) -> dict[int, tuple[int, float, float]]:
        return service.earned(self._connection, model, versions, event, since, until, cap)

    def feedback_totals(self, model: str) -> dict[str, float]:
        return joins.totals(self._connection, model)

    def brought(
        self, model: str, event: str, since: float = 0.0, until: float | None = None
    ) -> list[tuple[int, float, int, int]]:
        return service.brought(self._connection, model, event, since, until)

    def known(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for part in parts(ids, 500):
            query = select(observations.c.id).where(observations.c.id.in_(part))
            found.update(self._connection.execute(query).scalars())
        return found

    def oldest(self, model: str, before: float, upto: int, least: int, limit: int) -> list[tuple[int, str]]:
        return forgetting.oldest(self._connection, model, before, upto, least, limit)

    def strays(self, before: float, limit: int) -> list[str]:
        return forgetting.strays(self._connection, before, limit)

    def feedback(self, ids: Sequence[str]) -> list[Feedback]:
        return forgetting.feedback_of(self._connection, ids)

    def let_go(self, positions: Sequence[int], strays: Sequence[str] = ()) -> int:
        forgetting.drop_strays(self._connection, strays)
        return forgetting.let_go(self._connection, positions)


def _row(seen: Observation) -> dict[str, Any]:
    return {
        "id": clean(seen.id),
        "model": seen.model,
        "version": seen.version,
        "role": seen.role,
        "time": float(seen.time),
        "rows": seen.rows,
        "latency": seen.latency,
        "error": seen.error,
        "key": clean(seen.key),
        "inputs": _encode(seen.inputs).decode(),
        "outputs": _encode(seen.outputs).decode(),
    }


def _observation(row: Sequence[Any]) -> tuple[int, Observation]:
    position, id_, model, version, role, time, rows, latency, error, key, inputs, outputs = row
    asked, told = _decode(inputs), _decode(outputs)
    return position, Observation(id_, time, model, version, role, rows, asked, told, latency, error, key)
