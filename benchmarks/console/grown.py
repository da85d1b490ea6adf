"""A project that has grown old: a million observations and ninety days of history, written into its tables.

Rows are copies of rows the loop wrote itself, with other times and ids, older than those that are there: pages see
the same newest state over a longer past. The history is chained anew by the journal.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from boucle.core.event import Event
from boucle.loop.project import Project

DAY = 24 * 3600.0
DAYS = 90
A_DAY = 50
"""Events of one day of an eventful project."""
_WINDOW = 3 * 3600.0


def grow(folder: Path, rows: int) -> dict[str, int]:
    """Make the project of ``folder`` that old; returns how many rows its tables have then."""
    project = Project.open(folder, actor="keeper")
    _remember(project)
    place = project.root / "state.db"
    project.close()
    with sqlite3.connect(place, isolation_level=None) as state:
        state.execute("BEGIN IMMEDIATE")
        first = _fill(state, rows)
        _judge(state, first)
        state.execute("COMMIT")
        state.execute("ANALYZE")
        tables = ("observations", "labels", "business", "windows", "verdicts", "events")
        counts = {name: int(state.execute(f"SELECT count(*) FROM boucle_{name}").fetchone()[0]) for name in tables}
    state.close()
    return counts


def _remember(project: Project) -> None:
    """Put ninety days of events before those that are there."""
    with project.state.begin(write=False) as tx:
        known = tx.journal.events(limit=10_000)
    until = known[0].time
    count = DAYS * A_DAY
    kinds = ("verdict", "decision", "alarm_opened", "alarm_resolved", "trained", "rollout_started", "rollout_step")
    old = [
        Event(kinds[n % len(kinds)], until - DAY * (count - n) / A_DAY, f"so long ago: {n}", "churn", 1, "keeper", {})
        for n in range(count)
    ]
    with sqlite3.connect(project.root / "state.db") as state:
        state.execute("DELETE FROM boucle_events")
        state.execute("DELETE FROM boucle_settings WHERE key LIKE '%head%'")
    state.close()
    with project.state.begin() as tx:
        for event in [*old, *(replace(one, seq=0) for one in known)]:
            tx.journal.append(event)


def _fill(state: sqlite3.Connection, rows: int) -> float:
    """Put observations with their labels and what they earned before those that are there; returns the first time."""
    have, oldest = state.execute("SELECT count(*), min(time) FROM boucle_observations").fetchone()
    top = int(state.execute("SELECT max(position) FROM boucle_observations").fetchone()[0])
    for table in ("boucle_observations", "boucle_windows"):
        state.execute(f"UPDATE {table} SET position = position + ?", (rows + top,))
    step = DAYS * DAY / max(1, rows - have)
    state.execute(
        "CREATE TEMP TABLE kept AS SELECT row_number() OVER (ORDER BY position) - 1 AS n, * FROM boucle_observations"
    )
    state.execute("CREATE INDEX temp.kept_n ON kept(n)")
    series = "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < ?)"
    columns = "model, version, role, rows, latency, error, key, inputs, outputs"
    state.execute(
        f"{series} INSERT INTO boucle_observations (position, id, time, {columns}) "
        f"SELECT i + 1, 'old-' || i, ? + i * ?, model, 1, 'champion', rows, latency, error, key, inputs, outputs "
        f"FROM s JOIN kept ON kept.n = i % ?",
        (rows - have, oldest - DAYS * DAY, step, have),
    )
    state.execute(
        f"{series} INSERT INTO boucle_labels (id, row, time, truth, arrival) "
        "SELECT 'old-' || i, 0, ? + i * ?, CASE i % 2 WHEN 0 THEN '\"yes\"' ELSE '\"no\"' END, i + 1 FROM s",
        (rows - have, oldest - DAYS * DAY + _WINDOW, step),
    )
    state.execute(
        f"{series} INSERT INTO boucle_business (id, event, time, value) "
        "SELECT 'old-' || (i * 9), 'kept', ? + i * 9 * ?, 41.0 FROM s",
        ((rows - have) // 9, oldest - DAYS * DAY + _WINDOW, step),
    )
    return float(oldest - DAYS * DAY)


def _judge(state: sqlite3.Connection, first: float) -> None:
    """Put windows of three hours with their verdicts before those that are there: the earliest ones over and over."""
    count = int(DAYS * DAY / _WINDOW)
    kinds = [row[0] for row in state.execute("SELECT DISTINCT kind FROM boucle_verdicts WHERE version = 1")]
    state.execute("UPDATE boucle_verdicts SET seq = seq + 1000000")
    for turn, kind in enumerate(kinds):
        body = state.execute(
            "SELECT verdict FROM boucle_verdicts WHERE version = 1 AND kind = ? ORDER BY seq LIMIT 1", (kind,)
        ).fetchone()[0]
        state.executemany(
            "INSERT INTO boucle_verdicts (seq, model, version, kind, time, verdict) VALUES (?,?,?,?,?,?)",
            [(1 + n * len(kinds) + turn, "churn", 1, kind, first + (n + 1) * _WINDOW, body) for n in range(count)],
        )
    shift = count + 1
    state.execute("UPDATE boucle_windows SET number = number + ? WHERE version = 1", (shift + 100_000,))
    profile = state.execute("SELECT profile FROM boucle_windows WHERE version = 1 ORDER BY number LIMIT 1").fetchone()[
        0
    ]
    state.executemany(
        'INSERT INTO boucle_windows (model, version, number, position, start, "end", profile) VALUES (?,?,?,?,?,?,?)',
        [("churn", 1, n, n, first + n * _WINDOW, first + (n + 1) * _WINDOW, profile) for n in range(count)],
    )
