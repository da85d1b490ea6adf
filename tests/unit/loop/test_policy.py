"""The decision table: the right action, not just an action."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.verdict import Check, Verdict
from boucle.loop.policy import Known, decide
from boucle.project.settings import React, Reaction

READY = Known(labels=1000)
REACT = React.model_validate({})


def verdict(kind: str, status: Literal["pass", "fail", "inconclusive"]) -> Verdict:
    return Verdict.of("wine/1", kind, [Check(kind, status, 1.0, "< 0.5")])


def failing(*kinds: str) -> dict[str, Verdict]:
    return {kind: verdict(kind, "fail") for kind in kinds}


def test_quality_loss_retrains() -> None:
    (decision,) = decide(failing("quality"), READY, REACT)
    assert (decision.action, decision.cause, decision.held) == ("retrain", "quality", None)
    assert "bound < 0.5" in decision.reason


def test_broken_data_never_retrains_even_when_quality_is_lost() -> None:
    decisions = {d.cause: d for d in decide(failing("fault", "quality"), READY, REACT)}
    assert decisions["fault"].action == "alert"
    assert decisions["quality"].held is not None
    assert decisions["quality"].held.kind == "fault"


def test_drift_with_stable_quality_only_alerts_and_only_when_confirmed() -> None:
    seen = {**failing("drift"), "quality": verdict("quality", "pass")}
    assert decide(seen, replace(READY, streaks={"drift": 1}), REACT) == []
    (decision,) = decide(seen, replace(READY, streaks={"drift": 2}), REACT)
    assert decision.action == "alert"


def test_slo_breach_right_after_a_release_rolls_back() -> None:
    (decision,) = decide(failing("slo"), replace(READY, windows=1, has_previous=True), REACT)
    assert decision.action == "rollback"


@pytest.mark.parametrize("known", [replace(READY, windows=50, has_previous=True), replace(READY, has_previous=False)])
def test_slo_breach_that_no_release_explains_only_alerts(known: Known) -> None:
    (decision,) = decide(failing("slo"), known, REACT)
    assert decision.action == "alert"


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (replace(READY, training=True), "training"),
        (replace(READY, rolling_out=True), "rollout"),
        (replace(READY, failed_gates=2), "gates"),
        (replace(READY, idle={"retrain": 1}), "cooldown"),
        (replace(READY, retrained_today=6), "budget"),
        (replace(READY, labels=10), "labels"),
    ],
)
def test_a_retraining_waits_and_says_why(known: Known, kind: str) -> None:
    (decision,) = decide(failing("quality"), known, REACT)
    assert decision.held is not None
    assert decision.held.kind == kind


def test_a_cooldown_ends() -> None:
    (decision,) = decide(failing("quality"), replace(READY, idle={"retrain": 3}), REACT)
    assert decision.held is None


def test_a_dry_run_decides_and_does_nothing() -> None:
    react = REACT.model_copy(update={"dry_run": True})
    (decision,) = decide(failing("quality"), READY, react)
    assert decision.held is not None
    assert decision.held.kind == "dry_run"


def test_a_due_schedule_retrains_without_new_labels() -> None:
    react = REACT.model_copy(update={"schedule": "0 3 * * 1"})
    (decision,) = decide({}, Known(schedule_due=True), react)
    assert (decision.action, decision.cause, decision.held) == ("retrain", "schedule", None)


def test_a_reaction_of_none_does_nothing() -> None:
    react = REACT.model_copy(update={"quality_loss": Reaction(action="none")})  # type: ignore[call-arg]
    assert decide(failing("quality"), READY, react) == []


@given(
    status=st.sampled_from(["pass", "inconclusive"]),
    labels=st.integers(0, 10_000),
    windows=st.integers(0, 100),
)
def test_nothing_but_a_failed_verdict_or_a_schedule_leads_to_an_action(
    status: Literal["pass", "inconclusive"], labels: int, windows: int
) -> None:
    seen = {kind: verdict(kind, status) for kind in ("fault", "quality", "drift", "slo")}
    assert decide(seen, Known(labels=labels, windows=windows, has_previous=True), REACT) == []


@given(
    fault=st.booleans(), labels=st.integers(0, 10_000), fits=st.integers(0, 20), idle=st.integers(0, 10),
    schedule=st.booleans(), quality=st.booleans(),
)  # fmt: skip
def test_no_retraining_is_carried_out_on_broken_data_or_over_budget(
    fault: bool, labels: int, fits: int, idle: int, schedule: bool, quality: bool
) -> None:
    seen = failing(*(["fault"] if fault else []), *(["quality"] if quality else []))
    known = Known(labels=labels, retrained_today=fits, idle={"retrain": idle}, schedule_due=schedule)
    done = [d for d in decide(seen, known, REACT) if d.action == "retrain" and d.held is None]
    assert not (done and (fault or fits >= REACT.budget))
