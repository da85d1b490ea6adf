"""The live state's contract over SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, select, text

from boucle.adapters.stores.migrate import config, upgrade
from boucle.adapters.stores.sql import SqlState
from boucle.adapters.stores.tables import HEAD, create, metadata, schema
from boucle.testing.state_contract import StateContract

_POSTGRES_TELLS = (
    "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
    " FROM information_schema.columns WHERE table_schema = 'made'",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'made'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'made'::regnamespace",
)


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

    def test_the_stamp_tells_that_another_process_wrote(self, state: SqlState, second: SqlState) -> None:
        with state.begin() as tx:
            tx.settings.put("who", "me")
        before, written = state.stamp(), 0
        while state.stamp() == before and written < 1000:  # a clock tick is some milliseconds
            written += 1
            with second.begin() as tx:
                tx.settings.put("who", written)
        assert before
        assert state.stamp() != before


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

    def test_migrating_and_creating_make_the_same_tables(self, postgres_url: str) -> None:
        assert _made_in_postgres(postgres_url, create) == _made_in_postgres(postgres_url, _migrated)


def test_migrating_and_creating_make_the_same_tables_in_sqlite() -> None:
    created, migrated = _made_in_sqlite(create), _made_in_sqlite(_migrated)
    assert created == migrated
    assert {table.name for table in metadata.sorted_tables} < {name for name, *_ in created}


def test_an_older_state_is_migrated_and_keeps_its_history(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/state.db")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.exec_driver_sql("INSERT INTO boucle_settings VALUES ('mute', '1')")
    engine.dispose()
    state = SqlState(None, tmp_path)
    with state.begin() as tx:
        assert tx.settings.get("mute") == 1
        assert tx.keys.all() == []
    state.close()


def test_the_fast_path_knows_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == HEAD


def _migrated(connection: Connection) -> None:
    upgrade(connection, "here")


def _made_in_sqlite(make: Callable[[Connection], None]) -> set[tuple[object, ...]]:
    """Every table and index in the words SQLite keeps but for its spaces, and the version."""
    engine = create_engine("sqlite://")
    found: set[tuple[object, ...]]
    with engine.begin() as connection:
        make(connection)
        made = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        found = {(name, " ".join((sql or "").split())) for name, sql in made}
        found |= {tuple(row) for row in connection.execute(select(schema))}
    engine.dispose()
    return found


def _made_in_postgres(url: str, make: Callable[[Connection], None]) -> set[tuple[object, ...]]:
    """Every column, index and constraint as PostgreSQL tells them, and the version, from a schema of its own."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA made"))
        connection.execute(text("SET search_path TO made"))
        make(connection)
        found = {tuple(row) for query in _POSTGRES_TELLS for row in connection.execute(text(query))}
        found |= {tuple(row) for row in connection.execute(select(schema))}
        connection.rollback()
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
