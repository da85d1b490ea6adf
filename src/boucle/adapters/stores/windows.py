"""Profiles of closed windows and the verdicts about them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from sqlalchemy import Connection, bindparam, insert, select

from boucle.adapters.stores.tables import verdicts, windows
from boucle.core.json import dumps, loads
from boucle.core.observation import Window
from boucle.core.profile import Counts
from boucle.core.verdict import Verdict

# Statements are built once: building one anew costs ten times what SQLite takes to answer it.
_COUNTS = (
    select(windows.c.number, windows.c.start, windows.c.end, windows.c.profile)
    .where(windows.c.model == bindparam("model"), windows.c.version == bindparam("version"))
    .order_by(windows.c.number.desc())
    .limit(bindparam("last"))
)
_VERDICTS = select(verdicts).where(verdicts.c.model == bindparam("model")).order_by(verdicts.c.seq.desc())
_OF_KIND = _VERDICTS.where(verdicts.c.kind == bindparam("kind"))
_NEWEST, _NEWEST_OF_KIND = _VERDICTS.limit(bindparam("limit")), _OF_KIND.limit(bindparam("limit"))
_SEQS = select(verdicts.c.seq).where(verdicts.c.model == bindparam("model"), verdicts.c.kind == bindparam("kind"))
_SEQS = _SEQS.order_by(verdicts.c.seq)
_SOME = select(verdicts).where(verdicts.c.seq.in_(bindparam("seqs", expanding=True))).order_by(verdicts.c.seq)
_TIME = select(verdicts.c.time).where(verdicts.c.seq == bindparam("seq"))


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
        rows = self._connection.execute(_COUNTS, {"model": model, "version": version, "last": last})
        found = [(row, loads(row.profile, Counts)) for row in rows][::-1]
        return [(Window(model, version, r.number, r.start, r.end, int(c.rows)), c) for r, c in found]

    def record(self, model: str, version: int, kind: str, time: float, verdict: Verdict) -> None:
        row = {"model": model, "version": version, "kind": kind, "time": time, "verdict": dumps(verdict).decode()}
        self._connection.execute(insert(verdicts), row)

    def verdicts(self, model: str, kind: str = "", limit: int = 0) -> list[tuple[float, int, Verdict]]:
        if limit:
            query = _NEWEST_OF_KIND if kind else _NEWEST
        else:
            query = _OF_KIND if kind else _VERDICTS
        rows = self._connection.execute(query, {"model": model, "kind": kind, "limit": limit})
        return [(row.time, row.version, loads(row.verdict, Verdict)) for row in rows][::-1]

    def spread(self, model: str, kind: str, since: float, until: float, most: int) -> list[tuple[float, int, Verdict]]:
        # The index holds the seqs of a kind; verdicts are long, so the rows in between are not read.
        seqs = self._connection.execute(_SEQS, {"model": model, "kind": kind}).scalars().all()
        first = bisect_left(seqs, since, key=self._time)
        within = seqs[first : bisect_right(seqs, until, lo=first, key=self._time)]
        many = len(within)
        shown = within if many <= most else [within[(place + 1) * many // most - 1] for place in range(most)]
        rows = self._connection.execute(_SOME, {"seqs": shown})
        return [(row.time, row.version, loads(row.verdict, Verdict)) for row in rows]

    def _time(self, seq: int) -> float:
        return float(self._connection.execute(_TIME, {"seq": seq}).scalar_one())
