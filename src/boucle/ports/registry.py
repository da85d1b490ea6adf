"""Registry: runs, model versions and aliases, wherever a team keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from boucle.core.dataset import Snapshot
from boucle.core.model import ModelVersion
from boucle.core.run import Run, RunStatus


class Registry(Protocol):
    """Versions count from 1 per model and never change; aliases move. Unknown names raise NotFound."""

    def begin(self, run: Run, snapshot: Snapshot | None = None) -> Run:
        """Record a started run with its parameters, environment and data; returns it with its id."""
        ...

    def finish(
        self, run_id: str, status: RunStatus, metrics: dict[str, float], artifacts: tuple[Path, ...] = ()
    ) -> None:
        """Close a run with its metrics and files."""
        ...

    def register(self, name: str, bundle: Path, version: ModelVersion) -> ModelVersion:
        """Store the bundle directory as the next version of ``name``; returns it with number and location.

        ``version`` carries everything but the number. Registering the same digest again returns the version
        that has it already.
        """
        ...

    def models(self) -> list[str]: ...

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, oldest first; raises NotFound."""
        ...

    def version(self, name: str, number: int) -> ModelVersion: ...

    def aliases(self, name: str) -> dict[str, int]: ...

    def set_alias(self, name: str, alias: str, number: int | None) -> None:
        """Point ``alias`` at a version; None removes it. Doing it twice does no harm."""
        ...

    def fetch(self, version: ModelVersion, directory: Path) -> Path:
        """Copy the bundle's files into ``directory`` (made if absent) and return it; the caller verifies them."""
        ...
