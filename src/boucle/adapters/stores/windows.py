"""Profiles of closed windows and the verdicts about them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from sqlalchemy import Connection, insert, select

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

    def spread(self, model: str, kind: str, since: float, until: float, most: int) -> list[tuple[float, int, Verdict]]:
        # The index holds the seqs of a kind; verdicts are long, so the rows in between are not read.
        every = select(verdicts.c.seq).where(verdicts.c.model == model, verdicts.c.kind == kind)
        seqs = self._connection.execute(every.order_by(verdicts.c.seq)).scalars().all()
        first = bisect_left(seqs, since, key=self._time)
        within = seqs[first : bisect_right(seqs, until, lo=first, key=self._time)]
        many = len(within)
        shown = within if many <= most else [within[(place + 1) * many // most - 1] for place in range(most)]
        query = select(verdicts).where(verdicts.c.seq.in_(shown)).order_by(verdicts.c.seq)
        return [(row.time, row.version, loads(row.verdict, Verdict)) for row in self._connection.execute(query)]

    def _time(self, seq: int) -> float:
        return float(self._connection.execute(select(verdicts.c.time).where(verdicts.c.seq == seq)).scalar_one())
