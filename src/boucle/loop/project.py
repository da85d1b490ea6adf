"""The composition root: builds the adapters a project names and hands them to the stages."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from boucle import plugins
from boucle.core.deployment import Target
from boucle.core.errors import ProjectError, StoreError
from boucle.core.model import CHAMPION, BundleInfo, ModelRef, ModelVersion
from boucle.delivery.release import Delivery
from boucle.formats.bundle import verify
from boucle.loop import plane
from boucle.ports.clock import Clock, SystemClock
from boucle.ports.engine import Engine
from boucle.ports.notifier import Notifier
from boucle.ports.registry import Registry
from boucle.ports.runtime import Predictor, Runtime
from boucle.ports.stores import State
from boucle.ports.trainer import Trainer
from boucle.project.load import find, load
from boucle.project.settings import Settings
from boucle.registry import versions

if TYPE_CHECKING:
    from boucle.data.snapshot import Snapshots

T = TypeVar("T")


class _Shared(cached_property[T]):
    """A part that a project has in common with those made of it by ``acting``."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        return super().__get__(instance and instance.origin, owner)


class Project:
    """One project folder, opened: its settings, and each part built when first asked for.

    ``actor`` is who acts through it, written into every event: "cli", "api", "keeper" or a person's name.
    """

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        *,
        actor: str = "cli",
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.actor = actor
        self.clock = clock or SystemClock()
        self.environ = os.environ if environ is None else environ
        self.root = (directory / settings.store.directory).resolve()
        self.origin = self

    @classmethod
    def open(cls, directory: Path | str | None = None, *, actor: str = "cli", **overrides: Any) -> Project:
        """Open the project in ``directory``, or in the nearest folder upward; raises ProjectError."""
        folder = find(Path(directory) if directory is not None else Path.cwd())
        return cls(folder, load(folder), actor=actor, **overrides)

    def acting(self, actor: str) -> Project:
        """Return this project for somebody else's deeds: its parts are shared, its events name ``actor``."""
        other = Project(self.directory, self.settings, actor=actor, clock=self.clock, environ=self.environ)
        other.origin = self.origin
        return other

    @property
    def name(self) -> str:
        return self.settings.name

    @_Shared
    def state(self) -> State:
        state: State = plugins.load("stores", "sql")(self.settings.store.url, self.root)
        return state

    @_Shared
    def registry(self) -> Registry:
        uri = self.settings.tracking.uri or self.environ.get("MLFLOW_TRACKING_URI") or None
        experiment = self.settings.tracking.experiment or self.name
        kind = plugins.load("registries", "mlflow")
        with plugins.uncollected():  # opening it imports as much again
            registry: Registry = kind(uri, self.root, experiment)
        return registry

    @_Shared
    def snapshots(self) -> Snapshots:
        from boucle.data.snapshot import Snapshots  # brings pandas: a second that status and rollback do not need

        return Snapshots(self.root)

    @cached_property
    def delivery(self) -> Delivery:
        return Delivery(
            self.state,
            self.clock,
            self.routes,
            target=self.target,
            aliases=self._set_aliases,
            actor=self.actor,
            settings=self.settings,
        )

    @cached_property
    def engine(self) -> Engine:
        engine: Engine = plugins.load("engines", "process")()
        return engine

    @cached_property
    def notifier(self) -> Notifier | None:
        """The way to people; None when the project names no address."""
        if not self.settings.alerts:
            return None
        notifier: Notifier = plugins.load("notifiers", "apprise")(self.settings.alerts)
        return notifier

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of people by their digest, which may be kept where a secret may not."""
        return {hashlib.sha256(address.encode()).hexdigest()[:12]: address for address in self.settings.alerts}

    @cached_property
    def notifiers(self) -> dict[str, Notifier]:
        """The ways to people one by one, by the address's digest: what failed is tried again there alone."""
        kind = plugins.load("notifiers", "apprise") if self.settings.alerts else None
        return {digest: kind([address]) for digest, address in self.addresses.items()} if kind else {}

    @property
    def routes(self) -> Path:
        return self.root / "serving" / "routes.json"

    @property
    def segments(self) -> Path:
        return self.root / "serving" / "segments"

    def runtime(self, name: str) -> Runtime:
        runtime: Runtime = plugins.load("runtimes", name)()
        return runtime

    def trainer(self) -> Trainer:
        name = "sklearn" if self.settings.model.pretrained is None else "pretrained"
        trainer: Trainer = plugins.load("trainers", name)()
        return trainer

    def resolve(self, ref: str) -> ModelVersion:
        """Return the version a reference names; raises NotFound."""
        return versions.resolve(self.registry, ModelRef.parse(ref))

    def bundle(self, version: ModelVersion) -> Path:
        """Return the verified local bundle of a version, fetched if it is not here."""
        return versions.local_bundle(self.registry, version, self.root)

    def predictor(self, version: ModelVersion) -> tuple[Predictor, BundleInfo]:
        """Load a version; raises BundleCorrupt or UnsafeBundle."""
        directory = self.bundle(version)
        info = verify(directory, version.digest)
        return self.runtime(info.runtime).load(directory, info), info

    def target(self, name: str, number: int) -> Target:
        version = self.registry.version(name, number)
        return Target(number, str(self.bundle(version)), version.digest)

    def _set_aliases(self, name: str, champion: int | None, challenger: int | None, previous: int | None) -> None:
        versions.sync_aliases(self.registry, name, champion=champion, challenger=challenger, previous=previous)

    def registry_champion(self, name: str) -> int | None:
        """Return the version the registry's champion alias points at, None without one."""
        return self.registry.aliases(name).get(CHAMPION)

    def prepare(self) -> None:
        """Make the state directory; raises StoreError when it cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            plane.publish(self.settings, self.directory, self.root)
        except OSError as error:
            raise StoreError(
                f"The state directory {self.root} cannot be written: {error.strerror or error}.",
                hint="check who may write there, or set store.directory",
            ) from error

    def check_name(self, name: str | None) -> str:
        """Return the model name meant by a command that may leave it out; raises ProjectError for another's."""
        if name and name != self.name:
            with self.state.begin() as tx:
                known = [d.model for d in tx.deployments.all()] + [self.name]
            if name not in known:
                raise ProjectError(
                    f"This project has no model '{name}'.", hint=f"it has: {', '.join(sorted(set(known)))}"
                )
        return name or self.name

    def close(self) -> None:
        if "state" in self.__dict__:
            self.state.close()
