"""Whoever asks for what was observed gets all of it once, wherever it lies and whatever came back about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import NotFound
from boucle.core.observation import Feedback
from boucle.formats.block import Block, encode
from boucle.formats.segment import KIND_BLOCK, SegmentWriter
from boucle.loop.archived import export, table

from .captured import DAY, NOON, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.project.close()


def answered(writer: SegmentWriter, *ids: str, version: int = 1, role: str = "champion") -> None:
    """Capture requests in a segment that stays open."""
    many = len(ids)
    seen = Block(
        "wine", version, list(ids), [NOON] * many, [0.0] * many, [1] * many, [role] * many, [""] * many,  # type: ignore[list-item]
        [""] * many, ("alcohol",), "f", np.ones(many).tobytes(), {}, {"prediction": [5.0] * many},
    )  # fmt: skip
    assert writer.append([(KIND_BLOCK, encode(seen))])


def test_what_is_not_archived_yet_is_there_too_and_nothing_twice(world: World) -> None:
    world.see("archived", time=NOON)
    writer = SegmentWriter(world.project.segments, "open")
    answered(writer, "archived", "open")
    assert table(world.project, "wine", 0.0, NOON + 1)["id"].tolist() == ["archived", "open"]
    writer.close()


def test_a_shadow_s_answer_to_the_same_request_stands_beside_it(world: World) -> None:
    writer = SegmentWriter(world.project.segments, "open")
    answered(writer, "a")
    answered(writer, "a", version=2, role="shadow")
    world.hear(Feedback("a", NOON, ["x"]))
    found = table(world.project, "wine", 0.0, NOON + 1)
    assert sorted(zip(found["version"], found["role"], found["truth"], strict=True)) == [
        (1, "champion", "x"), (2, "shadow", "x"),
    ]  # fmt: skip
    assert table(world.project, "wine", 0.0, NOON + 1, version=2)["role"].tolist() == ["shadow"]
    writer.close()


def test_the_newest_truth_wins_whichever_way_it_came(world: World) -> None:
    world.see("a", "b", time=NOON - DAY)
    world.hear(Feedback("a", NOON, [8]), Feedback("b", NOON - 2 * DAY, [9]))
    found = table(world.project, "wine", 0.0, NOON)
    assert found["truth"].tolist() == [8.0, 7.5]
    assert found["truth_time"].tolist()[0].timestamp() == NOON


def test_truths_of_several_kinds_stay_as_they_were_told(world: World) -> None:
    world.see("a", "b", "c", time=NOON - DAY, truth=False)
    world.hear(Feedback("a", NOON, [1]), Feedback("b", NOON, ["red"]))
    assert [json.loads(text) for text in table(world.project, "wine", 0.0, NOON)["truth"].dropna()] == [1, "red"]


def test_events_are_counted_and_their_values_summed(world: World) -> None:
    world.see("a", "b", time=NOON - DAY)
    events = [Feedback("a", NOON + second, event="sale", value=1.5) for second in (1, 2)]
    world.hear(*events, Feedback("b", NOON, event="click"))
    found = table(world.project, "wine", 0.0, NOON)
    assert found["count_sale"].tolist() == [2, 0]
    assert found["value_sale"].tolist()[0] == 3.0
    assert found["count_click"].tolist() == [0, 1]
    assert "value_click" not in found


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_a_file_holds_the_span_that_was_asked_for(world: World, tmp_path: Path, name: str) -> None:
    for age in (3, 2, 1):
        world.see(f"r{age}", time=NOON - age * DAY)
    done = export(world.project, "wine", NOON - 2 * DAY, NOON - DAY, tmp_path / name)
    assert (done.rows, done.requests, done.labelled) == (1, 1, 1)
    found = pd.read_csv(tmp_path / name) if name.endswith("csv") else pd.read_parquet(tmp_path / name)
    assert found[["id", "in_alcohol", "out_prediction", "truth"]].to_numpy().tolist() == [["r2", 0.0, 6.0, 7.5]]


def test_nothing_in_a_span_is_told_and_no_file_is_left(world: World, tmp_path: Path) -> None:
    world.see("a", time=NOON - DAY)
    with pytest.raises(NotFound, match="Nothing was asked"):
        export(world.project, "wine", NOON, NOON + DAY, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
