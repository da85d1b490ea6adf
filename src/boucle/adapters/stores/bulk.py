"""Many rows at once, in the words SQLite and PostgreSQL share for "unless it is there" and "in its place"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

T = TypeVar("T")


def keep_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows, all of the same columns, that break no uniqueness; returns how many those were."""
    if not rows:
        return 0
    options = {"preserve_rowcount": True}
    text = _keeping_new(table, tuple(rows[0]), connection.dialect.name)
    return int(connection.exec_driver_sql(text, rows, execution_options=options).rowcount)


def replace_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert the rows, all of the same columns, each in place of one with the same primary key."""
    if rows:
        connection.exec_driver_sql(_replacing(table, tuple(rows[0]), connection.dialect.name), rows)


@cache
def _keeping_new(table: Table, columns: tuple[str, ...], dialect: str) -> str:
    return _text(_insert(table, dialect).on_conflict_do_nothing(), columns, dialect)


@cache
def _replacing(table: Table, columns: tuple[str, ...], dialect: str) -> str:
    insert = _insert(table, dialect)
    key = [column.name for column in table.primary_key]
    rest = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in key}
    return _text(insert.on_conflict_do_update(index_elements=key, set_=rest), columns, dialect)


def _text(statement: Any, columns: tuple[str, ...], dialect: str) -> str:
    """Compile once for all rows: the driver then takes the dictionaries as they are, at half the cost."""
    kind = _dialect(dialect)
    style = "named" if dialect == "sqlite" else "pyformat"
    return str(statement.compile(dialect=kind.dialect(paramstyle=style), column_keys=columns))


def parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut ``items`` into lists of at most ``size``."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def clean(text: str) -> str:
    """Drop NUL characters, which PostgreSQL does not keep: one of them in an id would stop all that follows."""
    return text.replace("\0", "") if "\0" in text else text


def _insert(table: Table, dialect: str) -> Any:
    return _dialect(dialect).insert(table)


def _dialect(name: str) -> Any:
    if name == "sqlite":
        return sqlite
    # PostgreSQL's dialect takes long to load, and most states are SQLite.
    from sqlalchemy.dialects import postgresql

    return postgresql
