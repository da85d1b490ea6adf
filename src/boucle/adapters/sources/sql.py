"""Tables from a database: an SQLAlchemy URL and a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from boucle.adapters.sources.tables import plain
from boucle.core.errors import SourceError

_DATABASES = ("postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "sqlite")


class SqlSource:
    """``spec`` is a URL, or a mapping with ``path`` (or ``url``) and ``query``; without one the only table is read."""

    name = "sql"

    def accepts(self, spec: Any, directory: Path) -> bool:
        url = _address(spec)
        if not isinstance(url, str) or "://" not in url:
            return False
        if url.split("://")[0].split("+")[0] in _DATABASES:
            return True
        try:
            sa.engine.make_url(url).get_dialect()
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError):
            return False
        return True

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Run the query; the password is in no message."""
        query = spec.get("query") if isinstance(spec, dict) else None
        url = _url(str(_address(spec)), directory)
        shown = url.set(query={}).render_as_string(hide_password=True)
        try:
            engine = sa.create_engine(url)
        except ModuleNotFoundError as error:
            raise SourceError(
                f"Reading {shown} needs the package '{error.name}'.",
                hint="pip install 'boucle[postgres]' or the driver you use",
            ) from error
        try:
            # without parameters: a colon or a per cent sign in the query is only itself
            with engine.connect().execution_options(no_parameters=True) as connection:
                frame = pd.read_sql_query(query or _only_table(connection, shown), connection)
        except (sa.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
            raise SourceError(
                f"{shown} cannot be read: {_reason(error, url)}", hint="check the URL and data.query"
            ) from None  # the chain could show the password
        finally:
            engine.dispose()
        return plain(frame, f"The query on {shown}").infer_objects()


def _address(spec: Any) -> Any:
    return (spec.get("path") or spec.get("url")) if isinstance(spec, dict) else spec


def _url(text: str, directory: Path) -> sa.engine.URL:
    try:
        url = sa.engine.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise SourceError(
            f"The {text.split('://', maxsplit=1)[0]} URL of data.source is not one.",
            hint="write dialect://user:password@host:port/database, with special signs of the password as %40 for @",
        ) from None  # the chain could show the password
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = directory / url.database
        if not path.exists():
            raise SourceError(f"There is no database {url.database}.", hint="paths start at the project's folder")
        return url.set(database=str(path))
    return url


def _reason(error: Exception, url: sa.engine.URL) -> str:
    """Return the driver's own first line, without secrets."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    secrets = [url.password, *(v for values in url.normalized_query.values() for v in values)]
    reason = lines[0]
    for secret in filter(None, secrets):
        reason = reason.replace(str(secret), "***")
    return reason


def _only_table(connection: sa.Connection, shown: str) -> str:
    names = sa.inspect(connection).get_table_names()
    if len(names) != 1:
        raise SourceError(
            f"{shown} has {len(names)} tables.", hint="say which rows with data.query: SELECT ... FROM ..."
        )
    return f"SELECT * FROM {connection.dialect.identifier_preparer.quote(names[0])}"  # noqa: S608 - a quoted name
