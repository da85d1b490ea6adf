"""How requests were served, as counts: failures, slow answers, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Integer, case, func, literal_column, select

from boucle.adapters.stores.tables import business, observations
from boucle.core.observation import REFUSED, Served

_ASIDE = ("fallback", "pinned")
_NOUGHT = literal_column("0", Integer)


def served(
    connection: Connection, model: str, versions: Sequence[int], since: float, after: int, slow: float
) -> tuple[list[Served], int]:
    """Count the requests behind position ``after`` by version and role, and return where that ends."""
    seen = observations.c  # time as an expression, which keeps SQLite off the index by time and on that by position
    end = connection.execute(select(func.coalesce(func.max(seen.position), 0))).scalar_one()
    query = (
        select(
            seen.version,
            seen.role,
            func.count(),
            func.sum(seen.rows),
            func.sum(case((seen.error != "", 1), else_=0)),
            func.sum(case((seen.latency > slow, 1), else_=0)),
        )
        .where(seen.model == model, seen.version.in_(versions), seen.position > after, seen.position <= end)
        .where(seen.time + 0.0 >= since, seen.error != REFUSED, seen.role.not_in(_ASIDE))
        .group_by(seen.version, seen.role)
    )
    return [Served(v, r, int(n), int(m), int(f), int(s)) for v, r, n, m, f, s in connection.execute(query)], int(end)


def answered(connection: Connection, model: str, since: float, until: float | None) -> dict[int, int]:
    """Count rows of requests made in [since, until) by version; the expression keeps SQLite on the index by time."""
    seen = observations.c
    version = (seen.version + _NOUGHT).label("version")
    query = select(version, func.sum(seen.rows)).where(seen.model == model, seen.time >= since).group_by(version)
    query = query if until is None else query.where(seen.time < until)
    return {int(version): int(rows) for version, rows in connection.execute(query)}


def before(connection: Connection, model: str, version: int, time: float, limit: int) -> list[tuple[float, str]]:
    """Return (latency in seconds, error) of the newest requests made before ``time``."""
    seen = observations.c
    query = (
        select(seen.latency, seen.error)
        .where(seen.model == model, seen.version == version, seen.time < time)
        .where(seen.error != REFUSED, seen.role.not_in(_ASIDE))
        .order_by(seen.position.desc())
        .limit(limit)
    )
    return [(latency, error) for latency, error in connection.execute(query)]


def converted(
    connection: Connection, model: str, versions: Sequence[int], event: str, since: float, until: float
) -> dict[int, tuple[int, int]]:
    """Return by version (requests made in [since, until), those of them that led to ``event``)."""
    seen, told = observations.c, business.c
    query = (
        select(seen.version, func.count(seen.id.distinct()), func.count(told.id.distinct()))
        .outerjoin_from(observations, business, (told.id == seen.id) & (told.event == event))
        .where(seen.model == model, seen.version.in_(versions), seen.time >= since, seen.time < until)
        .where(seen.role.in_(("champion", "challenger")))
        .group_by(seen.version)
    )
    return {version: (int(requests), int(hits)) for version, requests, hits in connection.execute(query)}


def earned(
    connection: Connection, model: str, versions: Sequence[int], event: str, since: float, until: float, cap: float
) -> dict[int, tuple[int, float, float]]:
    """Return by version (requests made in [since, until), sum of what each brought, sum of its squares)."""
    seen, told = observations.c, business.c
    brought = func.coalesce(func.sum(told.value), 0.0)
    each = (
        select(seen.version, case((brought > cap, cap), (brought < 0.0, 0.0), else_=brought).label("amount"))
        .outerjoin_from(observations, business, (told.id == seen.id) & (told.event == event))
        .where(seen.model == model, seen.version.in_(versions), seen.time >= since, seen.time < until)
        .where(seen.role.in_(("champion", "challenger")))
        .group_by(seen.version, seen.id)
        .subquery()
    )
    amount = each.c.amount
    query = select(each.c.version, func.count(), func.sum(amount), func.sum(amount * amount)).group_by(each.c.version)
    return {version: (int(n), float(sum_), float(squares)) for version, n, sum_, squares in connection.execute(query)}


def brought(
    connection: Connection, model: str, event: str, since: float, until: float | None
) -> list[tuple[int, float, int, int]]:
    """Count requests made in [since, until) by version and by what their events brought.

    With a beginning requests are read along time, else all events: a join that may be empty keeps databases to that
    order, and expressions to group by keep SQLite off the index by version.
    """
    seen, told = observations.c, business.c
    version, position = (seen.version + _NOUGHT).label("version"), seen.position + _NOUGHT
    brought = func.coalesce(func.sum(told.value), 0.0).label("amount")
    each = select(version, brought, func.count(told.id).label("events")).group_by(version, position)
    if since:
        own = (told.id == seen.id) & (told.event == event)
        each = each.outerjoin_from(observations, business, own).having(func.count(told.id) > 0)
    else:
        each = each.join_from(business, observations, told.id == seen.id).where(told.event == event)
    each = each.where(seen.model == model, seen.time >= since, seen.role != "shadow")
    found = (each if until is None else each.where(seen.time < until)).subquery().c
    query = select(found.version, found.amount, func.count(), func.sum(found.events))
    query = query.group_by(found.version, found.amount).order_by(found.version, found.amount)
    rows = connection.execute(query)
    return [(version, float(amount), int(requests), int(events)) for version, amount, requests, events in rows]
