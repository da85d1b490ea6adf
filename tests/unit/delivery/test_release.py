from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from boucle.core.deployment import Target
from boucle.core.errors import Conflict, NotFound
from boucle.core.verdict import Check, Status, Verdict
from boucle.delivery.release import Change, Delivery

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import World


def verdict(status: Status = "pass") -> Verdict:
    return Verdict.of("wine/1", "gate", [Check("rmse", status, 0.6, "<= 0.75", n=100)])


def kinds(world: World) -> list[str]:
    return [event.kind for event in world.events()]


def test_the_first_version_that_passed_answers_at_once(world: World) -> None:
    change = world.delivery.admit("wine", 1, verdict())
    assert change is not None
    assert (change.deployment.champion, change.undo) == (1, "boucle disable wine")
    assert world.route().champion.digest == "digest-1"
    assert world.aliases["wine"] == {"champion": 1}
    assert "rmse 0.6" in change.events[0].reason
    assert world.delivery.admit("wine", 2, verdict()) is None


@pytest.mark.parametrize("status", ["fail", "inconclusive"])
def test_a_first_version_that_did_not_pass_answers_nothing(world: World, status: Status) -> None:
    assert world.delivery.admit("wine", 1, verdict(status)) is None
    assert world.events() == []


def test_a_project_that_asks_for_approval_admits_nothing_by_itself(world: World) -> None:
    assert world.make(require_approval=True).admit("wine", 1, verdict()) is None


def test_a_canary_takes_its_steps_and_becomes_champion(world: World) -> None:
    world.delivery.promote("wine", 1)
    started = world.delivery.promote("wine", 2, reason="better", verdict=verdict())
    assert started.undo == "boucle rollback wine"
    assert (world.route().champion.version, world.route().share, world.route().shadow) == (1, 0.1, False)
    assert world.route().challenger is not None
    assert world.aliases["wine"] == {"champion": 1, "challenger": 2}
    world.delivery.advance("wine", verdict())
    assert world.route().share == 0.5
    world.delivery.advance("wine", verdict())
    assert (world.route().champion.version, world.route().challenger, world.route().share) == (2, None, 0.0)
    assert world.aliases["wine"] == {"champion": 2, "previous": 1}
    assert kinds(world) == ["release", "rollout_started", "rollout_step", "rollout_done"]
    assert [event.version for event in world.events()] == [1, 2, 2, 2]


def test_an_event_tells_before_after_verdict_and_undo(world: World) -> None:
    world.delivery.promote("wine", 1)
    (event,) = world.delivery.promote("wine", 2, verdict=verdict()).events
    assert event.data["before"]["champion"] == 1
    assert event.data["after"]["rollout"]["share"] == 0.1
    assert event.data["after"]["rollout"]["required"] == 20
    assert event.data["verdict"]["checks"][0]["observed"] == 0.6
    assert event.data["undo"] == "boucle rollback wine"
    assert (event.actor, event.reason) == ("tester", "promoted by tester")


def test_a_shadow_answers_nothing_until_it_steps(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2, "shadow")
    assert (world.route().shadow, world.route().share) == (True, 0.0)
    world.delivery.pause("wine")
    assert world.route().shadow
    world.delivery.resume("wine")
    world.delivery.advance("wine")
    assert (world.route().shadow, world.route().share) == (False, 0.1)


def test_a_paused_rollout_stands_still_at_its_share(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2)
    assert world.delivery.pause("wine").undo == "boucle resume wine"
    assert world.route().share == 0.1
    with pytest.raises(Conflict, match="boucle resume"):
        world.delivery.advance("wine")
    assert world.delivery.resume("wine").undo == "boucle pause wine"
    world.delivery.advance("wine")
    assert world.route().share == 0.5


def test_blue_green_switches_at_once_and_keeps_the_old_one_warm(world: World) -> None:
    world.delivery.promote("wine", 1, "blue-green")
    assert world.route().warm == ()
    world.delivery.promote("wine", 2, "blue-green")
    assert (world.route().champion.version, [one.version for one in world.route().warm]) == (2, [1])
    world.delivery.rollback("wine")
    assert (world.route().champion.version, [one.version for one in world.route().warm]) == (1, [2])
    world.delivery.promote("wine", 3, "direct")
    assert world.route().warm == ()


def test_an_aborted_rollout_gives_the_command_that_starts_it_again(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2)
    change = world.delivery.abort("wine", "worse", verdict("fail"))
    assert change.undo == "boucle promote wine/2"
    assert (world.route().challenger, world.route().champion.version) == (None, 1)
    assert world.aliases["wine"] == {"champion": 1}
    assert (kinds(world)[-1], world.events()[-1].reason) == ("rollout_aborted", "worse")


def test_a_rollback_ends_the_rollout_or_else_swaps_back(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2, "direct")
    world.delivery.promote("wine", 3)
    assert world.delivery.rollback("wine").events[0].kind == "rollout_aborted"
    back = world.delivery.rollback("wine", "it was better")
    assert (back.deployment.champion, back.events[0].kind, back.events[0].version) == (1, "rollback", 1)
    assert back.undo == "boucle rollback wine"
    assert world.aliases["wine"] == {"champion": 1, "previous": 2}


def test_the_kill_switch_keeps_the_release_and_answers_the_fallback(world: World) -> None:
    world.delivery.promote("wine", 1)
    assert world.delivery.disable("wine", "harm").undo == "boucle enable wine"
    assert (world.route().enabled, world.route().fallback) == (False, 5.6)
    with pytest.raises(Conflict, match="boucle enable wine"):
        world.delivery.promote("wine", 2)
    assert world.delivery.enable("wine").undo == "boucle disable wine"
    assert world.route().enabled


REFUSED: list[Callable[[Delivery], Change]] = [
    lambda d: d.promote("wine", 9),
    lambda d: d.promote("wine", 1),
    lambda d: d.promote("wine", 1, "direct"),
    lambda d: d.advance("wine"),
    lambda d: d.abort("wine", "x"),
    lambda d: d.rollback("wine"),
    lambda d: d.enable("wine"),
    lambda d: d.pause("wine"),
    lambda d: d.disable("beer"),
    lambda d: d.rollback("beer"),
]


@pytest.mark.parametrize("attempt", REFUSED)
def test_what_is_refused_changes_nothing(world: World, attempt: Callable[[Delivery], Change]) -> None:
    world.delivery.promote("wine", 1)
    before = world.routes.read_bytes()
    with pytest.raises((Conflict, NotFound)):
        attempt(world.delivery)
    assert world.routes.read_bytes() == before
    assert kinds(world) == ["release"]


def test_a_rollback_needs_no_registry(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.delivery.promote("wine", 2, "direct")
    world.away = True
    change = world.delivery.rollback("wine")
    assert world.route().champion.version == 1
    assert "cannot be reached" in change.pending[0]
    assert world.aliases["wine"]["champion"] == 2
    world.away = False
    assert world.delivery.reconcile(world.champion_alias).pending == ()
    assert world.aliases["wine"] == {"champion": 1, "previous": 2}
    assert kinds(world) == ["release", "release", "rollback"]


def test_of_two_first_versions_at_once_one_is_admitted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    find = world.target

    def slow(name: str, version: int) -> Target:
        monkeypatch.setattr(world, "target", find)
        world.make().admit("wine", 2, verdict())  # gets there first
        return find(name, version)

    monkeypatch.setattr(world, "target", slow)
    assert world.make().admit("wine", 1, verdict()) is None
    assert world.route().champion.version == 2


def test_a_canary_without_steps_is_a_direct_release(world: World) -> None:
    world.delivery.promote("wine", 1)
    world.make(steps=[]).promote("wine", 2)
    assert world.route().champion.version == 2
