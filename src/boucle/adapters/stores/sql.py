"""SqlState: the live state in SQLite (one file, the default) or PostgreSQL, over one code path.

Writing transactions take their turn: in SQLite by BEGIN IMMEDIATE, in PostgreSQL by an advisory lock. So what is read
in one still holds when it commits. Reading transactions see one moment and wait for nobody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from boucle.adapters.stores.alarms import SqlAlarms
from boucle.adapters.stores.deployments import SqlDeployments
from boucle.adapters.stores.failures import translated
from boucle.adapters.stores.journal import SqlJournal
from boucle.adapters.stores.keys import SqlKeys
from boucle.adapters.stores.observations import SqlObservations
from boucle.adapters.stores.people import SqlPeople, SqlSessions
from boucle.adapters.stores.settings import SqlSettings
from boucle.adapters.stores.tables import HEAD, VERSION_TABLE, create, schema
from boucle.adapters.stores.windows import SqlWindows
from boucle.core.errors import MissingExtra, StoreError

_LOCK = 0x626F75636C65  # "boucle": the advisory lock of writers in PostgreSQL
_SQLITE, _POSTGRES = "sqlite", "postgresql"


class SqlTransaction:
    """All stores over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.journal = SqlJournal(connection)
        self.deployments = SqlDeployments(connection)
        self.observations = SqlObservations(connection)
        self.windows = SqlWindows(connection)
        self.alarms = SqlAlarms(connection)
        self.settings = SqlSettings(connection)
        self.keys = SqlKeys(connection)
        self.people = SqlPeople(connection)
        self.sessions = SqlSessions(connection)


class SqlState:
    """The state at a SQLAlchemy ``url``; an empty one is ``state.db`` in ``directory``, where relative files start.

    Nothing is opened before the first ``begin``, which also brings the schema up to date. Threads may share one.
    ``timeout`` is how long, in seconds, to wait for another process's transaction or for the server.
    """

    def __init__(self, url: str | None, directory: Path, timeout: float = 8.0) -> None:
        self._url = _resolved(url or "sqlite:///state.db", directory)
        self._timeout = timeout
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    @property
    def place(self) -> str:
        """Where the state is, for people: a file, or a URL without its password."""
        shown = self._url.difference_update_query(["password", "sslpassword"])
        return (self._sqlite and self._url.database) or shown.render_as_string(hide_password=True)

    @property
    def _sqlite(self) -> bool:
        return self._url.get_backend_name() == _SQLITE

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[SqlTransaction]:
        """Open a transaction; with ``write=False`` it waits for no writer and refuses to change anything.

        Commits when the block ends, undoes everything when it raises. Raises StoreError.
        """
        with translated(self.place):
            engine = self._opened()
            with engine.connect() as connection, connection.begin():
                self._enter(connection, write)
                yield SqlTransaction(connection)

    def stamp(self) -> int:
        """Return when SQLite's log was last written to, in nanoseconds; 0 for PostgreSQL."""
        if not self._sqlite:
            return 0
        try:
            return os.stat(f"{self._url.database}-wal").st_mtime_ns
        except (OSError, ValueError):
            return 0

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _enter(self, connection: Connection, write: bool) -> None:
        if self._sqlite:
            connection.exec_driver_sql(f"PRAGMA query_only={int(not write)}")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        elif write:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(self._timeout * 1000)}ms'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = self._connected()
                try:
                    self._migrate(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _connected(self) -> Engine:
        try:
            if not self._sqlite:
                wait = {"connect_timeout": max(1, int(self._timeout))}
                return create_engine(self._url, connect_args=wait, pool_pre_ping=True)
            # isolation_level None: sqlite3 then begins no transactions of its own, we do.
            engine = create_engine(self._url, connect_args={"isolation_level": None, "timeout": self._timeout})
        except ModuleNotFoundError as missing:
            raise MissingExtra.of(missing.name or "a database driver", "postgres") from missing
        event.listen(engine, "connect", _durable)
        return engine

    def _migrate(self, engine: Engine) -> None:
        """Bring the schema to HEAD; in one transaction, so a kill leaves the old schema or the new one."""
        with engine.connect() as connection:
            if _schema(connection) == HEAD:
                return
        with self._alone(), engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.rollback()
            with connection.begin():
                self._enter(connection, write=True)
                found = _schema(connection)
                if found is None:
                    create(connection)
                elif found != HEAD:
                    # Alembic takes half as long to load as everything else together, and a fresh state needs none.
                    from boucle.adapters.stores.migrate import upgrade

                    upgrade(connection, self.place)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time switch a SQLite file to WAL, for which SQLite itself does not wait."""
        if not self._sqlite or not self._url.database or self._url.database.startswith("file:"):
            yield
            return
        import fcntl  # not on Windows, where a busy file is reported instead

        handle = os.open(Path(self._url.database).parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _resolved(url: str, directory: Path) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StoreError("store.url is not a database URL.", hint="write for example postgresql://host/name") from error
    if backend == _POSTGRES and "+" not in parsed.drivername:
        return parsed.set(drivername="postgresql+psycopg")
    if backend not in (_SQLITE, _POSTGRES):
        raise StoreError(f"store.url names {backend}.", hint="the state is kept in sqlite:///FILE or postgresql://…")
    if backend != _SQLITE or not parsed.database or parsed.database.startswith("file:"):
        return parsed
    path = directory / parsed.database
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} cannot be made: {error.strerror}.", hint="check who may write there"
        ) from error
    return parsed.set(database=str(path))


def _schema(connection: Connection) -> str | None:
    """Return the migration the schema is at, "" before the first one, None where there is no schema at all."""
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(schema.c.version_num)).scalar()
    return found or ""


def _durable(connection: Any, _record: object) -> None:
    # FULL: a committed event survives a power cut, not only a kill. It costs one fsync a transaction.
    connection.execute("PRAGMA synchronous=FULL")
