"""Home says which model needs somebody and why, in one of five words, from what is stored alone."""

from __future__ import annotations

from boucle.core.verdict import Check
from boucle.loop import alarms
from boucle.loop.telling.said import say
from boucle.views.overview import ModelCard, overview
from boucle.views.story import story

from .conftest import HOUR, Written, accuracy, column, loss, rollout


def card(written: Written) -> ModelCard:
    return overview(written.project).models[0]


def stage(one: ModelCard, name: str) -> str:
    return next(stage.state for stage in one.ring if stage.name == name)


def test_before_anything_there_is_one_thing_to_do(written: Written) -> None:
    seen = overview(written.project)
    assert "boucle train" in seen.lead.text
    assert {stage.state for stage in seen.models[0].ring} == {"idle"}


def test_a_model_that_keeps_its_promise_is_fine(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.93))
    one = card(written)
    assert (one.state, one.needs, one.rank) == ("fine", False, 4)
    assert one.why.text == "quiet for 9\u00a0d"
    assert overview(written.project).heading.text == "churn/1 is fine."


def test_a_lost_promise_needs_somebody_and_says_the_number(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.878, "fail"))
    written.alarm("quality")
    one = card(written)
    assert (one.state, one.needs, one.rank) == ("below", True, 0)
    assert one.why.text == "accuracy 0.878 against 0.900, on 1,500\u00a0labels"
    assert say(one.why, "fr") == "accuracy 0,878 contre 0,900, sur 1\u202f500\u00a0étiquettes"
    assert (stage(one, "judge"), stage(one, "data")) == ("fail", "pass")
    assert one.quality is not None
    assert (one.quality.low, one.quality.n, one.quality.bound) == (0.871, 1500, 0.9)


def test_drift_alone_is_watched_and_a_data_fault_breaks_the_first_stage(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.93))
    written.judged("drift", column("contract", 0.31, "fail"), column("tenure", 0.02))
    assert card(written).why.text == "contract drifted, effect now 0.310"
    written.judged("fault", Check("pH far", "fail", 0.02, "<= 0.005", n=500, evidence={"column": "pH", "kind": "far"}))
    one = card(written)
    assert (one.state, one.why.text, stage(one, "data")) == ("watching", "broken data in pH", "fail")


def test_without_labels_it_is_too_early_however_quiet_all_else_is(written: Written) -> None:
    written.released()
    written.judged("drift", column("contract", 0.01))
    one = card(written)
    assert (one.state, one.why.text) == ("early", "no truth has come back yet")


def test_a_rollout_says_how_many_labels_are_missing(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.93))
    written.put(rollout=rollout())
    written.judged("rollout", loss(0.0, 1868), version=2, needed=1150, pace=0.1)
    one = card(written)
    assert (one.state, one.challenger, stage(one, "release")) == ("early", 2, "running")
    assert one.why.text == "churn/2 answers 10\u00a0%, 1,150\u00a0labels more needed"


def test_a_model_that_is_switched_off_is_stopped(written: Written) -> None:
    written.released()
    written.put(enabled=False)
    one = card(written)
    assert (one.state, stage(one, "serve")) == ("stopped", "fail")


def test_an_acknowledged_alarm_needs_nobody(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.878, "fail"))
    written.alarm("quality")
    alarms.acknowledge(written.project, 1)
    assert not card(written).needs


def test_only_the_last_change_of_a_release_can_be_undone(written: Written) -> None:
    written.released()
    written.event("rollback", 1, HOUR, after={"champion": 1}, undo="boucle promote churn/2")
    first, *others = overview(written.project).decisions
    assert (first.what.text, first.undo) == ("Rolled back to churn/1", "boucle promote churn/2")
    assert not any(one.undo for one in others)


def test_the_story_puts_quality_drift_and_decisions_on_one_axis(written: Written) -> None:
    written.released(ago=10 * HOUR)
    for i in range(10):
        ago = (10 - i) * HOUR
        written.judged(
            "drift", column("contract", 0.03 * i, "fail" if i > 4 else "pass"), column("tenure", 0.0), ago=ago
        )
        end = written.clock.now() - ago - HOUR
        written.judged("quality", accuracy(0.95 - 0.01 * i), ago=ago, end=end, delay=HOUR, late=2 * HOUR)
    failed = {"kind": "drift", "status": "fail", "checks": [{"name": "contract", "status": "fail"}]}
    written.event("verdict", 1, 5 * HOUR, verdict=failed)
    seen = story(written.project, "churn")
    assert len(seen.quality.points) == 10
    assert seen.quality.points[-1].time == seen.quality.points[-1].judged - HOUR
    assert [one.name for one in seen.columns] == ["contract", "tenure"]
    assert seen.complete == seen.until - 2 * HOUR
    assert [(m.number, m.decision.what.text) for m in seen.marks][-1] == (3, "data drift: contract")


def test_a_long_past_is_thinned_to_a_bounded_story(written: Written) -> None:
    written.released(ago=900.0)
    for i in range(700):
        written.judged("quality", accuracy(0.93), ago=700.0 - i)
    seen = story(written.project, "churn")
    assert len(seen.quality.points) == 120
    assert seen.quality.points[-1].judged == written.clock.now() - 1.0
