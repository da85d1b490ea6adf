"""The registry in memory: MLflow's twin for tests, gone with its process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock

from boucle.core.dataset import Snapshot
from boucle.core.errors import NotFound
from boucle.core.model import ModelVersion
from boucle.core.run import Run, RunStatus


@dataclass(slots=True)
class _Model:
    versions: list[ModelVersion] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)


class MemoryRegistry:
    """Takes the same arguments as the others, and needs none. ``runs`` and ``snapshots`` are there to be looked at."""

    name = "memory"

    def __init__(self, uri: str | None = None, directory: Path | None = None, experiment: str = "") -> None:
        self.uri = "memory:"
        self.runs: dict[str, Run] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self._models: dict[str, _Model] = {}
        self._lock = RLock()

    def begin(self, run: Run, snapshot: Snapshot | None = None) -> Run:
        with self._lock:
            begun = replace(run, id=f"run-{len(self.runs) + 1}")
            self.runs[begun.id] = begun
            if snapshot is not None:
                self.snapshots[begun.id] = snapshot
        return begun

    def finish(
        self, run_id: str, status: RunStatus, metrics: dict[str, float], artifacts: tuple[Path, ...] = ()
    ) -> None:
        with self._lock:
            if run_id not in self.runs:
                raise NotFound(f"There is no run '{run_id}'.", name=run_id)
            self.runs[run_id] = replace(self.runs[run_id], status=status, metrics=dict(metrics))

    def register(self, name: str, bundle: Path, version: ModelVersion) -> ModelVersion:
        files = {p.relative_to(bundle).as_posix(): p.read_bytes() for p in bundle.rglob("*") if p.is_file()}
        with self._lock:
            model = self._models.setdefault(name, _Model())
            for known in model.versions:
                if known.digest == version.digest:
                    return known
            number = len(model.versions) + 1
            kept = replace(version, name=name, number=number, location=f"{self.uri}{name}/{number}")
            model.versions.append(kept)
            model.files.append(files)
        return kept

    def models(self) -> list[str]:
        return sorted(self._models)

    def versions(self, name: str) -> list[ModelVersion]:
        return list(self._model(name).versions)

    def version(self, name: str, number: int) -> ModelVersion:
        versions = self._model(name).versions
        if not 1 <= number <= len(versions):
            refs = [known.ref for known in versions]
            raise NotFound.of("version", f"{name}/{number}", refs, listing=f"boucle show {name}")
        return versions[number - 1]

    def aliases(self, name: str) -> dict[str, int]:
        return dict(self._model(name).aliases)

    def set_alias(self, name: str, alias: str, number: int | None) -> None:
        with self._lock:
            aliases = self._model(name).aliases
            if number is None:
                aliases.pop(alias, None)
            else:
                aliases[alias] = self.version(name, number).number

    def fetch(self, version: ModelVersion, directory: Path) -> Path:
        number = self.version(version.name, version.number).number
        for relative, content in self._model(version.name).files[number - 1].items():
            path = directory / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return directory

    def _model(self, name: str) -> _Model:
        if name not in self._models:
            raise NotFound.of("model", name, self._models)
        return self._models[name]
