"""Tables from a database: an SQLAlchemy URL and a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from boucle.core.errors import SourceError


class SqlSource:
    """``spec`` is a mapping with ``url`` and ``query``; without a query the URL's only table is read."""

    name = "sql"

    def accepts(self, spec: Any, directory: Path) -> bool:
        url = spec.get("path") if isinstance(spec, dict) else spec
        if not isinstance(url, str) or "://" not in url:
            return False
        try:
            sa.engine.make_url(url).get_dialect()
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError):
            return url.split("://")[0].split("+")[0] in ("postgresql", "postgres", "mysql", "mssql", "oracle", "sqlite")
        return True

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Run the query; the password is in no message."""
        query = spec.get("query") if isinstance(spec, dict) else None
        url = _url(str(spec.get("path") if isinstance(spec, dict) else spec), directory)
        shown = url.render_as_string(hide_password=True)
        try:
            engine = sa.create_engine(url)
        except ModuleNotFoundError as error:
            raise SourceError(
                f"Reading {shown} needs the package '{error.name}'.",
                hint="pip install 'boucle[postgres]' or the driver you use",
            ) from error
        try:
            with engine.connect() as connection:
                frame = pd.read_sql_query(sa.text(query or _only_table(connection, shown)), connection)
        except (sa.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
            reason = str(_root(error)).strip().splitlines()[0]
            raise SourceError(f"{shown} cannot be read: {reason}", hint="check the URL and data.query") from error
        finally:
            engine.dispose()
        if not len(frame):
            raise SourceError(f"The query on {shown} returns no rows.")
        return frame.infer_objects()


def _url(text: str, directory: Path) -> sa.engine.URL:
    url = sa.engine.make_url(text)
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = directory / url.database
        if not path.exists():
            raise SourceError(f"There is no database {url.database}.", hint="paths start at the project's folder")
        return url.set(database=str(path))
    return url


def _only_table(connection: sa.Connection, shown: str) -> str:
    names = sa.inspect(connection).get_table_names()
    if len(names) != 1:
        raise SourceError(
            f"{shown} has {len(names)} tables.", hint="say which rows with data.query: SELECT ... FROM ..."
        )
    return f"SELECT * FROM {connection.dialect.identifier_preparer.quote(names[0])}"  # noqa: S608 - a quoted name


def _root(error: BaseException) -> BaseException:
    """Return the driver's own error: pandas and SQLAlchemy wrap it in theirs, query and all."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
