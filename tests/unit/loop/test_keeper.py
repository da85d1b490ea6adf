"""The keeper judges what was observed and does the right thing about it, with a reason on record."""

from __future__ import annotations

from boucle.views.models import status

from .conftest import World, failed, passed


def test_steady_traffic_leads_to_nothing(world: World) -> None:
    for _ in range(4):
        world.answer(250)
        looked = world.look()
        assert looked.actions == []
        assert {v.kind: v.status for v in looked.verdicts} == dict.fromkeys(
            ("fault", "drift", "quality", "floor"), "pass"
        )
    assert world.events("decision", "alarm_opened") == []


def test_lost_quality_retrains_once_and_says_why(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    assert [a.action for a in world.look().actions] == ["retrain"]
    assert world.look().actions == []  # one is under way
    assert [list(a)[:2] for a in world.engine.started] == [["train", "--with-feedback"]]
    (decision,) = [e for e in world.events("decision") if e.data["action"] == "retrain"]
    assert "rmse" in decision.reason
    assert "quality" in world.alarms()


def test_broken_data_is_told_and_never_learned_from(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4, factor=1000)
    world.look()
    assert world.engine.started == []
    assert {"fault", "quality"} <= set(world.alarms())
    waits = {e.data["waits"]["kind"] for e in world.events("decision") if e.data["waits"]}
    assert waits == {"fault"}


def test_too_few_labels_wait(world: World) -> None:
    world.answer(300, labelled=False)
    world.answer(40, shift=9)
    world.look()
    assert world.engine.started == []


def test_a_retrained_version_that_passed_is_rolled_out(world: World) -> None:
    world.answer(300, shift=4)
    world.look()
    world.engine.work.outcome = passed(2)
    world.look()
    (rollout,) = world.events("rollout_started")
    assert rollout.version == 2
    assert status(world.project).models[0].challenger == 2


def test_a_challenger_that_is_better_becomes_champion(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(6):
        world.answer(60, shift=4)
        world.answer(60, shift=4, error=4, version=2, role="challenger")
        world.look()
    (done,) = world.events("rollout_done")
    assert "loss" in done.reason
    assert status(world.project).models[0].champion == {"version": 2, "since": done.time, "previous": 1}


def test_a_challenger_that_is_worse_is_taken_back(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(6):
        world.answer(60)
        world.answer(60, error=4, version=2, role="challenger")
        world.look()
    assert len(world.events("rollout_aborted")) == 1
    assert status(world.project).models[0].champion["version"] == 1  # type: ignore[index]


def test_without_labels_a_rollout_stands_still(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(3):
        world.answer(200, labelled=False)
        world.answer(200, version=2, role="challenger", labelled=False)
        world.look()
    assert status(world.project).models[0].challenger == 2


def test_a_version_that_needs_approval_waits_for_it(world: World) -> None:
    world.change(release={"require_approval": True})
    world.answer(300, shift=4)
    world.look()
    world.engine.work.outcome = passed(2)
    world.look()
    assert "approval" in world.alarms()
    assert world.events("rollout_started") == []


def test_two_failed_gates_in_a_row_call_a_person_and_stop_the_retraining(world: World) -> None:
    for _ in range(5):
        world.answer(1000, shift=4)
        world.look()
        world.engine.work.outcome = failed()
        world.look()
    assert len(world.engine.started) == 2
    assert "gate" in world.alarms()
    assert any(e.data["waits"] and e.data["waits"]["kind"] == "gates" for e in world.events("decision"))


def test_an_alarm_is_resolved_after_quiet_windows(world: World) -> None:
    world.answer(300, factor=1000)
    world.look()
    assert "fault" in world.alarms()
    for _ in range(4):
        world.answer(250)
        world.look()
    assert "fault" not in world.alarms()
    assert len(world.events("alarm_resolved")) >= 1


def test_the_history_of_all_this_is_chained(world: World) -> None:
    world.answer(300, shift=4)
    world.look()
    with world.project.state.begin(write=False) as tx:
        assert tx.journal.verify() is None
