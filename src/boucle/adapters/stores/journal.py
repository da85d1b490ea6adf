"""The hash-chained history in a table, with its head kept apart so that a cut-off end shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, bindparam, insert, select

from boucle.adapters.stores.settings import SqlSettings
from boucle.adapters.stores.tables import events
from boucle.core.event import GENESIS, Event, first_break
from boucle.core.json import dumps, to_data

_HEAD = "journal.head"
_PAGE = 2000
_ACTORS = 100


class SqlJournal:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settings = SqlSettings(connection)

    def append(self, event: Event) -> Event:
        """Seal ``event`` behind the last one; its data is kept, and returned, as plain JSON."""
        seq, previous = self._settings.get(_HEAD) or (0, GENESIS)
        sealed = _plain(event).sealed(seq + 1, previous)
        row = to_data(sealed) | {"data": dumps(sealed.data).decode()}
        self._connection.execute(insert(events), row)
        self._settings.put(_HEAD, [sealed.seq, sealed.digest])
        return sealed

    def events(
        self,
        model: str | None = None,
        kinds: Sequence[str] = (),
        after: int = 0,
        since: float = 0.0,
        limit: int = 0,
        before: int = 0,
        actor: str = "",
    ) -> list[Event]:
        asked: dict[str, Any] = {
            "model": model, "kinds": tuple(kinds), "since": since, "before": before, "actor": actor, "limit": limit,
        }  # fmt: skip
        asked = {name: value for name, value in asked.items() if value or (name == "model" and value is not None)}
        rows = self._connection.execute(_query(frozenset(asked)), asked | {"after": after}).mappings()
        found = [_event(row) for row in rows]
        return found[::-1] if limit else found

    def actors(self, model: str | None = None) -> list[str]:
        query = select(events.c.actor).distinct().order_by(events.c.actor).limit(_ACTORS)
        query = query if model is None else query.where(events.c.model == model)
        return list(self._connection.execute(query).scalars())

    def head(self) -> int:
        return int((self._settings.get(_HEAD) or (0, GENESIS))[0])

    def verify(self) -> int | None:
        """Walk the whole chain; an entry changed, missing, put in or cut off at the end breaks it."""
        last, digest = 0, GENESIS
        while page := self._page(last):
            if page[0].seq != last + 1:
                return last + 1
            if (broken := first_break(page, digest)) is not None:
                return broken
            last, digest = page[-1].seq, page[-1].digest
        head = self._settings.get(_HEAD) or [0, GENESIS]
        return None if head == [last, digest] else last + 1

    def _page(self, after: int) -> list[Event]:
        query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(_PAGE)
        return [_event(row) for row in self._connection.execute(query).mappings()]


@cache
def _query(asked: frozenset[str]) -> Select[Any]:
    """Return the statement that asks for so much; it is built once, which costs ten times as much as its answer."""
    conditions = {
        "model": events.c.model == bindparam("model"),
        "kinds": events.c.kind.in_(bindparam("kinds", expanding=True)),
        "since": events.c.time >= bindparam("since"),
        "before": events.c.seq < bindparam("before"),
        "actor": events.c.actor == bindparam("actor"),
    }
    wanted = [condition for name, condition in conditions.items() if name in asked]
    query = select(events).where(events.c.seq > bindparam("after"), *wanted)
    if "limit" in asked:
        return query.order_by(events.c.seq.desc()).limit(bindparam("limit"))
    return query.order_by(events.c.seq)


def _plain(event: Event) -> Event:
    """Return the event as it will be read back: hashing anything else would break the chain."""
    reason = event.reason.encode(errors="replace").decode().replace("\0", " ")
    data = msgspec.json.decode(dumps(to_data(event.data)))
    return Event(event.kind, float(event.time), reason, event.model, event.version, event.actor, data)


def _event(row: RowMapping) -> Event:
    fields: dict[str, Any] = dict(row)
    try:
        fields["data"] = msgspec.json.decode(fields["data"])
    except msgspec.DecodeError:
        fields["data"] = {"unreadable": fields["data"]}  # somebody changed it; the chain says so
    return Event(**fields)
