"""The live state's contract over SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from boucle.adapters.stores.migrate import config, upgrade
from boucle.adapters.stores.sql import SqlState
from boucle.adapters.stores.tables import HEAD, VERSION_TABLE, metadata
from boucle.testing.state_contract import StateContract


class TestSqlite(StateContract):
    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[SqlState]:
        state = SqlState(None, tmp_path)
        yield state
        state.close()

    @pytest.fixture
    def second(self, tmp_path: Path) -> Iterator[SqlState]:
        state = SqlState("sqlite:///state.db", tmp_path)
        yield state
        state.close()


@pytest.mark.server
class TestPostgres(StateContract):
    @pytest.fixture
    def state(self, postgres_url: str, tmp_path: Path) -> Iterator[SqlState]:
        state = SqlState(postgres_url, tmp_path)
        with state.begin():
            pass  # makes the tables
        _empty(postgres_url)
        yield state
        state.close()

    @pytest.fixture
    def second(self, postgres_url: str, tmp_path: Path) -> Iterator[SqlState]:
        state = SqlState(postgres_url, tmp_path)
        yield state
        state.close()

    def test_the_migrations_make_the_tables_declared(self, state: SqlState, postgres_url: str) -> None:
        assert _differences(postgres_url) == []


def test_the_migrations_make_the_tables_declared_in_sqlite(tmp_path: Path) -> None:
    state = SqlState(None, tmp_path)
    with state.begin():
        pass
    state.close()
    assert _differences(f"sqlite:///{tmp_path}/state.db") == []


def test_the_fast_path_knows_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == HEAD


def _differences(url: str) -> list[object]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        found = list(compare_metadata(context, metadata))
    engine.dispose()
    return found


def _empty(url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    engine.dispose()


def test_a_migration_that_is_cut_off_leaves_no_table(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection, "here")
        assert connection.exec_driver_sql("SELECT count(*) FROM boucle_events").scalar() == 0
        connection.rollback()
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 0
    engine.dispose()
    state = SqlState(None, tmp_path)
    with state.begin() as tx:
        assert tx.journal.events() == []
    state.close()
