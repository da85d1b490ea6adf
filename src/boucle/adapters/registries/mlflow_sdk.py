"""The parts of MLflow that Boucle uses, imported quietly: what MLflow reads from the environment is set first.

What the user has set stays. Telemetry is off, information is not logged, a server that is down is given up on in
seconds instead of minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(_name, _value)

# These come after the settings because MLflow reads some of them once, when it is imported.
import mlflow.store  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402

MIGRATIONS = Path(mlflow.store.__file__).parent / "db_migrations"

__all__ = [
    "MIGRATIONS",
    "Dataset",
    "DatasetInput",
    "InputTag",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "get_artifact_repository",
    "sqlite_uri",
]


def sqlite_uri(database: Path) -> str:
    """Return the SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{database.resolve().as_posix()}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a plain SQLite URL, None for any other store."""
    path = uri.removeprefix("sqlite:///")
    return None if path == uri or not path or path.startswith((":memory:", "file:")) or "?" in path else Path(path)
