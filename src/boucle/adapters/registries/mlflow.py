"""MLflow as the registry: a SQLite file and a folder beside the project, or any tracking server.

A version's files are a logged model of MLflow's. The logged model comes first and the version, in one call, last: a
process that dies in between leaves nothing that anybody sees as a version.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from boucle.adapters.registries.mlflow_entities import (
    to_dataset_input,
    to_metrics,
    to_params,
    to_run_tags,
    to_version,
    to_version_tags,
)
from boucle.adapters.registries.mlflow_sdk import (
    MlflowClient,
    MlflowException,
    get_artifact_repository,
    sqlite_file,
    sqlite_uri,
)
from boucle.core.dataset import Snapshot
from boucle.core.errors import NotFound, StoreError
from boucle.core.json import to_data
from boucle.core.model import ModelVersion
from boucle.core.run import Run, RunStatus

_PARAMS_AT_ONCE, _METRICS_AT_ONCE, _PAGE = 100, 1000, 1000


class MlflowRegistry:
    """``uri`` None keeps everything under ``directory``: ``mlflow.db`` and ``mlartifacts``.

    Runs and models go to ``experiment``, which is made on first use. Raises StoreError when the store cannot be used.
    """

    name = "mlflow"

    def __init__(self, uri: str | None, directory: Path, experiment: str) -> None:
        self.uri = uri or sqlite_uri(directory / "mlflow.db")
        self._remote = self.uri.startswith(("http://", "https://"))
        self._artifacts = (directory / "mlartifacts").resolve().as_uri()
        self._experiment = experiment
        self._experiments: dict[str, str] = {}
        with self._translated():
            if not self._remote:
                # A server's client is spared the import of MLflow's tables, half a second.
                from boucle.adapters.registries.mlflow_database import prepare

                file = sqlite_file(self.uri)
                if file is not None:
                    prepare(file, self._artifacts)
            self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def begin(self, run: Run, snapshot: Snapshot | None = None) -> Run:
        """Record a started run; its environment is kept whole as the artifact ``environment.json``."""
        with self._translated():
            entity = self._client.create_run(
                self._experiment_id(run.experiment or self._experiment),
                start_time=_milliseconds(run.started),
                tags=to_run_tags(run, snapshot),
                run_name=run.kind,
            )
            run_id = str(entity.info.run_id)
            for part in _parts(to_params(run.params), _PARAMS_AT_ONCE):
                self._client.log_batch(run_id, params=part)
            if snapshot is not None:
                self._log_data(run_id, snapshot)
            if run.environment is not None:
                self._client.log_dict(run_id, to_data(run.environment), "environment.json")
        return replace(run, id=run_id)

    def finish(
        self, run_id: str, status: RunStatus, metrics: dict[str, float], artifacts: tuple[Path, ...] = ()
    ) -> None:
        """Close a run; a folder among the artifacts is kept as a folder."""
        with self._translated(lambda: NotFound(f"There is no run '{run_id}'.", name=run_id)):
            started = self._client.get_run(run_id).info.start_time
            for part in _parts(to_metrics(metrics, started), _METRICS_AT_ONCE):
                self._client.log_batch(run_id, metrics=part)
            for path in artifacts:
                if path.is_dir():
                    self._client.log_artifacts(run_id, str(path), path.name)
                else:
                    self._client.log_artifact(run_id, str(path))
            self._client.set_terminated(run_id, status.upper())

    def register(self, name: str, bundle: Path, version: ModelVersion) -> ModelVersion:
        """Store the bundle as the next version; of two processes with one digest, the lower number stays."""
        with self._translated():
            if (known := self._first_with(name, version.digest)) is not None:
                return known
            self._make_model(name)
            model = self._client.create_logged_model(
                self._experiment_id(self._experiment),
                name=re.sub(r"[/:.%\"']", "_", name),
                source_run_id=version.run_id or None,
                tags={"boucle.digest": version.digest},
                model_type=version.runtime or None,
            )
            self._client.log_model_artifacts(model.model_id, str(bundle))
            self._client.finalize_logged_model(model.model_id, "READY")
            entity = self._client.create_model_version(
                name,
                source=model.artifact_location,
                run_id=version.run_id or None,
                tags=to_version_tags(version),
                # Without a run a database looks for the model in whatever store is the default of the process.
                model_id=model.model_id if version.run_id or self._remote else None,
            )
            first = self._first_with(name, version.digest)
            if first is not None and first.number < int(entity.version):
                self._client.delete_model_version(name, entity.version)
                return first
        return to_version(entity)

    def models(self) -> list[str]:
        with self._translated():
            return sorted(entity.name for entity in _pages(self._client.search_registered_models))

    def versions(self, name: str) -> list[ModelVersion]:
        self._model(name)
        return self._search(name)

    def version(self, name: str, number: int) -> ModelVersion:
        with self._translated(lambda: self._no_version(name, number)):
            return to_version(self._client.get_model_version(name, str(number)))

    def aliases(self, name: str) -> dict[str, int]:
        return {alias: int(number) for alias, number in self._model(name).aliases.items()}

    def set_alias(self, name: str, alias: str, number: int | None) -> None:
        if number is None:
            self._model(name)
            with self._translated():
                self._client.delete_registered_model_alias(name, alias)
            return
        self.version(name, number)
        with self._translated():
            self._client.set_registered_model_alias(name, alias, str(number))

    def fetch(self, version: ModelVersion, directory: Path) -> Path:
        with self._translated(lambda: self._no_version(version.name, version.number)):
            directory.mkdir(parents=True, exist_ok=True)
            uri = self._client.get_model_version_download_uri(version.name, str(version.number))
            repository = get_artifact_repository(uri, tracking_uri=self.uri, registry_uri=self.uri)
            if not repository.list_artifacts():
                raise StoreError(
                    f"The files of {version.ref} are gone: nothing lies at {uri}.",
                    hint="bring the artifacts folder back, or train again",
                    model=version.name,
                )
            repository.download_artifacts("", dst_path=str(directory))
        return directory

    def _log_data(self, run_id: str, snapshot: Snapshot) -> None:
        datasets = [to_dataset_input(snapshot)]
        try:
            self._client.log_inputs(run_id, datasets)
        except MlflowException:
            # Two runs that log the same new data at once collide in MLflow's table; then it is there.
            self._client.log_inputs(run_id, datasets)

    def _experiment_id(self, name: str) -> str:
        if name not in self._experiments:
            self._experiments[name] = self._find_experiment(name) or self._make_experiment(name)
        return self._experiments[name]

    def _find_experiment(self, name: str) -> str | None:
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id) if found is not None else None

    def _make_experiment(self, name: str) -> str:
        # A server knows where its artifacts go; a database would put them into the working directory.
        location = None if self._remote else self._artifacts
        try:
            return str(self._client.create_experiment(name, artifact_location=location))
        except MlflowException:
            made_meanwhile = self._find_experiment(name)
            if made_meanwhile is None:
                raise
            return made_meanwhile

    def _make_model(self, name: str) -> None:
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _model(self, name: str) -> Any:
        with self._translated(lambda: NotFound.of("model", name, self.models())):
            return self._client.get_registered_model(name)

    def _search(self, name: str) -> list[ModelVersion]:
        quote = '"' if "'" in name else "'"
        with self._translated():
            found = _pages(self._client.search_model_versions, filter_string=f"name = {quote}{name}{quote}")
            return sorted((to_version(entity) for entity in found), key=lambda version: version.number)

    def _first_with(self, name: str, digest: str) -> ModelVersion | None:
        return next((version for version in self._search(name) if version.digest == digest), None)

    def _no_version(self, name: str, number: int) -> NotFound:
        refs = [version.ref for version in self.versions(name)]
        return NotFound.of("version", f"{name}/{number}", refs, listing=f"boucle show {name}")

    @contextmanager
    def _translated(self, absent: Callable[[], NotFound] | None = None) -> Iterator[None]:
        """Turn MLflow's errors into ours; ``absent`` builds the one for what does not exist."""
        try:
            yield
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST" and absent is not None:
                raise absent() from error
            raise self._unusable(error) from error
        except (OSError, SQLAlchemyError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoreError:
        parts = urlsplit(self.uri)
        host = parts.netloc.rpartition("@")[2]
        shown = self.uri.replace(parts.netloc, host)
        why = str(error).splitlines()[0].replace(parts.netloc, host)
        if "out-of-date database schema" in str(error):
            hint = f"MLflow is newer than the file: keep a copy of it, then run: mlflow db upgrade {shown}"
        elif self._remote:
            hint = "is the server up, and MLFLOW_TRACKING_URI right? Serving and rollback go on without it"
        else:
            hint = "check that the file is there, who may write it and the space left"
        return StoreError(f"The registry {shown} cannot be used: {why}", hint=hint, uri=shown)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _parts(entities: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(entities), size):
        yield entities[start : start + size]


def _pages(search: Callable[..., Any], **query: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(**query, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
