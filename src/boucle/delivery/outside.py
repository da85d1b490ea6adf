"""What the rest of the world sees of the release state: the routes file and the registry's aliases.

Both are derived from the state and can be written again at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from boucle.core.deployment import Deployment, Target
from boucle.core.errors import BoucleError
from boucle.core.json import from_data, to_data
from boucle.delivery.routing import FindTarget, publish, table
from boucle.formats.files import exclusive
from boucle.ports.stores import State, Transaction
from boucle.project.settings import Settings

MoveAliases = Callable[[str, int | None, int | None, int | None], None]
"""Point a model's aliases champion, challenger and previous at these versions; None removes one."""


class Outside:
    """Writes ``routes`` and moves ``aliases``. Locks keep a slower process from writing an older state over a newer."""

    def __init__(
        self, state: State, routes: Path, target: FindTarget, aliases: MoveAliases, settings: Settings | None
    ) -> None:
        self._state = state
        self._routes = routes
        self._target = target
        self._settings = settings
        self._aliases = aliases

    def publish(self) -> bool:
        """Bring the routes file up to the state; returns whether it had to be written."""
        with exclusive(self._routes.with_name("routes.lock"), "publishing routes", wait=True):
            with self._state.begin(write=False) as tx:
                new = table(tx.deployments.all(), self._finder(tx), self._settings)
            return publish(self._routes, new)

    def sync(self) -> tuple[str, ...]:
        """Move the aliases of every model that needs it; returns what could not be done, for the next time."""
        failed: list[str] = []
        with exclusive(self._routes.with_name("aliases.lock"), "moving aliases", wait=True):
            with self._state.begin(write=False) as tx:
                behind = [one for one in tx.deployments.all() if not one.alias_synced]
            for one in behind:
                try:
                    self.write_aliases(one)
                except BoucleError as error:
                    failed.append(f"The aliases of {one.model} are not moved yet: {error}")
                else:
                    self._note_synced(one)
        return tuple(failed)

    def write_aliases(self, one: Deployment) -> None:
        self._aliases(one.model, one.champion, one.challenger, one.previous)

    def remember(self, tx: Transaction, name: str, target: Target) -> None:
        """Keep where a version lies, so that going back to it needs no registry. A version never changes."""
        tx.settings.put(_key(name, target.version), to_data(target))

    def check(self, tx: Transaction, one: Deployment) -> None:
        """Raise NotFound or BundleError for a state that could not be published."""
        table([one], self._finder(tx), self._settings)

    def _note_synced(self, one: Deployment) -> None:
        with self._state.begin() as tx:
            if tx.deployments.get(one.model).generation == one.generation:
                tx.deployments.put(one.synced())

    def _finder(self, tx: Transaction) -> FindTarget:
        def find(name: str, version: int) -> Target:
            kept: Any = tx.settings.get(_key(name, version))
            if kept is None:
                return self._target(name, version)
            found = from_data(kept, Target)
            if Path(found.bundle).is_dir():
                return found
            try:
                return self._target(name, version)
            except BoucleError:
                return found  # the data plane refuses it and goes on with what it has

        return find


def _key(name: str, version: int) -> str:
    return f"target:{name}/{version}"
