from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.verdict import Check, Status, Verdict

STATUSES: list[Status] = ["pass", "fail", "inconclusive"]


@given(st.lists(st.sampled_from(STATUSES), max_size=8))
def test_one_failure_fails_and_only_all_passing_passes(statuses: list[Status]) -> None:
    verdict = Verdict.of("wine/2", "gate", (Check(f"c{n}", s) for n, s in enumerate(statuses)))
    if "fail" in statuses:
        assert verdict.status == "fail"
    elif statuses and set(statuses) == {"pass"}:
        assert verdict.status == "pass"
    else:
        assert verdict.status == "inconclusive"
    assert len(verdict.failed) == statuses.count("fail")


def test_no_data_is_never_a_pass() -> None:
    empty = Verdict.of("wine/2", "drift", [])
    assert (empty.status, empty.reason) == ("inconclusive", "no data yet")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({}, "rmse"),
        ({"observed": 0.123456}, "rmse 0.1235"),
        ({"observed": 0.8, "bound": "<= 0.75", "n": 200}, "rmse 0.8 (bound <= 0.75), n=200"),
        ({"observed": 0.8, "low": 0.7, "high": 0.9, "note": "wide"}, "rmse 0.8 [0.7, 0.9]: wide"),
    ],
)
def test_the_reason_gives_the_numbers(facts: dict[str, Any], line: str) -> None:
    assert Verdict.of("wine/2", "gate", [Check("rmse", "fail", **facts), Check("mae", "pass")]).reason == line


def test_the_reason_names_three_checks_and_counts_the_rest() -> None:
    verdict = Verdict.of("wine/2", "gate", [Check(f"c{n}", "fail") for n in range(5)], rows=7)
    assert verdict.reason == "c0; c1; c2; and 2 more"
    assert verdict.inputs == {"rows": 7}
