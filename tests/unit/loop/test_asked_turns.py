"""A turn that a person asks for bears their name, runs alone, and has its end in the history."""

from __future__ import annotations

import time

import pytest

from boucle.core.errors import Conflict, NotFound
from boucle.core.event import Event
from boucle.loop.turns import LONGEST, Turns, running
from boucle.ports.engine import Outcome

from .conftest import World

LATE = 60.0
"""Seconds after which a thread will not have looked any more."""


def under_way(world: World) -> Event | None:
    with world.project.state.begin(write=False) as tx:
        return running(tx, "line", world.clock.now())


def ended(world: World) -> list[Event]:
    """Return how turns have ended, as soon as one has."""
    until = time.monotonic() + LATE
    while not (found := world.events("training_failed")) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def test_a_turn_names_who_asked_for_it_and_is_under_way_until_it_ends(world: World) -> None:
    turns = Turns(world.project)
    assert under_way(world) is None
    assert turns.start("the extract is mended", True, "ana") == {"turn": 1, "state": "running"}
    assert world.engine.started == [["train", "--reason", "the extract is mended", "--with-feedback"]]
    asked = under_way(world)
    assert asked is not None
    assert (asked.kind, asked.actor, asked.data["turn"]) == ("turn_asked", "ana", 1)
    with world.project.state.begin() as tx:
        tx.journal.append(Event("trained", world.clock.now(), "why", "line", 3))
    assert under_way(world) is None
    world.engine.work.outcome = Outcome(0, {"version": 3}, "")
    assert turns.get(1)["result"] == {"version": 3}
    assert world.events("training_failed") == []


def test_of_turns_that_are_asked_for_one_runs_at_a_time(world: World) -> None:
    turns = Turns(world.project)
    turns.start("first", False)
    with pytest.raises(Conflict, match="Turn 1 is under way"):
        turns.start("second", False)
    world.engine.work.outcome = Outcome(1, None, "error: the data is gone\n")
    assert turns.start("second", False)["turn"] == 2
    world.engine.work.outcome = Outcome(0, {}, "")
    with pytest.raises(NotFound):
        turns.get(9)


def test_a_turn_that_dies_without_a_word_gets_one_though_nobody_asks(world: World) -> None:
    turns = Turns(world.project)
    turns.start("why", True, "ana")
    world.engine.work.outcome = Outcome(1, None, "warning: slow\nerror: no space left\n")
    (event,) = ended(world)
    assert (event.reason, event.actor) == ("the turn ended without a version: error: no space left", "ana")
    assert under_way(world) is None


def test_a_stopped_turn_is_noted_once_and_by_whom(world: World) -> None:
    turns = Turns(world.project)
    turns.start("why", True, "ana")
    turns.stop(1, "ben")
    assert world.engine.work.stopped
    world.engine.work.outcome = Outcome(-15, None, "")
    assert turns.get(1)["exit_code"] == -15
    (event,) = world.events("training_failed")
    assert (event.reason, event.actor) == ("the turn was stopped by ben", "ben")
    with pytest.raises(Conflict, match="is over"):
        turns.stop(1, "ben")


def test_a_turn_that_nobody_saw_end_is_given_up_after_a_day(world: World) -> None:
    Turns(world.project).start("why", True)
    assert under_way(world) is not None
    world.clock.sleep(LONGEST + 1)
    assert under_way(world) is None
    world.engine.work.outcome = Outcome(0, {}, "")


def test_the_keeper_waits_for_a_turn_that_a_person_has_asked_for(world: World) -> None:
    turns = Turns(world.project)
    turns.start("the extract is mended", True, "ana")
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    world.look()
    assert "quality" in world.alarms()
    assert len(world.engine.started) == 1
    world.engine.work.outcome = Outcome(1, None, "error: no space left\n")
    assert ended(world)
    world.look()
    assert len(world.engine.started) == 2
    assert "--alone" in world.engine.started[1]
