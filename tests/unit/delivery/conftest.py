"""A delivery over a real state in a temporary folder, with a registry that can be away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boucle.adapters.stores.sql import SqlState
from boucle.core.deployment import Route, Target
from boucle.core.errors import NotFound, StoreError
from boucle.core.event import Event
from boucle.delivery.release import Delivery
from boucle.formats.routes import read_routes
from boucle.project.settings import Settings
from boucle.testing.clock import FakeClock


class World:
    """Everything around one Delivery: the aliases a registry would hold, the routes, the journal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.routes = root / "serving" / "routes.json"
        self.state = SqlState(None, root)
        self.clock = FakeClock()
        self.aliases: dict[str, dict[str, int]] = {}
        self.away = False
        self.known = {1, 2, 3}
        self.delivery = self.make()

    def make(self, fallback: Any = 5.6, **release: Any) -> Delivery:
        settings = Settings.model_validate(
            {
                "name": "wine",
                "task": "tabular-regression",
                "data": {"source": "wine.csv", "target": "quality"},
                "release": {"steps": [10, 50], "min_feedback": 20} | release,
                "serve": {"fallback": fallback},
            }
        )
        return Delivery(self.state, self.clock, self.routes, self.target, self.move, "tester", settings)

    def target(self, name: str, version: int) -> Target:
        if self.away:
            raise StoreError("The registry cannot be reached.")
        if version not in self.known:
            raise NotFound(f"There is no version {name}/{version}.")
        bundle = self.root / "bundles" / f"{name}-{version}"
        bundle.mkdir(parents=True, exist_ok=True)
        return Target(version, str(bundle), f"digest-{version}")

    def move(self, name: str, champion: int | None, challenger: int | None, previous: int | None) -> None:
        if self.away:
            raise StoreError("The registry cannot be reached.")
        named = {"champion": champion, "challenger": challenger, "previous": previous}
        self.aliases[name] = {alias: version for alias, version in named.items() if version is not None}

    def champion_alias(self, name: str) -> int | None:
        if self.away:
            raise StoreError("The registry cannot be reached.")
        return self.aliases.get(name, {}).get("champion")

    def route(self, name: str = "wine") -> Route:
        (found,) = [route for route in read_routes(self.routes).routes if route.model == name]
        return found

    def events(self) -> list[Event]:
        with self.state.begin(write=False) as tx:
            assert tx.journal.verify() is None
            return tx.journal.events()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.state.close()
