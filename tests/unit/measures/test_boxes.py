"""Boxes are read as they are written, and counted against each other as PASCAL VOC counts them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.signature import Column
from boucle.measures.alike import alike
from boucle.measures.boxes import CORNERS, boxes_of, counts, overlap
from boucle.measures.derived import answered
from boucle.measures.metrics import compute
from boucle.measures.structured import readable

SIDES = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 50)] * 2)


def box(label: str, *corners: float, score: float | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"label": label, "box": dict(zip(CORNERS, corners, strict=True))}
    return told if score is None else {**told, "score": score}


def objects(values: list[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


CAR, DOG = box("car", 0, 0, 10, 10), box("dog", 20, 20, 40, 40)


@pytest.mark.parametrize(
    ("told", "hits"),
    [
        ([CAR, DOG], 2),
        ([box("car", 0, 0, 10, 5)], 1),
        ([box("car", 0, 0, 10, 4.9)], 0),
        ([box("dog", 0, 0, 10, 10)], 0),
        ([box("car", 0, 0, 10, 10, score=0.9), box("car", 0, 0, 10, 9, score=0.8)], 1),
        ([], 0),
    ],
)
def test_a_box_is_right_with_its_label_and_half_of_the_area_and_once(told: list[Any], hits: int) -> None:
    assert counts([[CAR, DOG]], [told]).tolist() == [[hits, len(told), 2]]


def test_the_surer_box_takes_the_thing_it_overlaps_most() -> None:
    truth = [box("car", 0, 0, 10, 10), box("car", 0, 0, 10, 20)]
    told = [box("car", 0, 0, 10, 15, score=0.4), box("car", 0, 0, 10, 19, score=0.9)]
    assert counts([truth], [told]).tolist() == [[2, 2, 2]]


def test_metrics_are_those_of_all_boxes_together() -> None:
    truth, told = objects([[CAR, DOG], [CAR], []]), objects([[CAR], [CAR, DOG], []])
    assert compute("box_precision", truth, told) == pytest.approx(2 / 3)
    assert compute("box_recall", truth, told) == pytest.approx(2 / 3)
    assert compute("box_f1", truth, told) == pytest.approx(2 / 3)


@given(SIDES, SIDES)
def test_overlap_is_a_share_the_same_both_ways_and_whole_with_itself(one: Any, other: Any) -> None:
    first, second = ((left, top, left + wide, top + high) for left, top, wide, high in (one, other))
    assert 0.0 <= overlap(first, second) == overlap(second, first) <= 1.0
    assert overlap(first, first) == 1.0


def test_boxes_are_read_from_objects_and_from_json_the_surest_first() -> None:
    told = [{**DOG, "score": 0.2}, {**CAR, "score": 0.7}]
    assert boxes_of(json.dumps(told)) == boxes_of(told)
    assert [one.label for one in boxes_of(told)] == ["car", "dog"]
    assert boxes_of(None) == boxes_of("") == boxes_of(float("nan")) == ()


@pytest.mark.parametrize(
    "wrong",
    ["[", "car", 3, [3], [{"label": "car"}], [box("car", 0, 0, 10, float("nan"))], [box("car", 9, 0, 1, 1)],
     [{"label": "car", "box": {"xmin": 0, "ymin": 0, "xmax": 3}}], [{"label": "car", "box": [0, 0, 1, 1]}]],
)  # fmt: skip
def test_what_is_no_list_of_boxes_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"box|corner"):
        boxes_of(wrong)


def test_two_models_are_alike_that_find_the_same_things() -> None:
    moved = box("car", 1, 0, 10, 10, score=0.4)
    before, after = objects([[CAR], [CAR], [], [CAR]]), objects([[moved], [DOG], [], [CAR, DOG]])
    assert alike("boxes", {"prediction": before}, {"prediction": after}).tolist() == [True, False, True, False]


def test_boxes_are_watched_by_how_many_there_are() -> None:
    assert answered("boxes", objects([[CAR, DOG], []])).tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "truth", "right"),
    [
        ("boxes", [CAR], True),
        ("boxes", [], True),
        ("boxes", [{"label": "car"}], False),
        ("boxes", {"label": "car"}, False),
        ("spans", [{"label": "A", "start": 0, "end": 2}], True),
        ("spans", [{"label": "A", "start": None, "end": 2}], False),
        ("spans", None, False),
        ("text", "a better one", True),
        ("text", None, False),
    ],
)
def test_a_truth_that_cannot_be_read_is_told_from_one_that_can(kind: Any, truth: Any, right: bool) -> None:
    assert readable(kind, truth) is right
