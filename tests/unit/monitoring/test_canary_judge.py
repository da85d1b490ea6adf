"""The judge on counts: what it decides, what it says is missing, and that it can be kept, moved and merged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from boucle.core.errors import Conflict, RequestError, StoreError
from boucle.core.verdict import Verdict
from boucle.monitoring.canary_judge import CanaryJudge, Decided

EQUAL = ((50, 1000), (5, 100))


def after(times: int, champion: tuple[int, int], challenger: tuple[int, int], judge: CanaryJudge) -> Decided:
    for _ in range(times):
        found = judge.update(champion=champion, challenger=challenger)
    return found


def test_a_better_challenger_is_promoted_and_a_disaster_rolled_back() -> None:
    better = after(40, (50, 1000), (2, 100), CanaryJudge())
    disaster = after(3, (50, 1000), (30, 100), CanaryJudge())
    assert (better.decision, better.status) == ("promote", "pass")
    assert (disaster.decision, disaster.status) == ("rollback", "fail")
    assert isinstance(disaster, Verdict)


def test_a_plain_disaster_is_seen_in_the_very_first_interval() -> None:
    assert CanaryJudge().update((50, 1000), (40, 100)).decision == "rollback"


def test_what_is_undecided_says_how_many_labels_and_how_long() -> None:
    found = after(5, *EQUAL, CanaryJudge(margin=0.02))
    assert (found.decision, found.status) == ("hold", "inconclusive")
    assert found.needed is not None
    assert found.reason.endswith(f"needs about {found.needed} more labels, about {math.ceil(found.needed / 100)} "
                                 "more intervals at this rate")  # fmt: skip
    timed = CanaryJudge(margin=0.02).update(*EQUAL, seconds=3600)
    assert "hours at this rate" in timed.reason


def test_what_is_said_to_be_needed_is_enough() -> None:
    judge = CanaryJudge(margin=0.02)
    needed = after(5, *EQUAL, judge).needed
    assert needed is not None
    assert after(math.ceil(needed / 100), *EQUAL, judge).decision == "promote"


def test_nothing_is_promoted_before_the_fewest_rows() -> None:
    judge = CanaryJudge(margin=0.5, least=400)
    assert after(3, *EQUAL, judge).decision == "hold"
    assert after(1, *EQUAL, judge).decision == "promote"


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [((0, 0), (0, 0)), ((50, 1000), (math.nan, 100)), ((50, math.nan), (3, 100)), ((None, 1000), (3, pd.NA))],
)
def test_no_data_holds_even_when_all_was_well_before(champion: Any, challenger: Any) -> None:
    judge = CanaryJudge(margin=0.3)
    assert after(5, *EQUAL, judge).decision == "promote"
    found = judge.update(champion=champion, challenger=challenger)
    assert found.decision == "hold"
    assert "this interval" in found.reason
    assert judge.update(*EQUAL).decision == "promote"


def test_a_canary_that_gets_no_traffic_is_held_and_never_promoted() -> None:
    found = after(50, (50, 1000), (0, 0), CanaryJudge(margin=0.3))
    assert found.decision == "hold"
    assert "no labelled rows of the challenger yet" in found.reason


def test_two_perfect_versions_take_as_long_as_the_margin_asks() -> None:
    judge = CanaryJudge()
    assert after(10, (0, 900), (0, 100), judge).decision == "hold"
    assert after(40, (0, 900), (0, 100), judge).decision == "promote"


def test_an_interval_of_a_row_waits_for_the_next() -> None:
    judge = CanaryJudge(margin=0.3)
    for i in range(400):
        found = judge.update((i % 20 == 0, 1), (i % 20 == 10, 1))
    assert (found.decision, found.checks[0].n) == ("promote", 400)


def test_slow_answers_are_a_guardrail() -> None:
    quick, slow = CanaryJudge(margin=0.3), CanaryJudge(margin=0.3)
    for _ in range(30):
        well = quick.update(*EQUAL, slow=((10, 1000), (1, 100)))
        badly = slow.update(*EQUAL, slow=((10, 1000), (8, 100)))
    assert [check.name for check in badly.failed] == ["slow"]
    assert (badly.decision, well.decision) == ("rollback", "promote")


@pytest.mark.parametrize("counts", [(5, 3), (-1, 10), (1, math.inf)])
def test_counts_that_cannot_be_are_refused_whole(counts: tuple[float, float]) -> None:
    judge = CanaryJudge()
    with pytest.raises(RequestError, match="cannot be"):
        judge.update((1, 10), counts)
    assert judge.update((1, 10), (1, 10)).checks[0].n == 10


def test_a_saved_judge_goes_on_where_it_stood(tmp_path: Path) -> None:
    judge = CanaryJudge(margin=0.02, past=(500, 10_000))
    after(7, *EQUAL, judge)
    judge.save(tmp_path / "judge.json")
    loaded = CanaryJudge.load(tmp_path / "judge.json")
    assert loaded.update((40, 1000), (6, 100)) == judge.update((40, 1000), (6, 100))
    (tmp_path / "judge.json").write_text("{}")
    with pytest.raises(StoreError, match="no canary judge"):
        CanaryJudge.load(tmp_path / "judge.json")


def test_merged_judges_know_what_both_saw() -> None:
    one, other, both = (CanaryJudge(margin=0.02, past=(500, 10_000)) for _ in range(3))
    after(20, *EQUAL, one)
    after(20, (20, 500), (5, 50), other)
    after(20, *EQUAL, both)
    expected = after(20, (20, 500), (5, 50), both)
    found = one.merge(other).update((0, 0), (0, 0))
    assert found.checks[0].observed == pytest.approx(expected.checks[0].observed)
    assert found.checks[0].high == pytest.approx(expected.checks[0].high)
    assert found.checks[0].n == expected.checks[0].n
    with pytest.raises(Conflict, match="differ"):
        one.merge(CanaryJudge())
