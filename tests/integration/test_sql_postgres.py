"""Rows out of a real PostgreSQL: its types become ours, its errors name the cause and never the password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from boucle.core.errors import SourceError
from boucle.data.check import check
from boucle.data.infer import infer
from boucle.data.read import read_table
from boucle.data.snapshot import Snapshots
from boucle.project.learning import Data
from boucle.project.settings import Settings

pytestmark = pytest.mark.server

TABLE = """
CREATE TABLE flats (
  id bigint PRIMARY KEY, size numeric(8, 2), rooms smallint, lift boolean, quarter text, key uuid,
  listed date, sold timestamptz, rent double precision
);
INSERT INTO flats SELECT
  9007199254740993 + n, CASE WHEN n % 10 > 0 THEN n * 1.25 END, n % 5 + 1, CASE WHEN n % 4 > 0 THEN n % 2 = 0 END,
  CASE WHEN n % 3 = 0 THEN 'Châtelet' ELSE 'Opéra' END, gen_random_uuid(), date '2024-01-01' + n,
  timestamptz '2024-03-30 23:00+01' + n * interval '1 hour', n * 10.5
FROM generate_series(1, 60) AS n;
"""
Read = Callable[..., pd.DataFrame]


@pytest.fixture
def server(postgres_server: str) -> Iterator[str]:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(TABLE)
        yield postgres_server
        connection.execute("DROP TABLE flats")


@pytest.fixture
def read(server: str, tmp_path: Path) -> Read:
    def table(query: str | None = "SELECT * FROM flats ORDER BY id", source: str = server) -> pd.DataFrame:
        data: dict[str, Any] = {"source": source, "query": query, "target": "rent"}
        return read_table(Data.model_validate(data), tmp_path)

    return table


def test_the_servers_types_become_ours(read: Read) -> None:
    contract = infer(read(), "rent")
    assert (contract.task, contract.id) == ("tabular-regression", "id")
    fields = {f.name: (f.dtype, f.optional) for f in contract.fields}
    assert fields == {
        "size": ("float64", True),
        "rooms": ("int64", False),
        "lift": ("bool", True),
        "quarter": ("string", False),
    }
    assert set(contract.dropped) == {"key", "listed", "sold"}


def test_big_integers_and_moments_are_exact(read: Read) -> None:
    first = read().iloc[0]
    assert first["id"] == 9007199254740994
    assert pd.Timestamp(first["sold"]) == pd.Timestamp("2024-03-30 23:00+00:00")


def test_an_only_table_needs_no_query(read: Read) -> None:
    assert len(read(None)) == 60


def test_what_was_read_is_checked_and_kept(read: Read, tmp_path: Path) -> None:
    frame = read("SELECT size, rooms, quarter, sold, rent FROM flats ORDER BY id")
    checks = {"rooms": {"type": "int64", "max": 4}, "quarter": {"categories": ["Opéra"]}}
    project = {"name": "flats", "task": "tabular-regression"}
    data = {"source": "sqlite://", "target": "rent", "checks": checks}
    _, found = check(frame, Settings.model_validate({**project, "data": data}))
    assert [(v.column, v.count) for v in found] == [("rooms", 12), ("quarter", 20)]
    kept = Snapshots(tmp_path).keep(frame, "flats", 1.0)
    back = Snapshots(tmp_path).load(kept.fingerprint)
    assert back["size"].sum() == frame["size"].sum()
    assert (pd.to_datetime(back["sold"], utc=True) == pd.to_datetime(frame["sold"], utc=True)).all()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nothing FROM flats", "nothing"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM flts", "flts"),
        ("SELECT * FROM flats WHERE false", "no rows"),
    ],
)
def test_a_wrong_query_is_told_in_the_servers_words(read: Read, query: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read(query)


def test_a_wrong_password_is_in_no_message(read: Read, server: str) -> None:
    wrong = server.replace("s3same", "t0psecret")
    with pytest.raises(SourceError, match="authentication failed") as caught:
        read(source=wrong)
    assert "t0psecret" not in f"{caught.value} {caught.value.facts}"
