"""What came back: ground truth, one label a row of a request, and business events.

Nothing here looks at observations: feedback may come first, twice or out of order.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from boucle.adapters.stores.bulk import clean, keep_new, replace_all
from boucle.adapters.stores.tables import business, labels
from boucle.core.observation import Feedback

_encode = msgspec.json.Encoder().encode
Labels = dict[tuple[str, int], tuple[float, str]]
"""(id, row) to (time, truth as JSON)."""


def keep(connection: Connection, entries: list[Feedback]) -> int:
    """Keep the newest truth of each row and each event once; returns how many entries changed anything.

    A truth that is corrected keeps its place in the order of arrival.
    """
    ids = list({clean(entry.id) for entry in entries})
    known, events, arrivals = _known(connection, ids)
    newest = connection.execute(select(func.coalesce(func.max(labels.c.arrival), 0))).scalar_one() + 1
    changed: Labels = {}
    added: list[dict[str, Any]] = []
    new = 0
    for entry in entries:
        better = {key: told for key, told in _told(entry).items() if told > known.get(key, (float("-inf"), ""))}
        known.update(better)
        changed.update(better)
        event = (clean(entry.id), clean(entry.event), float(entry.time))
        is_new = bool(entry.event) and event not in events
        if is_new:
            events.add(event)
            added.append({"id": event[0], "event": event[1], "time": event[2], "value": entry.value})
        new += is_new or bool(better)
    replace_all(
        connection,
        labels,
        [
            {"id": id, "row": row, "time": time, "truth": truth, "arrival": arrivals.get((id, row), newest)}
            for (id, row), (time, truth) in changed.items()
        ],
    )
    keep_new(connection, business, added)
    return new


def _told(entry: Feedback) -> Labels:
    """Spread an entry over its rows. A null says nothing; of two truths of one time the greater text wins, so that
    the order of arrival never decides."""
    id, time = clean(entry.id), float(entry.time)
    told = {(id, row): (time, _encode(truth).decode()) for row, truth in enumerate(entry.truth or ())}
    return {key: value for key, value in told.items() if value[1] != "null"}


def _known(
    connection: Connection, ids: list[str]
) -> tuple[Labels, set[tuple[str, str, float]], dict[tuple[str, int], int]]:
    told = business.c
    kept = connection.execute(select(labels).where(labels.c.id.in_(ids))).all()
    events = connection.execute(select(told.id, told.event, told.time).where(told.id.in_(ids)))
    return (
        {(row.id, row.row): (row.time, row.truth) for row in kept},
        {(row.id, row.event, row.time) for row in events},
        {(row.id, row.row): row.arrival for row in kept},
    )
