"""The decision table: the right action, not just an action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.verdict import Check, Status, Verdict
from boucle.loop.policy import JUDGED, MOVES, Decision, Known, Outside, decide
from boucle.project.watching import React

READY = Known(labels=1000, fresh=100)
FRESH = replace(READY, windows=1, has_previous=True)


def reacting(**changes: Any) -> React:
    return React.model_validate(changes)


REACT = reacting()


def verdict(kind: str, status: Status, **inputs: Any) -> Verdict:
    return Verdict.of("wine/1", kind, [Check(kind, status, 1.0, "< 0.5")], **inputs)


def failing(*kinds: str) -> dict[str, Verdict]:
    return {kind: verdict(kind, "fail") for kind in kinds}


def said(decisions: list[Decision]) -> list[tuple[str, str, str]]:
    return [(d.cause, d.action, d.held.kind if d.held else "") for d in decisions]


QUALITY_HOLDS = {"quality": verdict("quality", "pass")}
TABLE: list[tuple[str, Mapping[str, Verdict], Known, React, list[tuple[str, str, str]]]] = [
    ("nothing failed", {kind: verdict(kind, "pass") for kind in JUDGED}, FRESH, REACT, []),
    ("data fault", failing("fault"), READY, REACT, [("fault", "alert", "")]),
    ("quality loss", failing("quality"), READY, REACT, [("quality", "retrain", "")]),
    ("quality loss on broken data", failing("fault", "quality"), READY, REACT,
     [("fault", "alert", ""), ("quality", "retrain", "fault")]),
    ("quality loss soon after broken data", failing("quality"), replace(READY, fault_open=True), REACT,
     [("quality", "retrain", "fault")]),
    ("drift, not confirmed", {**failing("drift"), **QUALITY_HOLDS}, replace(READY, streaks={"drift": 1}), REACT, []),
    ("drift, quality holding", {**failing("drift"), **QUALITY_HOLDS}, replace(READY, streaks={"drift": 2}), REACT,
     [("drift", "alert", "")]),
    ("drift, quality unknown", failing("drift"), replace(READY, streaks={"drift": 2}), REACT, [("drift", "ask", "")]),
    ("drift, asked to retrain", failing("drift"), READY, reacting(drift="retrain"), [("drift", "retrain", "")]),
    ("breach after a release", failing("slo"), FRESH, REACT, [("slo", "rollback", "")]),
    ("breach long after a release", failing("slo"), replace(FRESH, windows=50), REACT, [("slo", "alert", "")]),
    ("breach of the first version", failing("slo"), replace(FRESH, has_previous=False), REACT, [("slo", "alert", "")]),
    ("breach from before the release", failing("slo"), replace(FRESH, breached=True), REACT, [("slo", "alert", "")]),
    ("floor after a release", failing("floor"), FRESH, REACT, [("floor", "rollback", "")]),
    ("floor, with a fallback", failing("floor"), replace(READY, has_fallback=True), REACT, [("floor", "disable", "")]),
    ("floor, without a fallback", failing("floor"), READY, REACT, [("floor", "alert", "")]),
    ("floor, whatever answers", failing("floor"), READY,
     reacting(hard_floor={"action": "disable", "without_fallback": True}), [("floor", "disable", "")]),
    ("floor, disabled already", failing("floor"), replace(READY, has_fallback=True, disabled=True), REACT,
     [("floor", "disable", "disabled")]),
    ("follow-up", {}, replace(READY, follow_up=True), REACT, [("follow_up", "retrain", "")]),
    ("follow-up, nothing new", {}, replace(READY, follow_up=True, fresh=0), REACT,
     [("follow_up", "retrain", "labels")]),
    ("stale", {}, replace(READY, age=9e5, stale_after=8e5), reacting(stale="9d"), [("stale", "retrain", "")]),
    ("stale, tried a window ago", {}, replace(READY, age=9e5, stale_after=8e5, idle={"retrain": 1}),
     reacting(stale="9d"), [("stale", "retrain", "cooldown")]),
    ("schedule, without new labels", {}, Known(schedule_due=True), reacting(schedule="0 3 * * 1"),
     [("schedule", "retrain", "")]),
    ("several at once", failing("slo", "quality"), replace(FRESH, schedule_due=True), REACT,
     [("slo", "rollback", ""), ("quality", "retrain", "busy"), ("schedule", "retrain", "busy")]),
    ("switched off", failing(*JUDGED), FRESH, reacting(
        quality_loss="none", data_fault="none", drift="none", slo_breach="none", hard_floor="none"), []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "known", "react", "wanted"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_the_table(
    verdicts: Mapping[str, Verdict], known: Known, react: React, wanted: list[tuple[str, str, str]]
) -> None:
    assert said(decide(verdicts, known, react)) == wanted


@pytest.mark.parametrize(
    ("known", "react", "kind"),
    [
        (replace(READY, disabled=True), REACT, "disabled"),
        (replace(READY, training=True), REACT, "training"),
        (replace(READY, rolling_out=True), REACT, "rollout"),
        (replace(READY, approving=True), REACT, "approval"),
        (replace(READY, failed_gates=2), REACT, "gates"),
        (replace(READY, idle={"retrain": 2}), REACT, "cooldown"),
        (replace(READY, retrained_today=6), REACT, "budget"),
        (replace(READY, labels=199), REACT, "labels"),
        (READY, reacting(dry_run=True), "dry_run"),
    ],
)
def test_a_retraining_waits_and_says_why(known: Known, react: React, kind: str) -> None:
    (decision,) = decide(failing("quality"), known, react)
    assert decision.held is not None
    assert decision.held.kind == kind
    assert "bound < 0.5" in decision.reason


@pytest.mark.parametrize(
    "known",
    [replace(READY, idle={"retrain": 3}), replace(READY, retrained_today=5), replace(READY, failed_gates=1)],
)
def test_what_is_over_holds_nothing(known: Known) -> None:
    assert said(decide(failing("quality"), known, REACT)) == [("quality", "retrain", "")]


@pytest.mark.parametrize("kind", ["slo", "floor"])
def test_a_rollback_cools_down_and_is_only_told_in_a_dry_run(kind: str) -> None:
    (cooling,) = decide(failing(kind), replace(FRESH, idle={"rollback": 2}), REACT)
    (dry,) = decide(failing(kind), FRESH, reacting(dry_run=True))
    assert [d.held and d.held.kind for d in (cooling, dry)] == ["cooldown", "dry_run"]


def test_a_retraining_learns_from_the_rows_since_the_change() -> None:
    lost = {"quality": verdict("quality", "fail", changed=1234.5)}
    (first,) = decide(lost, READY, REACT)
    (again,) = decide({}, replace(READY, follow_up=True, change=1234.5), REACT)
    (whole,) = decide(lost, READY, reacting(since_change=False))
    assert (first.since, again.since, whole.since) == (1234.5, 1234.5, None)


statuses: st.SearchStrategy[Status] = st.sampled_from(["pass", "fail", "inconclusive"])
seen = st.dictionaries(st.sampled_from(JUDGED), statuses).map(lambda d: {k: verdict(k, v) for k, v in d.items()})
counts = st.integers(0, 30)
knowledge = st.builds(
    Known,
    streaks=st.dictionaries(st.sampled_from(JUDGED), counts),
    idle=st.dictionaries(st.sampled_from(MOVES), counts),
    windows=counts, breached=st.booleans(), fault_open=st.booleans(), retrained_today=counts, failed_gates=counts,
    labels=st.integers(0, 1000), follow_up=st.booleans(), age=st.floats(0, 1e7), stale_after=st.none() | st.just(1e6),
    training=st.booleans(), rolling_out=st.booleans(), approving=st.booleans(), disabled=st.booleans(),
    has_previous=st.booleans(), has_fallback=st.booleans(), schedule_due=st.booleans(),
)  # fmt: skip
reactions = st.builds(
    lambda drift, dry, budget: reacting(drift=drift, dry_run=dry, budget=budget),
    st.sampled_from(["alert", "retrain", "none"]), st.booleans(), st.integers(0, 8),
)  # fmt: skip


@given(seen, knowledge, reactions)
def test_whatever_is_known_no_retraining_is_carried_out_that_must_wait(
    verdicts: dict[str, Verdict], known: Known, react: React
) -> None:
    done = [d for d in decide(verdicts, known, react) if d.held is None and d.action in MOVES]
    fault = verdicts.get("fault")
    broken = known.fault_open or (fault is not None and fault.status == "fail")
    wait = broken or known.disabled or known.training or known.rolling_out or known.failed_gates >= 2
    assert len(done) <= 1
    assert not (done and react.dry_run)
    assert not ([d for d in done if d.action == "retrain"] and (wait or known.retrained_today >= react.budget))


@given(seen, knowledge)
def test_only_a_failed_verdict_or_a_time_that_has_come_leads_to_anything(
    verdicts: dict[str, Verdict], known: Known
) -> None:
    quiet = replace(known, follow_up=False, schedule_due=False, stale_after=None)
    causes = {d.cause for d in decide(verdicts, quiet, REACT)}
    assert causes <= {kind for kind, one in verdicts.items() if one.status == "fail"}


ALERT = (Outside("CheckoutDown", "CheckoutDown: nobody buys"),)
CAUSE = "external:CheckoutDown"
ANSWERS: list[tuple[str, Known, Any, list[tuple[str, str, str]]]] = [
    ("nothing said of it", FRESH, {}, []),
    ("an alert", FRESH, "alert", []),
    ("back, after a release", FRESH, "rollback", [(CAUSE, "rollback", "")]),
    ("back, long after a release", replace(FRESH, windows=50), "rollback", [(CAUSE, "alert", "")]),
    ("back from a rollout under way", replace(READY, rolling_out=True), "rollback", [(CAUSE, "rollback", "")]),
    ("back, cooling down", replace(FRESH, idle={"rollback": 1}), "rollback", [(CAUSE, "rollback", "cooldown")]),
    ("back, no cool-down", replace(FRESH, idle={"rollback": 1}), {"action": "rollback", "cooldown": 0},
     [(CAUSE, "rollback", "")]),
    ("off, with a fallback", replace(READY, has_fallback=True), "disable", [(CAUSE, "disable", "")]),
    ("off, without one", READY, "disable", [(CAUSE, "alert", "")]),
    ("retrain", READY, "retrain", [(CAUSE, "retrain", "")]),
    ("retrain on broken data", replace(READY, fault_open=True), "retrain", [(CAUSE, "retrain", "fault")]),
    ("retrain on few labels", replace(READY, labels=3), "retrain", [(CAUSE, "retrain", "labels")]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "known", "answer", "expected"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_an_alert_of_others_leads_to_what_the_project_says(
    what: str, known: Known, answer: Any, expected: list[tuple[str, str, str]]
) -> None:
    react = reacting(external={"CheckoutDown": answer} if answer else {})
    assert said(decide({}, replace(known, outside=ALERT), react)) == expected


def test_an_alert_from_before_the_release_is_no_reason_to_go_back() -> None:
    known = replace(FRESH, outside=(replace(ALERT[0], under_champion=False),))
    (decision,) = decide({}, known, reacting(external={"CheckoutDown": "rollback"}))
    assert decision.action == "alert"
    assert "before the release" in decision.reason


def test_what_is_found_here_goes_before_what_others_say() -> None:
    known = replace(READY, has_fallback=True, outside=ALERT)
    decisions = decide(failing("quality"), known, reacting(external={"CheckoutDown": "disable"}))
    assert said(decisions) == [("quality", "retrain", ""), (CAUSE, "disable", "busy")]
