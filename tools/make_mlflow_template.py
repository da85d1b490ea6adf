"""Write src/boucle/adapters/registries/mlflow_schema.sql anew from what the installed MLflow migrates to.

Run it after raising the MLflow that the lock file names:  python tools/make_mlflow_template.py
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from boucle.adapters.registries.mlflow_database import TEMPLATE, prepare


def dump(database: Path) -> str:
    """Return the SQL that makes ``database`` again, without the default experiment, which names a folder."""
    with closing(sqlite3.connect(database)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        lines = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "experiments"')]
    return "\n".join([f"-- revision {revision}", *lines, ""])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "mlflow.db"
        prepare(database, folder, template=None)
        TEMPLATE.write_text(dump(database))
    print(f"{TEMPLATE}: {TEMPLATE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
