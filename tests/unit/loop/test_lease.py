"""Of several keepers one acts, and one that has lost its lease changes nothing any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from boucle.core.event import Event
from boucle.loop.lease import Fenced, Lease, LeaseLost
from boucle.plugins import load
from boucle.ports.stores import State


class Watch:
    """A steady clock in the test's hands."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("boucle.loop.lease.time", watch)
    return watch


@pytest.fixture
def state(tmp_path: Path) -> State:
    kept: State = load("stores", "sql")(None, tmp_path)
    return kept


def waits(lease: Lease, watch: Watch, seconds: float) -> bool:
    """Ask for the lease every half second; returns whether it came."""
    for _ in range(int(seconds * 2)):
        if lease.try_take():
            return True
        watch.now += 0.5
    return lease.try_take()


def test_the_first_takes_a_free_lease_at_once(state: State, watch: Watch) -> None:
    first = Lease(state, "wine")
    assert first.try_take()
    assert first.held
    assert first.holder() == first.me


def test_the_second_waits_while_the_heart_of_the_first_beats(state: State, watch: Watch) -> None:
    first, second = Lease(state, "wine"), Lease(state, "wine")
    first.try_take()
    for _ in range(100):
        first.beat()
        assert not second.try_take()
        watch.now += 4.0


def test_the_second_takes_over_within_ten_seconds_after_the_first_died(state: State, watch: Watch) -> None:
    first, second = Lease(state, "wine"), Lease(state, "wine")
    first.try_take()
    assert not second.try_take()
    assert waits(second, watch, 9.0)


def test_who_has_lost_the_lease_changes_nothing(state: State, watch: Watch) -> None:
    first, second = Lease(state, "wine"), Lease(state, "wine")
    first.try_take()
    assert waits(second, watch, 9.0)
    with pytest.raises(LeaseLost), Fenced(state, first).begin() as tx:
        tx.journal.append(Event("rollback", 1.0, "two at once", "wine"))
    with Fenced(state, second).begin() as tx:
        tx.journal.append(Event("rollback", 1.0, "one", "wine"))
    with Fenced(state, first).begin(write=False) as tx:
        assert [e.reason for e in tx.journal.events("wine")] == ["one"]
    assert not first.held
    with pytest.raises(LeaseLost):
        first.beat()


def test_of_many_that_wait_one_takes_over(state: State, watch: Watch) -> None:
    dead = Lease(state, "wine")
    dead.try_take()
    others = [Lease(state, "wine") for _ in range(5)]
    assert not any(one.try_take() for one in others)
    watch.now += 6.0
    assert sum(one.try_take() for one in others) == 1


def test_a_lease_given_back_is_free_at_once_and_keeps_counting(state: State, watch: Watch) -> None:
    first, second = Lease(state, "wine"), Lease(state, "wine")
    first.try_take()
    first.give_back()
    assert second.try_take()
    first.give_back()
    second.beat()
    assert second.held


def test_each_project_has_a_lease_of_its_own(state: State, watch: Watch) -> None:
    assert Lease(state, "wine").try_take()
    assert Lease(state, "beer").try_take()
