"""Each page's view says what is stored: intervals, counts, what is missing, and nothing beyond its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from boucle.core.errors import NotFound
from boucle.core.json import dumps, to_data
from boucle.core.verdict import Check, Status, Verdict
from boucle.evaluation.result import Comparison, Evaluation
from boucle.measures.intervals import Estimate
from boucle.views.alarms import alarms
from boucle.views.compare import compare
from boucle.views.drift import drift
from boucle.views.history import event, history, verified
from boucle.views.maturity import maturity
from boucle.views.quality import quality
from boucle.views.rollout import RolloutView, rollout
from boucle.views.rollouts import rollouts

from .conftest import HOUR, NOW, Written, accuracy, column, loss
from .conftest import rollout as moving

PARTS: tuple[tuple[str, Status, float], ...] = (("young", "fail", 0.7), ("old", "pass", 0.9))


def rolling(written: Written, *checks: Check, **inputs: object) -> RolloutView:
    """Begin a rollout, with a look at the evidence every half hour since; the last one is ``checks``."""
    written.released()
    one = moving()
    written.put(rollout=one)
    after = {"champion": 1, "rollout": to_data(one)}
    written.event("rollout_started", 2, 4 * HOUR, before={"champion": 1}, after=after, undo="boucle rollback churn")
    for i in range(1, 8):
        ago = (8 - i) * HOUR / 2
        written.judged("rollout", loss(0.01, 200 * i, width=0.4 / i), version=2, ago=ago, needed=1150, pace=0.1)
    written.judged("rollout", *checks, version=2, ago=60.0, **{"needed": 1150, "pace": 0.1, **inputs})
    return rollout(written.project, "churn")


def test_a_rollout_shows_its_band_as_it_narrowed_and_what_is_missing(written: Written) -> None:
    view = rolling(written, loss(0.0, 1868, width=0.052))
    widths = [(look.high or 0) - (look.low or 0) for look in view.path]
    assert widths == sorted(widths, reverse=True)
    assert [look.n for look in view.path][-2:] == [1400, 1868]
    assert (view.state, view.needed, view.lasting) == ("early", 1150, 11500.0)
    assert view.checks[0].title.text == "Error rate"
    assert (view.checks[0].odds, view.checks[0].ends_at) == (0.4, 20.0)
    assert "1,150\u00a0more labels, about 3\u00a0h at today's pace." in " ".join(s.text for s in view.lead)
    assert [(s.name, s.share, s.state) for s in view.steps] == [
        ("share", 0.1, "now"), ("share", 0.5, "ahead"), ("share", 1.0, "ahead"),
    ]  # fmt: skip


def test_a_router_that_does_not_obey_is_told_first(written: Written) -> None:
    failed = Check(
        "failed requests, challenger minus champion", "pass", 0.0, "< 0.05", n=40, evidence={"champion_rows": 960}
    )
    view = rolling(written, loss(0.0, 1868), failed)
    assert view.seen == pytest.approx(0.04)
    assert view.lead[1].text == "The router was asked for 10\u00a0% and sent 4\u00a0%."


def test_labels_that_have_stopped_are_no_progress(written: Written) -> None:
    rolling(written, loss(0.0, 1868))
    written.clock.sleep(2 * HOUR)
    view = rollout(written.project, "churn", 2)
    assert view.state == "silent"
    assert view.lead[-1].text.startswith("No label for 2\u00a0h")


def test_a_rollout_that_has_ended_says_what_decided(written: Written) -> None:
    rolling(written, loss(0.25, 1900, "fail", e_value=131.0), needed=None)
    ended = moving(phase="aborted", ended=NOW, share=0.0)
    written.put(rollout=ended)
    written.event("rollout_aborted", 2, 0.0, after={"champion": 1, "rollout": to_data(ended)}, undo="")
    view = rollout(written.project, "churn")
    assert (view.state, view.decisive, view.by_hand) == ("ended", 0, "")
    told = " ".join(s.text for s in view.lead)
    assert "Error rate of 2 was 25\u00a0pp higher" in told
    assert "131 to 1" in told
    assert rollouts(written.project).rows[0].outcome == "ended"


def test_no_rollout_is_not_found_and_an_empty_list_says_how_to_begin(written: Written) -> None:
    with pytest.raises(NotFound):
        rollout(written.project, "churn")
    assert "boucle promote churn/VERSION" in rollouts(written.project).lead.text


def test_columns_stand_by_effect_and_those_that_cross_the_floor_are_not_green(written: Written) -> None:
    written.released()
    checks = (column("tenure", 0.02), column("charges", 0.08), column("contract", 0.31, "fail"))
    written.judged("drift", *checks, windows=[1, 4], untested=["id"], rows=2000)
    view = drift(written.project, "churn")
    assert [(c.name, c.status) for c in view.columns] == [
        ("contract", "fail"), ("charges", "inconclusive"), ("tenure", "pass"),
    ]  # fmt: skip
    assert (view.drifted, view.tested, view.floor, view.horizons) == (1, 3, 0.1, (1, 4))
    assert view.heading.text == "1 of 3\u00a0columns of churn drifted."
    four = drift(written.project, "churn", 4)
    assert four.columns[0].effect == pytest.approx(0.31 / 4)


def test_too_few_rows_say_how_many_there_are(written: Written) -> None:
    written.released()
    written.judged("drift", Check("rows", "inconclusive", 143, ">= 200"))
    view = drift(written.project, "churn")
    assert view.columns == ()
    assert view.lead[0].text == "143 of 200\u00a0rows."


def test_quality_says_how_far_under_its_promise_and_which_slice_is_worst(written: Written) -> None:
    written.released()
    young, old = (
        Check(f"age={name}", status, at, "", at - 0.05, at + 0.05, 200, evidence={"metric": "accuracy"})
        for name, status, at in PARTS
    )
    end, late = NOW - HOUR, 2 * HOUR
    written.judged("quality", accuracy(0.878, "fail"), old, young, labels=1500, end=end, delay=HOUR, late=late)
    view = quality(written.project, "churn")
    assert view.heading.text == "Accuracy is 2.2\u00a0pp under its promise."
    assert [one.name for one in view.slices] == ["age=young", "age=old"]
    assert (view.labels.n, view.labels.delay, view.complete) == (1500, HOUR, NOW - late)
    assert view.budgets[0].name == "availability"


def test_without_truth_the_page_says_where_to_send_it(written: Written) -> None:
    written.released()
    assert "POST /feedback" in quality(written.project, "churn").lead[0].text


def test_the_history_is_read_page_by_page(written: Written) -> None:
    for i in range(120):
        written.event("verdict" if i % 2 else "trained", 1, 1000.0 - i, actor="ana" if i == 7 else "keeper")
    first = history(written.project)
    assert ([e.seq for e in first.entries][::49], first.before) == ([120, 71], 71)
    second = history(written.project, before=first.before or 0)
    assert [e.seq for e in second.entries][::49] == [70, 21]
    last = history(written.project, before=second.before or 0)
    assert (len(last.entries), last.before) == (20, None)
    assert [e.seq for e in history(written.project, actor="ana").entries] == [8]
    assert {e.kind for e in history(written.project, kind="verdicts").entries} == {"verdict"}
    assert first.actors == ("ana", "keeper")


def test_a_changed_history_is_told_with_the_place_where_it_breaks(written: Written) -> None:
    written.released()
    assert verified(written.project, fresh=True).ok
    with written.project.state.begin() as tx:
        tx.journal._connection.exec_driver_sql("update boucle_events set reason = 'never' where seq = 2")  # type: ignore[attr-defined]
    chain = verified(written.project, fresh=True)
    assert (chain.ok, chain.broken_at) == (False, 2)
    assert history(written.project).heading.text == "The history was changed."


def test_one_event_comes_with_its_evidence(written: Written) -> None:
    made = written.event("decision", 1, action="retrain", waits={"kind": "labels", "text": "few"})
    found = event(written.project, made.seq)
    assert (found.decision.refused, found.data["waits"]["kind"], found.digest) == (True, "labels", made.digest)
    with pytest.raises(NotFound):
        event(written.project, made.seq + 1)


def test_alarms_are_one_row_a_cause_with_what_they_are_about_over_time(written: Written) -> None:
    written.released()
    for i in range(40):
        written.judged("drift", column("contract", 0.01 * i), ago=40.0 - i)
    written.alarm("drift")
    view = alarms(written.project)
    assert view.heading.text == "1\u00a0alarm is open."
    assert (len(view.open), len(view.open[0].sparks)) == (1, 24)
    assert view.open[0].sparks[-1].value == pytest.approx(0.39)
    assert view.budget == 0.5


def test_maturity_names_what_adds_the_next_thing(written: Written) -> None:
    view = maturity(written.project)
    assert view.level == 0
    missing = {item.key: item.add for item in view.levels[0].items if not item.done}
    assert missing["champion"] == "boucle train"
    assert missing["alerts"].startswith("alerts:")
    assert not any(item.add for level in view.levels for item in level.items if item.done)


def test_a_view_of_a_model_that_is_not_there_is_not_found(written: Written) -> None:
    for read in (drift, quality, rollout):
        with pytest.raises(NotFound):
            read(written.project, "beer")


def test_a_verdict_of_another_version_is_not_the_champions(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.5, "fail"), version=7)
    assert quality(written.project, "churn").status == "inconclusive"
    assert replace(Verdict.of("a", "b", []), kind="c").status == "inconclusive"


def evaluated(written: Written, version: int, made: float, against: str, better: float) -> None:
    """Store the evaluation a version was admitted by, as a turn does."""
    told = Estimate(better, better - 0.01, better + 0.01, 500)
    compared = Comparison(against, "accuracy", 0.0, "pass", {"accuracy": told}, {"accuracy": 0.9}, {"accuracy": 0.93})
    metrics = {"accuracy": Estimate(made, made - 0.02, made + 0.02, 500)}
    verdict = Verdict.of("churn challenger", "gate", [accuracy(made)])
    one = Evaluation("x", "tabular-classification", "accuracy", 500, metrics, verdict, comparison=compared)
    (written.project.root / "reports").mkdir(parents=True, exist_ok=True)
    (written.project.root / "reports" / f"{version}.json").write_bytes(dumps(one))
    written.event("trained", version, rows=100 * version, verdict=to_data(verdict), report=f"reports/{version}.html")


def test_two_versions_are_compared_on_the_rows_both_answered(written: Written) -> None:
    evaluated(written, 1, 0.90, "", 0.0)
    evaluated(written, 2, 0.93, "churn/1", 0.03)
    view = compare(written.project, "churn", 2, 1)
    assert view.heading.text == "churn/2 is better on accuracy."
    assert (view.paired, view.rows) == (True, 500)
    assert view.metrics[0].difference is not None
    assert view.metrics[0].difference.low == pytest.approx(0.02)
    turned = compare(written.project, "churn", 1, 2)
    assert turned.heading.text == "churn/1 is worse on accuracy."
    assert turned.metrics[0].difference is not None
    assert turned.metrics[0].difference.value == pytest.approx(-0.03)


def test_versions_never_measured_together_have_each_their_own_interval(written: Written) -> None:
    evaluated(written, 1, 0.90, "", 0.0)
    evaluated(written, 3, 0.93, "churn/2", 0.03)
    view = compare(written.project, "churn", 3, 1)
    assert not view.paired
    assert view.metrics[0].difference is None
    assert [side and side.n for side in (view.metrics[0].left, view.metrics[0].right)] == [500, 500]
    assert {one.name for one in view.differences} == {"rows"}
    with pytest.raises(NotFound):
        compare(written.project, "churn", 9, 1)


def test_a_report_outside_the_state_folder_is_not_read(written: Written) -> None:
    evaluated(written, 1, 0.90, "", 0.0)
    (written.project.directory / "evil.json").write_bytes(b"{}")
    written.event("trained", 2, verdict={}, report="../evil.html")
    assert compare(written.project, "churn", 2, 1).left.tested is None
