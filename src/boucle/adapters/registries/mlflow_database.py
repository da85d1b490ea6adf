"""The SQLite file of a fresh MLflow registry, made in a fraction of a second and never seen half made.

MLflow fills a new file by running every migration it ever had, and two processes doing that at once break each other.
So the file is made beside its place, under a lock, from a kept copy of the schema, and renamed when it is complete.
The copy is made by tools/make_mlflow_template.py and carries its Alembic revision: an MLflow that is newer adds its
own migrations, one that is older than the copy runs all of its own.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from boucle.adapters.registries.mlflow_sdk import MIGRATIONS, MlflowException, sqlite_uri

with warnings.catch_warnings():
    # MLflow 3.17 uses a loader strategy that SQLAlchemy 2.1 is giving up.
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

# MLflow logs the traceback of every database error that it raises as well.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

TEMPLATE = Path(__file__).with_name("mlflow_schema.sql")


def prepare(database: Path, artifacts: str, template: Path | None = TEMPLATE) -> None:
    """Make ``database`` with the schema of the installed MLflow if it is not there; any number of processes may.

    Without a ``template`` MLflow runs its own migrations, which takes seconds.
    """
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with _lock(database.with_name(f".{database.name}.lock")):
        if database.exists():  # made while we waited
            return
        fresh = database.with_name(f".{database.name}.new")
        fresh.unlink(missing_ok=True)
        if template is not None:
            _fill(fresh, template)
        try:
            _complete(fresh, artifacts)
        except MlflowException:  # MLflow is newer than the template
            _upgrade(fresh)
            _complete(fresh, artifacts)
        os.replace(fresh, database)


def revision(template: Path) -> str:
    """Return the Alembic revision a template was made at; its first line says it."""
    with template.open() as lines:
        return next(lines).removeprefix("-- revision ").strip()


def _fill(database: Path, template: Path) -> None:
    if not any((MIGRATIONS / "versions").glob(f"{revision(template)}_*.py")):
        return  # MLflow is older than the template
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(template.read_text())


def _complete(database: Path, artifacts: str) -> None:
    """Open the store: that adds the default experiment, migrates an empty file and refuses one of another revision."""
    SqlAlchemyStore(sqlite_uri(database), artifacts).engine.dispose()


def _upgrade(database: Path) -> None:
    from alembic import command  # only a template that lags behind needs them
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", sqlite_uri(database).replace("%", "%%"))
    command.upgrade(config, "heads")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock file for the block, waiting for it; it goes when the process dies."""
    import fcntl  # not on Windows: only a fresh registry needs it

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
