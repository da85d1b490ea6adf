"""A message says what was found, what was done and what to type; nothing in the data can break it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from boucle.core.alarm import Alarm
from boucle.core.json import to_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.messages import MOST_SHOWN, write
from boucle.loop.pictures import HEIGHT, MOST_BINS, WIDTH, histogram

CHECK = Check("alcohol", "fail", 0.42, "< 0.1", 0.31, 0.53, 2000, "changed over 3 windows")
DONE = {"done": "rolled back to wine/2", "undo": "boucle promote wine/3", "window": {"start": 0.0, "end": 3600.0}}


def alarm(*checks: Check, cause: str = "drift", data: dict[str, Any] | None = None) -> Alarm:
    verdict = Verdict.of("wine/3", cause, checks)
    return Alarm(7, "wine", cause, 7200.0, "the reason", 3, data={"verdict": to_data(verdict), **(data or {})})


def test_a_message_has_all_a_person_needs() -> None:
    told = write(alarm(CHECK, Check("pH", "pass"), data=DONE))
    assert told.title == "wine: data drift in alcohol"
    assert told.text == (
        "alcohol: effect 0.42 [0.31, 0.53] (bound < 0.1), 2000 rows; changed over 3 windows\n\n"
        "First window: 1970-01-01 00:00:00 UTC – 1970-01-01 01:00:00 UTC\n"
        "Alarm open since: 1970-01-01 02:00:00 UTC\n"
        "Version: wine/3\n"
        "Done: rolled back to wine/2\n"
        "Undo: boucle promote wine/3\n"
        "See more: boucle alarms 7\n"
        "Acknowledge: boucle ack 7\n"
    )


def test_the_same_in_french() -> None:
    told = write(alarm(CHECK, data=DONE), "fr")
    assert told.title == "wine : dérive des données dans alcohol"
    assert "Annuler : boucle promote wine/3" in told.text
    assert "2000 lignes" in told.text


def test_an_alarm_without_a_verdict_gives_its_reason() -> None:
    told = write(Alarm(1, "wine", "external:DiskFull", 0.0, "DiskFull: 90 % full"))
    assert told.title == "wine: DiskFull"
    assert told.text.startswith("DiskFull: 90 % full\n")
    assert "Done: nothing but this message" in told.text
    assert told.picture == b""


def test_of_many_columns_some_are_named_and_the_rest_counted() -> None:
    told = write(alarm(*(replace(CHECK, name=f"c{i}") for i in range(40))))
    assert told.title == "wine: data drift in 40 columns"
    assert f"and {40 - MOST_SHOWN} more" in told.text


def test_a_fault_is_titled_by_its_column() -> None:
    checks = [Check(f"pH {kind}", "fail", evidence={"column": "pH"}) for kind in ("missing", "far")]
    assert write(alarm(*checks, cause="fault")).title == "wine: broken data in pH"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
checks = st.fixed_dictionaries(
    {"status": st.just("fail"), "bound": st.sampled_from(["< 0.1", None, 3])},
    optional=dict.fromkeys(("name", "observed", "low", "high", "n", "note", "evidence"), anything),
)
keys = st.fixed_dictionaries(
    {},
    optional={
        "verdict": st.fixed_dictionaries({"checks": st.lists(checks, max_size=8)}, optional={"inputs": anything}),
        "window": st.fixed_dictionaries({}, optional={"start": anything, "end": anything}) | anything,
        "done": anything,
        "undo": anything,
    },
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.seen.add(tag)


@settings(max_examples=60)
@given(st.text(), st.text(), st.floats(), keys)
def test_whatever_an_alarm_holds_it_is_told_on_lines_of_ours(cause: str, reason: str, time: float, data: Any) -> None:
    told = write(Alarm(7, "wine", cause, time, reason, data=data))
    assert told.title.isprintable()
    assert told.text.splitlines() == told.text.removesuffix("\n").split("\n")
    assert "@" not in told.text + told.title
    tags = Tags()
    tags.feed(told.html)
    assert tags.seen <= {"h3", "ul", "li", "table", "tr", "td", "code", "p"}
    assert told.text.endswith("Acknowledge: boucle ack 7\n")


@settings(max_examples=40)
@given(st.lists(st.tuples(*2 * [st.integers(0, 10**9)]), min_size=1, max_size=20))
def test_a_histogram_is_a_picture_others_can_read(counts: list[tuple[int, int]]) -> None:
    drawn = histogram(*zip(*counts, strict=True))
    if any(a for a, _ in counts) and any(b for _, b in counts):
        with Image.open(BytesIO(drawn)) as picture:
            picture.load()
            assert picture.size == (WIDTH, HEIGHT)
            assert {2, 3} <= {index for _, index in picture.getcolors() or []}
    else:
        assert drawn == b""


@pytest.mark.parametrize(
    ("reference", "current"),
    [([], []), ([1], [1, 2]), ([0, 0], [1, 1]), ([-1, 2], [1, 1]), (["a"], ["b"]), ([float("nan")], [1.0]),
     ([1] * (MOST_BINS + 1), [1] * (MOST_BINS + 1)), ([[1]], [[1]])],
)  # fmt: skip
def test_what_is_no_histogram_is_not_drawn(reference: Any, current: Any) -> None:
    assert histogram(reference, current) == b""
