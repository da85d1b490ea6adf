"""A bucket gives out its count at once, its rate in the long run, and no more; workers share it."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.access import Rate
from boucle.serving import limits
from boucle.serving.limits import Buckets, Limit

NOW = 1_800_000_000.25


@given(st.integers(1, 500), st.sampled_from([1, 60, 3600]))
def test_a_full_bucket_gives_out_its_count_at_once_and_not_one_more(count: int, seconds: int) -> None:
    limit = Limit(Rate(count, seconds), array("q", [0]))
    assert [limit.take(NOW) for _ in range(count)] == [0.0] * count
    assert limit.take(NOW) > 0


@given(st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_no_stretch_of_time_has_more_than_count_and_rate_allow(count: int, pauses: list[float]) -> None:
    limit, now, given_out = Limit(Rate(count, 1), array("q", [0])), NOW, []
    for pause in pauses:
        now += pause
        if limit.take(now) == 0.0:
            given_out.append(now)
    for first, start in enumerate(given_out):
        for last, end in enumerate(given_out[first:], 1):
            assert last <= count + (end - start) * count + 0.01


@given(st.integers(1, 1000), st.sampled_from([1, 60, 3600]))
def test_after_the_wait_it_names_there_is_a_token(count: int, seconds: int) -> None:
    limit = Limit(Rate(count, seconds), array("q", [0]))
    while not (wait := limit.take(NOW)):
        pass
    assert limit.take(NOW + wait + 1e-5) == 0.0


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    limit = Limit(Rate(1, 1), array("q", [0]))
    assert limit.take(NOW) == 0.0
    assert limit.take(NOW - 86_400) == 0.0
    assert limit.take(NOW - 86_400) > 0


def test_workers_share_the_bucket_of_a_name(tmp_path: Path) -> None:
    one, two = Buckets(tmp_path / "limits"), Buckets(tmp_path / "limits")
    rate = Rate(2, 60)
    two.limit("other", rate)
    taken = [buckets.limit("ci", rate).take(NOW) for buckets in (one, two, one)]
    assert taken[:2] == [0.0, 0.0]
    assert taken[2] > 0
    assert two.limit("other", rate).take(NOW) == 0.0
    one.close()
    two.close()


def test_without_a_file_names_have_buckets_of_their_own_that_last() -> None:
    buckets = Buckets()
    assert buckets.limit("a", Rate(1, 60)).take(NOW) == 0.0
    assert buckets.limit("a", Rate(1, 60)).take(NOW) > 0
    assert buckets.limit("b", Rate(1, 60)).take(NOW) == 0.0


def test_a_full_table_still_limits_in_each_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOTS", 2)
    monkeypatch.setattr(limits, "_SIZE", 32)
    buckets = Buckets(tmp_path / "limits")
    found = [buckets.limit(name, Rate(1, 60)) for name in "abc"]
    assert [limit.take(NOW) for limit in found] == [0.0] * 3
    assert all(limit.take(NOW) > 0 for limit in found)
    buckets.close()


def test_a_file_that_cannot_be_opened_leaves_limits_per_process(tmp_path: Path) -> None:
    (tmp_path / "limits").mkdir()
    limit = Buckets(tmp_path / "limits").limit("a", Rate(1, 60))
    assert limit.take(NOW) == 0.0
    assert limit.take(NOW) > 0
