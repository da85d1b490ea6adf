from __future__ import annotations

from typing import TYPE_CHECKING

from boucle.formats.routes import read_routes

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import World


def test_reconciling_what_is_right_changes_nothing(world: World) -> None:
    world.delivery.promote("wine", 1)
    before = (world.routes.stat().st_mtime_ns, world.events(), dict(world.aliases))
    for _ in range(2):
        repair = world.delivery.reconcile(world.champion_alias, ["wine", "beer"])
        assert (repair.changes, repair.published, repair.pending) == ((), False, ())
    assert (world.routes.stat().st_mtime_ns, world.events(), dict(world.aliases)) == before


def test_a_champion_alias_moved_outside_is_a_release(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2)
    world.aliases["wine"]["champion"] = 3
    (change,) = world.delivery.reconcile(world.champion_alias).changes
    assert (change.events[0].kind, change.events[0].version) == ("alias_moved", 3)
    assert (world.route().champion.version, world.route().challenger) == (3, None)
    assert world.aliases["wine"] == {"champion": 3, "previous": 1}
    assert world.delivery.reconcile(world.champion_alias).changes == ()


def test_a_model_released_in_the_registry_only_is_taken_over(world: World) -> None:
    world.aliases["beer"] = {"champion": 2}
    repair = world.delivery.reconcile(world.champion_alias, ["beer", "water"])
    assert repair.published
    assert world.route("beer").champion.version == 2


def test_a_removed_champion_alias_is_put_back(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.aliases.clear()
    assert world.delivery.reconcile(world.champion_alias).changes == ()
    assert world.aliases["wine"] == {"champion": 1}


def test_an_alias_moved_to_a_version_that_is_not_there_is_reported_and_not_followed(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.aliases["wine"]["champion"] = 9
    repair = world.delivery.reconcile(world.champion_alias)
    assert "wine/9" in repair.pending[0]
    assert world.route().champion.version == 1


def test_a_lost_or_damaged_routes_file_is_written_anew(world: World) -> None:
    world.delivery.promote("wine", 1)
    right = read_routes(world.routes)
    for harm in (world.routes.unlink, lambda: world.routes.write_bytes(b'{"generation"')):
        harm()
        assert world.delivery.reconcile(world.champion_alias).published
        assert read_routes(world.routes) == right


def test_a_registry_that_is_away_keeps_no_route_from_being_written(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.routes.unlink()
    world.away = True
    repair = world.delivery.reconcile(world.champion_alias)
    assert repair.published
    assert "cannot be reached" in repair.pending[0]
    assert world.route().champion.version == 1


def test_a_bundle_that_moved_is_looked_up_again(world: World) -> None:
    world.delivery.promote("wine", 1)
    (world.root / "bundles").rename(world.root / "elsewhere")
    world.delivery.disable("wine")
    assert (world.root / "bundles" / "wine-1").is_dir()
    (world.root / "bundles" / "wine-1").rmdir()
    world.away = True
    world.delivery.enable("wine")
    assert world.route().champion.version == 1


def test_the_generation_of_the_table_rises_with_every_change(world: World) -> None:
    seen = []
    world.delivery.promote("wine", 1)
    for step in (
        lambda: world.delivery.promote("beer", 1),
        lambda: world.delivery.promote("wine", 2),
        lambda: world.delivery.rollback("wine"),
        lambda: world.delivery.disable("beer"),
    ):
        step()
        seen.append(read_routes(world.routes).generation)
    assert seen == sorted(set(seen))
