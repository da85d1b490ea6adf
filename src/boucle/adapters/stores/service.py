"""How requests were served, as counts: failures, slow answers, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select

from boucle.adapters.stores.tables import business, observations
from boucle.core.observation import REFUSED, Served

_ASIDE = ("fallback", "pinned")


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
