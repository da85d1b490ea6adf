"""Of two keepers of one project one looks; the other waits its turn, and who lost the lease acts no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from boucle.core.errors import Conflict
from boucle.loop.keeper import Keeper
from boucle.loop.lease import Held, Lease

from .conftest import World


class Running:
    """A keeper that runs in a thread, and what it says."""

    def __init__(self, world: World) -> None:
        self.said: list[str] = []
        self.stop = threading.Event()
        self.keeper = Keeper(world.project.acting("keeper"), self.said.append)
        self.thread = threading.Thread(target=self.keeper.run, args=(self.stop, 0.05), daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(90)
        assert not self.thread.is_alive()


def until(happens: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_look_waits_for_no_keeper_that_has_ended(world: World) -> None:
    first = Running(world)
    until(lambda: Lease(world.project.origin.state, "line").holder())
    first.end()
    assert world.keeper.once(patience=0.0).actions == []


def test_a_look_beside_a_running_keeper_is_refused(world: World) -> None:
    other = Lease(world.project.state, "line")
    assert other.try_take()
    with pytest.raises(Conflict, match="Another keeper"):
        world.keeper.once(patience=0.0)
    assert world.events("decision") == []


def test_a_keeper_whose_lease_was_taken_says_so_and_waits(world: World) -> None:
    running = Running(world)
    lease = Lease(world.project.state, "line")
    until(lease.holder)
    plain = running.keeper.project.origin.state
    with plain._state.begin() as tx:  # type: ignore[attr-defined]
        tx.settings.put("lease:line", {"number": 99, "beat": 0, "holder": "elsewhere:1"})
    until(lambda: any("taken over" in line for line in running.said))
    until(lambda: any("this one waits" in line for line in running.said))
    running.end()
    with world.project.state.begin(write=False) as tx:
        assert tx.settings.get("lease:line") == {"number": 99, "beat": 0, "holder": "elsewhere:1"}
    assert Held(99).holder == ""
