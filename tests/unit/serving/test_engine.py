from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.serving.engine import Engine
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble

SIGNATURE = Signature((Field("x", "float64"),), outputs_of(None))


class Echo:
    """A runtime that counts its loads by version, and fails for those in ``broken``."""

    loads: list[float] = []  # noqa: RUF012 - one list for the test, whoever makes the runtime
    broken: set[float] = set()  # noqa: RUF012

    def load(self, directory: Path, info: BundleInfo) -> Echo:
        self.loads.append(info.created)
        if info.created in self.broken:
            raise BundleError("it does not load")
        return self

    def predict(self, batch: Batch) -> Batch:
        return {"prediction": batch["x"]}


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    Echo.loads, Echo.broken = [], set()
    monkeypatch.setattr(plugins, "load", lambda group, name: Echo)
    made = assemble(ServeOptions(str(tmp_path)), "worker")
    yield made
    made.close()


@pytest.fixture
def engine(plane: Plane) -> Engine:
    return plane.engine


def target(root: str, version: int) -> Target:
    staged = bundle.staging(Path(root))
    bundle.write_info(staged, BundleInfo("wine", SIGNATURE, "echo", float(version)))
    path, digest = bundle.publish(staged, Path(root))
    return Target(version, str(path), digest)


@pytest.fixture
def targets(plane: Plane) -> dict[int, Target]:
    return {version: target(plane.options.state, version) for version in (1, 2, 3)}


def served(engine: Engine) -> tuple[int | None, int | None, list[int]]:
    one = engine.snapshot.find("wine")
    champion, challenger = (version.number if version else None for version in (one.champion, one.challenger))
    return champion, challenger, sorted(one.versions)


def test_what_is_loaded_is_not_loaded_again(engine: Engine, targets: dict[int, Target]) -> None:
    engine.apply(RouteTable(1, (Route("wine", True, targets[1], targets[2], 0.1),)))
    engine.apply(RouteTable(2, (Route("wine", True, targets[2], warm=(targets[1],)),)))
    assert served(engine) == (2, None, [1, 2])
    assert Echo.loads == [1.0, 2.0]


def test_what_no_route_needs_is_dropped(engine: Engine, targets: dict[int, Target]) -> None:
    engine.apply(RouteTable(1, (Route("wine", True, targets[1]),)))
    engine.apply(RouteTable(2, (Route("wine", True, targets[2]),)))
    assert served(engine) == (2, None, [2])


def test_a_champion_that_does_not_load_leaves_the_old_route(engine: Engine, targets: dict[int, Target]) -> None:
    route = Route("wine", True, targets[1], targets[2], 0.5)
    engine.apply(RouteTable(1, (route,)))
    Echo.broken = {3.0}
    engine.apply(RouteTable(2, (Route("wine", True, targets[3]),)))
    assert served(engine) == (1, 2, [1, 2])
    assert engine.snapshot.find("wine").route == route
    assert engine.snapshot.problems == {("wine", 3): "it does not load"}
    Echo.broken = set()
    engine.apply(RouteTable(3, (Route("wine", True, targets[3]),)))
    assert served(engine) == (3, None, [3])
    assert engine.snapshot.problems == {}


def test_the_kill_switch_works_while_a_new_champion_does_not_load(engine: Engine, targets: dict[int, Target]) -> None:
    engine.apply(RouteTable(1, (Route("wine", True, targets[1]),)))
    Echo.broken = {2.0}
    engine.apply(RouteTable(2, (Route("wine", False, targets[2], fallback=7),)))
    one = engine.snapshot.find("wine")
    assert (one.route.enabled, one.route.fallback, served(engine)[0]) == (False, 7, 1)


def test_a_challenger_that_does_not_load_leaves_all_to_the_champion(engine: Engine, targets: dict[int, Target]) -> None:
    Echo.broken = {2.0}
    engine.apply(RouteTable(1, (Route("wine", True, targets[1], targets[2], 1.0),)))
    assert served(engine) == (1, None, [1])
    assert engine.snapshot.ready


def test_a_bundle_with_one_byte_changed_is_refused(engine: Engine, targets: dict[int, Target]) -> None:
    engine.apply(RouteTable(1, (Route("wine", True, targets[1]),)))
    path = Path(targets[2].bundle) / "bundle.json"
    path.write_bytes(path.read_bytes().replace(b"echo", b"ecko"))
    engine.apply(RouteTable(2, (Route("wine", True, targets[2]),)))
    assert served(engine) == (1, None, [1])
    assert "sha256" in engine.snapshot.problems["wine", 2]


def test_a_state_that_was_moved_is_found_by_its_digest(engine: Engine, targets: dict[int, Target]) -> None:
    moved = replace(targets[1], bundle="/elsewhere/bundles/1")
    engine.apply(RouteTable(1, (Route("wine", True, moved),)))
    assert served(engine)[0] == 1


@pytest.mark.parametrize("damage", [None, b"", b"{"])
def test_a_release_state_that_is_gone_or_damaged_changes_nothing(
    plane: Plane, targets: dict[int, Target], damage: bytes | None
) -> None:
    path = plane.options.routes
    write_routes(path, RouteTable(1, (Route("wine", True, targets[1]),)))
    plane.engine.look()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    plane.engine.look()
    assert served(plane.engine)[0] == 1
    write_routes(path, RouteTable(2, (Route("wine", True, targets[2]),)))
    plane.engine.look()
    assert served(plane.engine)[0] == 2


def test_nothing_released_is_not_ready(engine: Engine) -> None:
    engine.look()
    assert not engine.snapshot.ready
