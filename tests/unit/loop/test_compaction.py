"""Segments into the archive: nothing twice, nothing lost, nothing beyond the bounds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.alarm import Alarm
from boucle.core.errors import StoreError
from boucle.core.json import dumps
from boucle.core.observation import Feedback
from boucle.formats import block
from boucle.formats.block import Block
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, KIND_GAP, SegmentWriter
from boucle.loop.compaction import Compacted, Compaction
from boucle.loop.project import Project
from boucle.loop.upkeep import EVERY, Upkeep, collected_seldom
from boucle.monitoring.ingest import ingest
from boucle.project.settings import Settings
from boucle.testing.clock import FakeClock

NOON = 1_767_268_800.0
DAY = 86400.0


class World:
    """A project with a writer of segments, and a clock in the test's hands."""

    def __init__(self, folder: Path, **capture: Any) -> None:
        data = {"source": "wine.csv", "target": "quality"}
        told = {"name": "wine", "task": "tabular-regression", "data": data, "serve": {"capture": capture}}
        self.clock = FakeClock(NOON)
        self.project = Project(folder, Settings.model_validate(told), clock=self.clock)
        self.project.prepare()
        self.writer = self.another("w")
        self.compaction = Compaction(self.project)
        self.archive = ParquetArchive(None, self.project.root)

    def another(self, prefix: str) -> SegmentWriter:
        return SegmentWriter(self.project.segments, prefix)

    def see(self, *ids: str, time: float = NOON, writer: SegmentWriter | None = None) -> None:
        """Capture requests of one row each, as one call of the model."""
        many = len(ids)
        seen = Block(
            "wine", 3, list(ids), [time] * many, [0.001] * many, [1] * many, ["champion"] * many, [""] * many,
            [""] * many, ("alcohol",), "f", np.arange(many, dtype="<f8").tobytes(), {}, {"prediction": [6.0] * many},
        )  # fmt: skip
        assert (writer or self.writer).append([(KIND_BLOCK, block.encode(seen))], many)

    def hear(self, *ids: str) -> None:
        assert self.writer.append([(KIND_FEEDBACK, dumps(Feedback(id_, NOON, [6.5]))) for id_ in ids])

    def ingest(self) -> None:
        ingest(self.project.state, self.project.segments)

    @property
    def segments(self) -> list[str]:
        return sorted(path.name for path in self.project.segments.iterdir())

    @property
    def archived(self) -> list[str]:
        return sorted(self.archive.read("wine", 0.0, NOON + 1000 * DAY, ["id"])["id"])

    @property
    def cursors(self) -> dict[str, int]:
        with self.project.state.begin(write=False) as tx:
            return tx.observations.cursors()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.writer.close()
    world.project.close()


def test_a_closed_segment_goes_into_the_archive_and_away(world: World) -> None:
    world.see("a", "b")
    world.hear("a")
    world.writer.rotate()
    world.ingest()
    assert world.compaction.step() == Compacted(segments=1, rows=3)
    assert world.archived == ["a", "b"]
    assert world.archive.feedback(0.0, NOON + 1)["truth"].tolist() == ["6.5"]
    assert (world.segments, world.cursors) == ([], {})


def test_a_segment_somebody_may_still_write_to_stays(world: World) -> None:
    world.see("a")
    world.ingest()
    assert world.compaction.step(10) == Compacted()
    world.see("b")
    world.writer.rotate()
    world.ingest()
    world.see("c")
    assert world.compaction.step(10).segments == 1
    assert world.archived == ["a", "b"]
    assert len(world.segments) == 1


def test_a_segment_the_state_has_not_read_whole_stays(world: World) -> None:
    world.see("a")
    world.ingest()
    world.see("b")
    world.writer.rotate()
    assert world.compaction.step() == Compacted()
    world.ingest()
    assert world.compaction.step().rows == 2


def test_an_empty_segment_of_a_dead_worker_goes(world: World) -> None:
    world.project.segments.mkdir(parents=True)
    (world.project.segments / "dead-00000001.seg").touch()
    assert world.compaction.step() == Compacted(segments=1)
    assert world.segments == []


def test_what_was_archived_and_not_yet_removed_is_archived_once(world: World) -> None:
    world.see("a", "b")
    world.writer.rotate()
    world.ingest()
    (path,) = world.project.segments.iterdir()
    kept = path.read_bytes()
    world.compaction.step()
    path.write_bytes(kept)
    world.ingest()
    assert world.compaction.step().rows == 2
    assert world.archived == ["a", "b"]


def test_a_torn_tail_costs_only_itself_and_is_told(world: World) -> None:
    world.see("a")
    world.see("b")
    world.writer.rotate()
    (path,) = world.project.segments.iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    world.ingest()
    done = world.compaction.step()
    assert (done.rows, done.damaged) == (1, 0)
    assert done.torn > 7
    assert world.archived == ["a"]


def test_a_damaged_frame_in_the_middle_costs_only_itself_and_is_told(world: World) -> None:
    for name in ("first", "wrong", "third"):
        world.see(name)
    world.writer.rotate()
    (path,) = world.project.segments.iterdir()
    path.write_bytes(path.read_bytes().replace(b"wrong", b"wr0ng"))
    world.ingest()
    done = world.compaction.step()
    assert (done.rows, done.torn) == (2, 0)
    assert done.damaged > 7
    assert world.archived == ["first", "third"]


def test_workers_of_the_same_name_on_two_machines_keep_apart(world: World) -> None:
    for name in ("here", "there"):
        writer = world.another("same")
        world.see(name, writer=writer)
        writer.close()
        world.ingest()
        assert world.compaction.step().segments == 1
    assert world.archived == ["here", "there"]


def test_an_archive_that_is_away_loses_nothing(world: World) -> None:
    world.see("a")
    world.writer.rotate()
    world.ingest()
    blocked = world.project.root / "observations"
    blocked.write_text("in the way")
    with pytest.raises(StoreError):
        world.compaction.step()
    assert len(world.segments) == 1
    blocked.unlink()
    world.compaction.step()
    assert (world.archived, world.segments) == (["a"], [])


def test_what_is_too_old_goes(world: World) -> None:
    for age in (40, 31, 29, 0):
        world.see(f"{age:02}", time=NOON - age * DAY)
    world.writer.rotate()
    world.ingest()
    assert world.compaction.step().dropped == 2
    assert world.archived == ["00", "29"]
    world.clock.advance(2 * DAY)
    assert world.compaction.step().dropped == 1


def test_the_oldest_parts_go_when_the_disk_bound_is_near(tmp_path: Path) -> None:
    world = World(tmp_path, max_disk="10MB")
    for age in (3, 2, 1):
        noise = np.random.default_rng(age).bytes(4_200_000).hex()
        world.see(
            *(f"{age}{noise[place : place + 8400]}" for place in range(0, len(noise), 8400)), time=NOON - age * DAY
        )
        world.writer.rotate()
        world.ingest()
        done = world.compaction.step()
    assert done.dropped >= 1
    assert done.above == 0
    assert {name[0] for name in world.archived} < {"1", "2", "3"}
    assert "1" in {name[0] for name in world.archived}
    world.project.close()


def alarms(world: World) -> list[Alarm]:
    with world.project.state.begin(write=False) as tx:
        return tx.alarms.all()


def test_segments_alone_above_the_bound_are_told(tmp_path: Path) -> None:
    world = World(tmp_path, max_disk="10MB")
    world.project.segments.mkdir(parents=True)
    (world.project.segments / "big.other").write_bytes(bytes(10_000_000))
    assert world.compaction.step().above == 1_000_000
    Upkeep(world.project).look(0)
    (told,) = alarms(world)
    assert "1 MB above" in told.reason
    assert told.cause == "capture"
    world.project.close()


def test_what_the_data_plane_dropped_is_an_alarm_and_quiet_looks_resolve_it(world: World) -> None:
    upkeep = Upkeep(world.project)
    assert world.writer.append([(KIND_GAP, block.encode({"dropped": 7, "first": 1.0, "last": 2.0}))])
    taken = ingest(world.project.state, world.project.segments)
    assert taken.dropped == 7
    upkeep.look(taken.dropped)
    (alarm,) = alarms(world)
    assert "7 requests" in alarm.reason
    assert "max_disk" in alarm.data["done"]
    for _ in range(3):
        world.clock.advance(EVERY)
        upkeep.look(0)
    assert [alarm.state for alarm in alarms(world)] == ["resolved"]


def test_a_failing_archive_is_one_alarm_and_the_keeper_goes_on(world: World) -> None:
    world.see("a")
    world.writer.rotate()
    world.ingest()
    (world.project.root / "observations").write_text("in the way")
    upkeep = Upkeep(world.project)
    for _ in range(2):
        upkeep.look(0)
        world.clock.advance(EVERY)
    (alarm,) = alarms(world)
    assert "compaction failed" in alarm.reason
    assert len(world.segments) == 1


def test_a_torn_tail_and_dropped_parts_are_in_the_history(world: World) -> None:
    world.see("old", time=NOON - 40 * DAY)
    world.see("torn")
    world.writer.rotate()
    (path,) = world.project.segments.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    world.ingest()
    Upkeep(world.project).look(0)
    assert alarms(world) == []
    with world.project.state.begin() as tx:
        (event,) = tx.journal.events(kinds=("capture",))
    assert "1 parts" in event.reason
    assert "never finished" in event.reason


def test_garbage_is_looked_for_as_before_once_the_keeper_ends() -> None:
    before = gc.get_threshold()
    with collected_seldom():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before
