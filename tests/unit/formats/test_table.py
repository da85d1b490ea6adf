"""Records by column hold what the same records hold one by one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.json import dumps
from boucle.core.observation import Observation
from boucle.core.observed import ObservedRows
from boucle.formats import block
from boucle.formats.block import Block
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, KIND_OBSERVATION, SegmentWriter, read_entries
from boucle.formats.table import observed

VALUES = {
    "f": st.floats(allow_nan=True, allow_infinity=False),
    "i": st.one_of(st.integers(-(2**53), 2**53).map(float), st.just(math.nan)),
    "b": st.sampled_from([0.0, 1.0, math.nan]),
}
TEXTS = st.one_of(st.none(), st.text(max_size=3))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    rows = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    height, many = sum(rows), len(rows)
    kinds = draw(st.text("fib", max_size=3))
    columns = [[draw(VALUES[kind]) for _ in range(height)] for kind in kinds]
    matrix = np.array(columns, dtype="<f8").reshape(len(kinds), height).T
    others = draw(st.sampled_from([(), ("city",)]))
    told = draw(st.sampled_from([(), ("prediction",), ("prediction", "probabilities")]))
    return Block(
        "wine",
        draw(st.integers(1, 2)),
        [draw(st.text(max_size=3)) for _ in rows],
        [draw(st.floats(0, 1e9)) for _ in rows],
        [0.5] * many,
        rows,
        ["champion"] * many,
        [""] * many,
        [draw(st.sampled_from(["", "", "model_error"])) for _ in rows],
        tuple(f"c{place}" for place in range(len(kinds))),
        kinds,
        matrix.tobytes(),
        {name: [draw(TEXTS) for _ in range(height)] for name in others},
        {name: [draw(st.integers(-9, 9)) for _ in range(height)] for name in told},
    )


def plain(value: Any) -> Any:
    """Return what stands for a value on both sides: whatever says "missing" is None."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is np.ma.masked or value != value else value


def by_column(parts: list[ObservedRows]) -> list[tuple[Any, ...]]:
    found = []
    for part in parts:
        start = 0
        for place, count in enumerate(part.counts.tolist()):
            for row in range(count):
                inputs = {n: got for n, v in part.inputs.items() if (got := plain(v[start + row])) is not None}
                outputs = {n: got for n, v in part.outputs.items() if (got := plain(v[start + row])) is not None}
                about = (part.ids[place], part.version, part.times[place], part.errors[place], int(part.rows[place]))
                found.append((*about, row, inputs, outputs))
            start += count
    return sorted(found, key=repr)


def one_by_one(seen: list[Observation]) -> list[tuple[Any, ...]]:
    found = []
    for one in seen:
        for row in range(max(one.rows, 1)):
            inputs = {n: v[row] for n, v in one.inputs.items() if row < len(v) and v[row] is not None}
            outputs = {n: v[row] for n, v in one.outputs.items() if row < len(v) and v[row] is not None}
            found.append((one.id, one.version, one.time, one.error, one.rows, row, inputs, outputs))
    return sorted(found, key=repr)


@settings(deadline=None, max_examples=150)
@given(seen=st.lists(blocks(), max_size=5), chunk=st.integers(1, 20))
def test_columns_hold_what_the_requests_hold(seen: list[Block], chunk: int) -> None:
    records = [(KIND_BLOCK, block.encode(one)) for one in seen]
    requests = [request for one in seen for request in block.observations(one)]
    assert by_column(list(observed(records, chunk))) == one_by_one(requests)


def test_requests_written_one_by_one_stand_beside_blocks() -> None:
    first = Observation("a", 1.0, "wine", 1, "champion", 2, {"x": [1, 2], "y": ["p", None]}, {"prediction": [3, 4]})
    second = Observation("b", 2.0, "wine", 1, "champion", 1, {"x": [5]}, {}, error="model_error")
    records = [(KIND_OBSERVATION, dumps(first)), (KIND_FEEDBACK, b"{}"), (KIND_OBSERVATION, dumps(second))]
    assert by_column(list(observed(records))) == one_by_one([first, second])


def test_what_cannot_be_read_is_left_out() -> None:
    assert list(observed([(KIND_BLOCK, b"\x90"), (KIND_OBSERVATION, b"{"), (9, b"later")])) == []


def test_columns_come_in_chunks() -> None:
    one = Block("m", 1, ["a"], [1.0], [0.0], [1], ["champion"], [""], [""], ("x",), "f", bytes(8), {}, {})
    parts = list(observed([(KIND_BLOCK, block.encode(one))] * 7, chunk=3))
    assert [len(part.ids) for part in parts] == [3, 3, 1]


def test_entries_make_requests_of_blocks_and_of_single_records(tmp_path: Path) -> None:
    one = Block("m", 1, ["a", "b"], [1.0] * 2, [0.0] * 2, [1] * 2, ["champion"] * 2, [""] * 2, [""] * 2,
                ("x", "n"), "fi", np.array([[1.5, 2.0], [np.nan, np.nan]]).tobytes(), {}, {"p": [1, 2]})  # fmt: skip
    single = Observation("c", 2.0, "m", 1, "champion", 1, {"x": [1.0]}, {"p": [3]})
    writer = SegmentWriter(tmp_path, "w")
    writer.append([(KIND_BLOCK, block.encode(one)), (KIND_OBSERVATION, dumps(single))])
    writer.close()
    found = read_entries(tmp_path, {})
    assert len(found) == 3
    inputs = [(seen.id, seen.inputs) for seen in found.observations()]
    assert inputs == [("a", {"x": [1.5], "n": [2]}), ("b", {"x": [None], "n": [None]}), ("c", {"x": [1.0]})]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_a_failed_request_among_others_has_no_outputs(chunk: int) -> None:
    seen = Block("m", 1, ["a", "b"], [1.0] * 2, [0.0] * 2, [1] * 2, ["champion"] * 2, [""] * 2, ["", "model_error"],
                 ("x",), "f", np.array([1.0, 2.0]).tobytes(), {}, {"prediction": [7, 8]})  # fmt: skip
    (part,) = observed([(KIND_BLOCK, block.encode(seen))], chunk)
    assert part.outputs == {"prediction": [7, None]}
    assert list(part.inputs["x"]) == [1.0, 2.0]
