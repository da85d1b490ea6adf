"""Profiles of closed windows and the verdicts about them."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from boucle.adapters.stores.tables import verdicts, windows
from boucle.core.json import dumps, loads
from boucle.core.observation import Window
from boucle.core.profile import Counts
from boucle.core.verdict import Verdict


class SqlWindows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last(self, model: str, version: int) -> tuple[int, int]:
        query = (
            select(windows.c.number, windows.c.position)
            .where(windows.c.model == model, windows.c.version == version)
            .order_by(windows.c.number.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return (row.number, row.position) if row else (0, 0)

    def close(
        self, model: str, version: int, number: int, position: int, start: float, end: float, counts: Counts
    ) -> None:
        key = {"model": model, "version": version, "number": number}
        known = select(windows.c.number).filter_by(**key)
        if self._connection.execute(known).first() is None:
            values = {"position": position, "start": start, "end": end, "profile": dumps(counts).decode()}
            self._connection.execute(insert(windows), key | values)

    def counts(self, model: str, version: int, last: int) -> list[tuple[Window, Counts]]:
        query = (
            select(windows.c.number, windows.c.start, windows.c.end, windows.c.profile)
            .where(windows.c.model == model, windows.c.version == version)
            .order_by(windows.c.number.desc())
            .limit(last)
        )
        found = [(row, loads(row.profile, Counts)) for row in self._connection.execute(query)][::-1]
        return [(Window(model, version, r.number, r.start, r.end, int(c.rows)), c) for r, c in found]

    def record(self, model: str, version: int, kind: str, time: float, verdict: Verdict) -> None:
        row = {"model": model, "version": version, "kind": kind, "time": time, "verdict": dumps(verdict).decode()}
        self._connection.execute(insert(verdicts), row)

    def verdicts(self, model: str, kind: str = "", limit: int = 0) -> list[tuple[float, int, Verdict]]:
        query = select(verdicts).where(verdicts.c.model == model).order_by(verdicts.c.seq.desc())
        if kind:
            query = query.where(verdicts.c.kind == kind)
        if limit:
            query = query.limit(limit)
        rows = self._connection.execute(query)
        return [(row.time, row.version, loads(row.verdict, Verdict)) for row in rows][::-1]

    def spread(
        self, model: str, kind: str, since: float, until: float, most: int, version: int | None = None
    ) -> list[tuple[float, int, Verdict]]:
        held = [verdicts.c.model == model, verdicts.c.kind == kind, verdicts.c.time.between(since, until)]
        if version is not None:
            held.append(verdicts.c.version == version)
        tile = func.ntile(most).over(order_by=verdicts.c.seq)
        tiled = select(verdicts.c.seq, tile.label("tile")).where(*held).subquery()
        newest = select(func.max(tiled.c.seq)).group_by(tiled.c.tile)
        query = select(verdicts).where(verdicts.c.seq.in_(newest)).order_by(verdicts.c.seq)
        return [(row.time, row.version, loads(row.verdict, Verdict)) for row in self._connection.execute(query)]
