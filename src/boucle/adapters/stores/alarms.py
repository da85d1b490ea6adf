"""Alarms, at most one unresolved for each cause of a model."""

from __future__ import annotations

from dataclasses import asdict, replace

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from boucle.adapters.stores.tables import alarms
from boucle.core.alarm import Alarm
from boucle.core.errors import Conflict, NotFound
from boucle.core.json import dumps

_UNRESOLVED = select(alarms).where(alarms.c.state != "resolved").order_by(alarms.c.id)
_OF_MODEL = _UNRESOLVED.where(alarms.c.model == bindparam("model"))


class SqlAlarms:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unresolved(self, model: str | None = None) -> list[Alarm]:
        query = _UNRESOLVED if model is None else _OF_MODEL
        return [_alarm(row) for row in self._connection.execute(query, {"model": model})]

    def all(self, model: str | None = None, limit: int = 0) -> list[Alarm]:
        query = _of(model).order_by(alarms.c.id.desc())
        return self._found(query.limit(limit) if limit else query)[::-1]

    def get(self, id: int) -> Alarm:
        found = self._found(select(alarms).where(alarms.c.id == id))
        if not found:
            raise NotFound(f"There is no alarm {id}.", hint="List them with: boucle alarms", id=id)
        return found[0]

    def put(self, alarm: Alarm) -> Alarm:
        """Keep an alarm; raises NotFound for an unknown id, Conflict for a second unresolved one of its cause."""
        if alarm.id:
            self.get(alarm.id)
        if alarm.state != "resolved" and any(
            other.cause == alarm.cause and other.id != alarm.id for other in self.unresolved(alarm.model)
        ):
            raise Conflict(f"{alarm.model} has an unresolved alarm about {alarm.cause} already.", hint="boucle alarms")
        row = asdict(alarm) | {"data": dumps(alarm.data).decode()}
        del row["id"]
        if alarm.id:
            self._connection.execute(update(alarms).where(alarms.c.id == alarm.id).values(**row))
            return alarm
        return replace(alarm, id=self._connection.execute(insert(alarms).returning(alarms.c.id), row).scalar_one())

    def _found(self, query: Select[tuple[object, ...]]) -> list[Alarm]:
        return [_alarm(row) for row in self._connection.execute(query)]


def _of(model: str | None) -> Select[tuple[object, ...]]:
    query = select(alarms)
    return query if model is None else query.where(alarms.c.model == model)


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    fields = row._asdict()
    return Alarm(**fields | {"data": msgspec.json.decode(fields["data"])})
