"""A keeper killed at any step is followed by one that goes on, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from boucle.core.event import Event
from boucle.loop.keeper import Keeper
from boucle.ports.stores import State, Transaction
from boucle.views.models import status

from .conftest import World, passed


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the program catches it."""


class Mortal:
    """A state that kills its user when the ``step``-th writing transaction has been kept.

    To be killed inside the next one, which is then undone, is the same.
    """

    def __init__(self, state: State, step: int) -> None:
        self.state, self.left = state, step

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[Transaction]:
        with self.state.begin(write) as tx:
            yield tx
        self.left -= write
        if write and self.left == 0:
            raise Killed

    def close(self) -> None:
        self.state.close()


def dies(world: World, step: int) -> None:
    """Look once with a keeper that is killed, if it gets that far."""
    parts = world.project.__dict__
    plain = world.project.state
    parts["state"] = Mortal(plain, step)
    parts.pop("delivery", None)
    keeper = Keeper(world.project)
    keeper._hands.retraining.recover()
    try:
        with suppress(Killed):
            keeper.look()
    finally:
        parts["state"] = plain
        parts.pop("delivery", None)


def revived(world: World) -> None:
    """Start another keeper, and let it look a few times."""
    world.keeper = Keeper(world.project)
    world.keeper._hands.retraining.recover()
    for _ in range(3):
        world.clock.advance(31)
        world.look()


STEPS = range(1, 10)


@pytest.mark.parametrize("step", STEPS)
def test_a_disabled_model_is_disabled_once(world: World, step: int) -> None:
    world.change(serve={"fallback": 0.0})
    world.answer(250)
    world.look()
    world.answer(300, shift=9)
    dies(world, step)
    revived(world)
    assert len(world.events("disabled")) == 1
    assert len([e for e in world.events("decision") if e.data["action"] == "disable" and not e.data["waits"]]) == 1
    assert world.alarms().count("floor") == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_retraining_killed_with_its_keeper_is_done_once_more_and_no_more(world: World, step: int) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    dies(world, step)
    before = len(world.engine.started)
    revived(world)
    assert (before, len(world.engine.started)) in ((0, 1), (1, 2))
    assert len(world.events("retraining_lost")) == len(world.events("retraining")) - 1
    assert world.events("alarm_opened")


@pytest.mark.parametrize("step", STEPS)
def test_a_version_that_passed_is_rolled_out_once(world: World, step: int) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    world.look()
    trained = {"verdict": {"status": "pass", "checks": []}}
    with world.project.state.begin() as tx:
        tx.journal.append(Event("trained", world.clock.now(), "line/2 was trained", "line", 2, "cli", trained))
    world.engine.work.outcome = passed(2)
    dies(world, step)
    revived(world)
    assert len(world.events("rollout_started")) == 1
    assert status(world.project).models[0].challenger == 2


def test_a_turn_that_outlives_its_keeper_is_followed(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    world.look()
    (world.project.root / "locks").mkdir(exist_ok=True)
    world.keeper = Keeper(world.project)
    world.keeper._hands.retraining.recover()
    world.look()
    assert len(world.engine.started) == 1
    trained = {"verdict": {"status": "pass", "checks": []}}
    with world.project.state.begin() as tx:
        tx.journal.append(Event("trained", world.clock.now(), "line/2 was trained", "line", 2, "cli", trained))
    world.look()
    assert len(world.events("rollout_started")) == 1
    assert world.events("retraining_lost") == []


def test_a_turn_that_is_gone_with_its_keeper_is_noticed_and_tried_again(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    world.look()
    revived(world)
    (lost,) = world.events("retraining_lost")
    assert "quality" in lost.reason
    assert len(world.engine.started) == 2
