"""What leaves the live state is in the archive, with all that came back about it, wherever the keeper is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from boucle.core.deployment import Rollout
from boucle.core.observation import Feedback
from boucle.formats.block import Block, encode
from boucle.formats.segment import KIND_BLOCK, SegmentWriter
from boucle.loop import retention
from boucle.loop.archived import labelled, table
from boucle.loop.lessons import Span, gather
from boucle.loop.retention import Retention, forgotten, horizon
from boucle.loop.upkeep import EVERY, SELDOM, Upkeep
from boucle.ports.stores import State, Transaction

from .captured import DAY, NOON, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.project.close()


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the program catches it."""


class Mortal:
    """A state, and an archive, that kill their user once the ``step``-th change was made."""

    def __init__(self, world: World, step: int) -> None:
        self.state, self.archive, self.left = world.project.state, world.compaction.archive, step

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[Transaction]:
        with self.state.begin(write) as tx:
            yield tx
        self._changed(write)

    def write(self, *arguments: Any) -> int:
        rows = self.archive.write(*arguments)
        self._changed(True)
        return rows

    def _changed(self, write: bool) -> None:
        self.left -= write
        if write and self.left == 0:
            raise Killed


def test_requests_that_are_archived_and_old_leave_the_live_state(world: World) -> None:
    world.see("old", "older", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    assert world.retention().step() == 2
    assert world.ids() == ["new"]
    with world.project.state.begin(write=False) as tx:
        assert tx.observations.feedback(["old"]) == []
        assert (forgotten(tx, "wine").requests, forgotten(tx, "wine").rows) == (2, 2)
    assert world.retention().step() == 0


def test_all_of_it_is_read_back_with_its_truth(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    world.retention().step()
    found = table(world.project, "wine", 0.0, NOON)
    assert found["id"].tolist() == ["old", "new"]
    assert found["truth"].tolist() == [7.5, 7.5]
    assert labelled(world.project, 0.0, NOON).inputs == {"alcohol": [0.0, 0.0]}


def test_a_retraining_learns_from_what_is_in_the_archive_only(world: World) -> None:
    world.see("old", "older", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    world.retention().step()
    world.hear(Feedback("older", NOON, [5.5]))
    base = pd.DataFrame({"alcohol": [9.0], "quality": [3.0]})
    learned = gather(world.project, Span(), base)
    assert learned.labelled == 3
    assert learned.frame["alcohol"].tolist() == [9.0, 0.0, 1.0, 0.0]
    assert learned.frame["quality"].tolist() == [3.0, 7.5, 5.5, 7.5]
    assert gather(world.project, Span(since=NOON - 2 * DAY), base).labelled == 1


def test_the_newest_requests_stay_however_old_they_are(world: World) -> None:
    for place in range(6):
        world.see(f"r{place}", time=NOON - (90 - place) * DAY)
    assert world.retention(least=4).step() == 2
    assert world.ids() == ["r2", "r3", "r4", "r5"]


def test_what_no_window_has_counted_stays(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    with world.project.state.begin() as tx:
        tx.settings.put("window:wine:1", None)
    assert world.retention().step() == 0


def test_what_a_segment_may_still_hold_stays(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    writer = SegmentWriter(world.project.segments, "open")
    late = Block(
        "wine", 1, ["x"], [NOON - 6 * DAY], [0.0], [1], ["champion"], [""], [""], ("alcohol",), "f", bytes(8), {}, {}
    )
    writer.append([(KIND_BLOCK, encode(late))])
    assert world.retention().step() == 0
    writer.close()


def test_a_rollout_keeps_all_there_is_since_its_start(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    with world.project.state.begin() as tx:
        begun = Rollout("r", 2, "canary", "stepping", NOON - 6 * DAY, NOON - 6 * DAY)
        tx.deployments.put(tx.deployments.get("wine").starting(begun))
    assert world.retention().step() == 0


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_anywhere_nothing_is_lost_and_the_next_call_goes_on(
    world: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    ids = [f"r{place}" for place in range(5)]
    for place, id_ in enumerate(ids):
        world.see(id_, time=NOON - (9 - place) * DAY)
    world.hear(Feedback("r0", NOON, event="sale", value=2.0), Feedback("r1", NOON, [8.5]))
    mortal: Any = Mortal(world, step)
    plain: State = world.project.state
    world.project.__dict__["state"] = mortal
    with suppress(Killed):
        Retention(world.project, lambda: mortal, 1).step()
    world.project.__dict__["state"] = plain
    assert table(world.project, "wine", 0.0, NOON)["id"].tolist() == ids
    while world.retention().step():
        pass
    found = table(world.project, "wine", 0.0, NOON)
    assert found["id"].tolist() == ids
    assert found["truth"].tolist() == [7.5, 8.5, 7.5, 7.5, 7.5]
    assert (found["count_sale"].tolist()[0], found["value_sale"].tolist()[0]) == (1, 2.0)
    assert world.ids() == ["r4"]


def test_truth_that_comes_in_between_is_not_lost(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)

    class Slow:
        """An archive during whose writing somebody tells the truth."""

        def write(slow, *arguments: Any) -> int:
            world.hear(Feedback("old", NOON, [9.5]))
            return world.compaction.archive.write(*arguments)

    slow: Any = Slow()
    assert Retention(world.project, lambda: slow, 1).step() == 0
    assert world.retention().step() == 1
    assert table(world.project, "wine", 0.0, NOON)["truth"].tolist() == [9.5, 7.5]


def test_truth_that_comes_too_late_is_joined_through_the_archive(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY, truth=False)
    world.see("new", time=NOON - DAY)
    retention_ = world.retention()
    retention_.step()
    world.hear(Feedback("old", NOON, [5.5]))
    assert table(world.project, "wine", 0.0, NOON)["truth"].tolist() == [5.5, 7.5]
    world.clock.advance(4 * DAY)
    world.see("later", time=world.clock.now())  # the newest label marks how far labels were read, and stays
    while retention_.step():
        pass
    retention_.step()
    with world.project.state.begin(write=False) as tx:
        assert tx.observations.feedback(["old"]) == []
    assert table(world.project, "wine", 0.0, NOON)["truth"].tolist() == [5.5, 7.5]


def test_labels_that_come_behind_what_went_are_still_new(world: World) -> None:
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY, truth=False)
    world.hear(Feedback("old", NOON, [5.5]))
    with world.project.state.begin(write=False) as tx:
        _, after = tx.observations.labelled("wine", (1,), 0.0, (0, 0))
    world.retention().step()
    world.hear(Feedback("new", NOON, [6.5]))
    with world.project.state.begin(write=False) as tx:
        found, _ = tx.observations.labelled("wine", (1,), 0.0, after)
    assert found.truths == [6.5]


def test_the_file_does_not_grow_while_as_much_goes_as_comes(world: World) -> None:
    sizes = []
    for day in range(8):
        world.see(*(f"d{day}-{place}" for place in range(800)), time=NOON + day * DAY, truth=False)
        world.clock.advance(DAY)
        while world.retention().step():
            pass
        with world.project.state.begin(write=False) as tx:
            sizes.append((tx.observations.count("wine"), (world.project.root / "state.db").stat().st_size))
    assert sizes[-1][0] == sizes[-3][0]
    assert sizes[-1][1] <= sizes[-3][1] * 1.05


def test_the_horizon_is_never_below_what_windows_read(tmp_path: Path) -> None:
    world = World(tmp_path, monitor={"window": "1w"})
    assert horizon(world.project.settings) == 14 * DAY
    world.project.close()


def test_the_keeper_does_it_now_and_then(world: World) -> None:
    upkeep = Upkeep(world.project)
    upkeep._retention._least = 1
    upkeep.look(0)
    world.see("old", time=NOON - 5 * DAY)
    world.see("new", time=NOON - DAY)
    world.clock.advance(EVERY)
    upkeep.look(0)
    assert world.ids() == ["old", "new"]
    world.clock.advance(SELDOM)
    upkeep.look(0)
    assert world.ids() == ["new"]
