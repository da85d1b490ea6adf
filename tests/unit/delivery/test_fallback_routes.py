"""What a disabled model answers is in the routes before anybody needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boucle.core.deployment import Rule

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import World

RULE = {"when": {"column": "alcohol", "op": ">=", "value": 12}, "then": 6}


def disabled(world: World, fallback: Any) -> None:
    delivery = world.make(fallback)
    delivery.promote("wine", 1)
    delivery.promote("wine", 2, "direct")
    delivery.disable("wine")


def test_the_champion_before_stands_by(world: World) -> None:
    disabled(world, {"previous": True, "else": 5.6})
    route = world.route()
    assert (route.enabled, route.standby, [t.version for t in route.warm], route.fallback) == (False, 1, [1], 5.6)


def test_rules_are_in_the_route_with_what_is_said_else(world: World) -> None:
    disabled(world, {"rules": [RULE], "else": 5})
    route = world.route()
    assert (route.rules, route.fallback, route.standby, route.warm) == ((Rule("alcohol", ">=", 12, 6),), 5, None, ())


def test_a_champion_before_that_is_gone_leaves_the_rest(world: World) -> None:
    delivery = world.make({"previous": True, "else": 5.6})
    delivery.promote("wine", 1)
    delivery.promote("wine", 2, "direct")
    with world.state.begin() as tx:
        tx.settings.put("target:wine/1", None)
    world.known = {2}
    delivery.disable("wine")
    assert (world.route().standby, world.route().warm, world.route().fallback) == (None, (), 5.6)
