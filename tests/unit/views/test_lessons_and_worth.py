"""What a retraining is about, and what each version is worth over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.deployment import Deployment
from boucle.core.errors import NotFound
from boucle.core.event import Event
from boucle.core.observation import Feedback, Observation
from boucle.core.verdict import Check
from boucle.monitoring.business import cut_of, measure_business, revenue, take
from boucle.monitoring.worth import MOST, measured, stretches
from boucle.project.watching import Business
from boucle.views.lessons import lessons
from boucle.views.quality import quality
from boucle.views.worth import totals

from .conftest import HOUR, NOW, Written, accuracy

DAY = 24 * HOUR


def test_a_retraining_is_refused_while_broken_data_is_open_or_another_runs(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.93))
    seen = lessons(written.project, "churn")
    assert (seen.own, seen.labels, seen.refused, seen.turn) == (True, 1500, None, None)
    written.event("turn_asked", None, 0.5 * HOUR, actor="ana", turn=4)
    running = lessons(written.project, "churn")
    assert running.turn == 4
    assert running.refused is not None
    assert running.refused.text == "a training is under way for 30\u00a0min"
    written.alarm("fault")
    broken = lessons(written.project, "churn").refused
    assert broken is not None
    assert broken.key == "lessons.fault"


def test_another_model_is_not_trained_here_and_one_that_is_not_there_is_said_so(written: Written) -> None:
    with written.project.state.begin() as tx:
        tx.deployments.put(Deployment("other", 1, True, 3))
    assert not lessons(written.project, "other").own
    with pytest.raises(NotFound):
        lessons(written.project, "nothing")


def test_how_long_the_last_turn_took_is_told_from_its_two_entries(written: Written) -> None:
    assert lessons(written.project, "churn").lasted is None
    written.event("retraining", None, 600.0)
    written.event("trained", 2, 480.0)
    assert lessons(written.project, "churn").lasted == pytest.approx(120.0)


@given(st.floats(1e9, 2e9), st.floats(60.0, 380 * DAY))
def test_stretches_cover_the_time_without_a_gap_and_stay_where_they_are(since: float, span: float) -> None:
    found = stretches(since, since + span)
    assert found[0][0] <= since < found[0][1]
    assert found[-1][0] < since + span <= found[-1][1]
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert len(found) <= MOST
    later = stretches(since, since + span + 1.0)
    assert later[: len(found)] == found or later[0][1] - later[0][0] > found[0][1] - found[0][0]


def business(**more: str) -> Business:
    return Business.model_validate({"event": "kept", **more})


def served(written: Written, version: int, hours: float, count: int, each: float, part: float = 1.0) -> None:
    """Let a version answer ``count`` requests so many hours ago; a ``part`` of them brought ``each``."""
    names = [f"{version}-{hours}-{i}" for i in range(count)]
    at = NOW - hours * HOUR
    rows = [
        Observation(name, at, "churn", version, "champion", 1, {"x": [1.0]}, {"prediction": ["no"]}) for name in names
    ]
    told = [Feedback(name, at, event="kept", value=each) for name in names[: round(part * count)]]
    with written.project.state.begin() as tx:
        tx.observations.ingest(rows, told, {})


def test_a_value_and_a_share_have_intervals_that_hold_them(written: Written) -> None:
    served(written, 1, 5.0, 40, 10.0, 0.5)
    with written.project.state.begin(write=False) as tx:
        span = (NOW - DAY, NOW)
        (value,) = measured(tx, "churn", business(value="amount"), [1], span, 100.0)
        (share,) = measured(tx, "churn", business(), [1], span, 0.0)
    assert (value.value, share.value, value.requests) == (5.0, 0.5, 40)
    for one in (value, share):
        assert one.low is not None
        assert one.high is not None
        assert one.low < one.value < one.high


def test_worth_is_told_by_version_and_not_where_events_are_still_to_come(written: Written) -> None:
    settings = written.project.settings
    monitor = settings.monitor.model_copy(update={"business": {"kept": business(value="amount")}})
    written.project.settings = settings.model_copy(update={"monitor": monitor})
    written.released(2)
    served(written, 1, 30.0, 20, 10.0)
    served(written, 2, 9.0, 20, 30.0)
    served(written, 2, 0.2, 20, 0.0)
    (one,) = quality(written.project, "churn", "7d").worth
    assert [(s.version, s.value) for s in one.stretches] == [(1, 10.0), (2, 30.0)]
    assert not one.share
    assert all(s.end <= NOW - HOUR for s in one.stretches)


def test_what_is_read_in_two_parts_is_what_is_read_at_once(written: Written) -> None:
    declared = {"kept": business(value="amount"), "asked": business()}
    monitor = written.project.settings.monitor.model_copy(update={"business": declared})
    written.project.settings = written.project.settings.model_copy(update={"monitor": monitor})
    for version, hours, count, each in (
        (1, 900.0, 300, 9.5),
        (1, 30.0, 40, 700.0),
        (2, 80.0, 50, 3.0),
        (2, 1.0, 8, 4.0),
    ):
        served(written, version, hours, count, each, 0.5)
    with written.project.state.begin(write=False) as tx:
        assert list(totals(written.project, tx, "churn", NOW)) == measure_business(tx, "churn", declared)
        served_since = take(tx, "churn", declared, NOW - 100 * HOUR, NOW - 20 * HOUR)
        # nothing is forgotten when another day is over, though what was read before is still remembered
        for later in range(1, 5):
            assert list(totals(written.project, tx, "churn", NOW + later * DAY)) == measure_business(
                tx, "churn", declared
            )
    assert served_since.rows == {1: 40, 2: 50}


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 400)), min_size=1, max_size=20))
def test_amounts_with_counts_are_cut_where_their_quantile_is(told: list[tuple[float, int]]) -> None:
    amounts, many = (np.array(column) for column in zip(*told, strict=True))
    assert cut_of(amounts, many) == pytest.approx(np.quantile(np.repeat(np.abs(amounts), many), 0.995), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-50, 50), st.integers(1, 9)), min_size=1, max_size=12), st.floats(1, 60))
def test_the_value_of_counted_amounts_is_that_of_each_request_by_itself(
    told: list[tuple[float, int]], cut: float
) -> None:
    amounts, many = (np.array(column) for column in zip(*told, strict=True))
    counted, each = revenue(amounts, 200, cut, many), revenue(np.repeat(amounts, many), 200, cut)
    assert (counted.value, counted.low, counted.high) == pytest.approx((each.value, each.low, each.high))


def test_an_event_of_another_kind_ends_no_turn(written: Written) -> None:
    written.event("turn_asked", None, 100.0, turn=1)
    with written.project.state.begin() as tx:
        tx.journal.append(Event("trained", NOW, "another model's", "other", 1))
    assert lessons(written.project, "churn").since == pytest.approx(NOW - 100.0)
    written.judged("fault", Check("pH far", "fail", 0.02, "<= 0.005", n=500))
    assert lessons(written.project, "churn").turn == 1
