from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.core.observation import Feedback
from boucle.core.signature import Field, Signature
from boucle.formats.segment import read_new
from boucle.serving.batcher import Job
from boucle.serving.capture import Capture, Kept
from boucle.serving.feedback import receive
from boucle.serving.messages import Asked

NUMBER = Field("prediction", "float64")
LABEL = Field("prediction", "string", categories=("no", "yes"))


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Capture]:
    """A worker that has answered ``n`` (two numbers) and ``c`` (one label)."""
    made = Capture(tmp_path, "w", 1 << 20, b"key")
    for name, rows, field in (("n", 2, NUMBER), ("c", 1, LABEL)):
        kept = Kept(Signature((), (field,)))
        made.observe("m", 1, kept, [Job(None, Asked({"x": np.zeros(rows)}), name)], [""], {})
    yield made
    made.close()


def kept(folder: Path) -> list[Feedback]:
    return read_new(folder, {})[1]


def test_truths_and_events_are_kept_and_told_apart(capture: Capture, tmp_path: Path) -> None:
    entries = [
        {"id": "n", "truth": [1, None]},
        {"id": "c", "truth": "yes"},
        {"id": "later", "event": "sale", "value": 9},
    ]
    taken = receive(entries, capture)
    assert (taken.received, taken.joined, taken.pending, taken.refused) == (3, 2, 1, [])
    assert [(one.id, one.truth, one.event, one.value) for one in kept(tmp_path)] == [
        ("n", [1, None], "", None),
        ("c", ["yes"], "", None),
        ("later", None, "sale", 9.0),
    ]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("n", "malformed"),
        ({"truth": 1}, "missing_id"),
        ({"id": "a b", "truth": 1}, "bad_id"),
        ({"id": "n", "turth": 1}, "unknown_key"),
        ({"id": "n", "truth": 1}, "wrong_shape"),
        ({"id": "n", "truth": [1, "2"]}, "wrong_type"),
        ({"id": "n", "truth": [1, True]}, "wrong_type"),
        ({"id": "n", "truth": [None, None]}, "missing_value"),
        ({"id": "n", "truth": [1, 2], "event": "sale"}, "malformed"),
        ({"id": "c", "truth": "Yes"}, "unknown_category"),
        ({"id": "later", "truth": {"a": 1}}, "wrong_type"),
        ({"id": "later", "event": ""}, "malformed"),
        ({"id": "later", "event": "sale", "value": "9"}, "wrong_type"),
        ({"id": "later", "event": "sale", "value": 10**400}, "wrong_type"),
        ({"id": "later", "event": "sale", "time": -1}, "wrong_type"),
    ],
)
def test_a_wrong_entry_is_refused_with_a_code(capture: Capture, tmp_path: Path, entry: Any, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        receive(entry, capture)
    assert caught.value.facts["code"] == code
    assert kept(tmp_path) == []


def test_wrong_entries_do_not_harm_the_others(capture: Capture, tmp_path: Path) -> None:
    taken = receive([{"id": "c", "truth": "maybe"}, {"id": "c", "truth": "no"}], capture)
    assert (taken.received, [(r["index"], r["id"]) for r in taken.refused]) == (1, [(0, "c")])
    assert [one.truth for one in kept(tmp_path)] == [["no"]]


def test_feedback_that_cannot_be_written_is_not_said_to_be_received(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="could not be written"):
        receive({"id": "a", "truth": 1}, Capture(tmp_path / "file" / "segments", "w", 1000, b"key"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.dictionaries(st.sampled_from(["id", "truth", "event", "value", "time", "x"]), JSON, max_size=4) | JSON


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.lists(ENTRIES, max_size=4) | ENTRIES)
def test_no_garbage_raises_anything_but_a_request_error(capture: Capture, data: Any) -> None:
    try:
        taken = receive(data, capture)
    except RequestError:
        return
    assert taken.received == taken.joined + taken.pending > 0
