"""The parts of MLflow that Boucle uses, imported quietly: what MLflow reads from the environment is set first.

What the user has set stays. Telemetry is off, information is not logged, a server that is down is given up on in
seconds instead of minutes.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(_name, _value)

# These come after the settings because MLflow reads some of them once, when it is imported.
with warnings.catch_warnings():
    # MLflow 3.17 uses a loader strategy that SQLAlchemy 2.1 is giving up.
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
    import mlflow.store
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

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
    "SqlAlchemyStore",
    "get_artifact_repository",
]
