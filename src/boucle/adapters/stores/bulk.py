"""Many rows at once, in the words SQLite and PostgreSQL share for "unless it is there" and "in its place"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

T = TypeVar("T")


def keep_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that break no uniqueness; returns how many those were."""
    if not rows:
        return 0
    insert = _insert(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return int(connection.execute(insert, rows).rowcount)


def replace_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert the rows, each in place of one with the same primary key."""
    if rows:
        insert = _insert(connection, table)
        key = [column.name for column in table.primary_key]
        rest = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in key}
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=rest), rows)


def parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut ``items`` into lists of at most ``size``."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def clean(text: str) -> str:
    """Drop NUL characters, which PostgreSQL does not keep: one of them in an id would stop all that follows."""
    return text.replace("\0", "") if "\0" in text else text


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # PostgreSQL's dialect takes long to load, and most states are SQLite.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
