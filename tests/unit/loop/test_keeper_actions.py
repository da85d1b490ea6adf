"""What the keeper does about what it decides: what a retraining learns from, what waits for people, what is undone."""

from __future__ import annotations

from itertools import pairwise

from boucle.loop.external import Alert, take
from boucle.loop.turn import run_turn
from boucle.monitoring.quarantine import quarantined
from boucle.views.models import status

from .conftest import World, failed, passed


def lose_quality(world: World) -> None:
    """One good window, then one with errors; the keeper retrains."""
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    world.look()
    assert len(world.engine.started) == 1


def windows(world: World, many: int, version: int = 1) -> None:
    for _ in range(many):
        world.answer(250, version=version)
        world.look()


def test_a_retraining_learns_from_the_judged_rows_since_the_change(world: World) -> None:
    world.answer(250)
    world.look()
    changed = world.clock.now()
    world.answer(300, shift=4)
    world.look()
    (started,) = world.engine.started
    given = dict(pairwise(started))
    assert abs(float(given["--since"]) - changed) < 0.5
    assert float(given["--until"]) < world.clock.now() - 0.4
    assert "--alone" in started


def test_fresh_labels_are_learned_from_four_and_ten_windows_later(world: World) -> None:
    world.change(release={"strategy": "direct"})
    lose_quality(world)
    world.engine.work.outcome = passed(2)
    world.look()
    assert status(world.project).models[0].champion["version"] == 2  # type: ignore[index]
    counts = []
    for _ in range(12):
        windows(world, 1, version=2)
        counts.append(len(world.engine.started))
        world.engine.work.outcome = passed(2)
    assert [counts.count(n) for n in (1, 2, 3)] == [3, 6, 3]
    assert [e.data["cause"] for e in world.events("decision") if e.data["action"] == "retrain"][1:] == ["follow_up"] * 2


def test_rows_of_broken_windows_are_never_learned_from(world: World) -> None:
    world.answer(250, factor=1000)
    world.look()
    world.answer(250)
    world.look()
    result = run_turn(world.project, lambda *_: None, with_feedback=True)
    assert any("250 labelled rows of windows with a data fault" in w for w in result.warnings)
    assert result.data.rows == 750


def test_nothing_retrains_until_the_alarm_about_broken_data_is_resolved(world: World) -> None:
    world.answer(250, factor=1000, shift=4)
    world.look()
    for expected in (0, 0, 1):
        world.answer(250, shift=4)
        world.look()
        assert len(world.engine.started) == expected


def test_below_the_hard_floor_the_fallback_answers(world: World) -> None:
    world.change(serve={"fallback": 0.0})
    world.answer(250)
    world.look()
    world.answer(300, shift=9)
    looked = world.look()
    assert [(a.cause, a.action) for a in looked.actions] == [("floor", "disable")]
    assert not status(world.project).models[0].enabled
    assert world.look().actions == []
    (floor,) = [a for a in world.open_alarms() if a.cause == "floor"]
    assert floor.data["undo"] == "boucle enable line"


def test_two_failed_gates_stop_the_retraining_until_somebody_has_looked(world: World) -> None:
    for _ in range(5):
        world.answer(1000, shift=4)
        world.look()
        world.engine.work.outcome = failed()
        world.look()
    assert len(world.engine.started) == 2
    (gate,) = [a for a in world.open_alarms() if a.cause == "gate"]
    assert gate.data["ground"] == {"code": "gates", "failed": 2}
    world.acknowledge(gate)
    world.look()
    assert len(world.engine.started) == 3
    assert "gate" not in world.alarms()
    (over,) = [event for event in world.events("alarm_resolved") if event.data["cause"] == "gate"]
    assert over.data["ground"] == {"code": "seen"}


def test_one_failed_gate_pages_nobody(world: World) -> None:
    lose_quality(world)
    world.engine.work.outcome = failed()
    world.look()
    assert "gate" not in world.alarms()
    (told,) = world.events("gate_failed")
    assert "1 in a row" in told.reason


def test_while_a_version_waits_for_approval_no_other_is_trained(world: World) -> None:
    world.change(release={"require_approval": True}, react={"follow_up": []})
    lose_quality(world)
    world.engine.work.outcome = passed(2)
    for _ in range(4):
        world.answer(250, shift=4)
        world.look()
    assert len(world.engine.started) == 1
    (approval,) = [a for a in world.open_alarms() if a.cause == "approval"]
    world.acknowledge(approval)
    world.look()
    assert len(world.engine.started) == 2


def test_the_alarm_about_an_approval_ends_with_the_release(world: World) -> None:
    world.change(release={"require_approval": True, "strategy": "direct"})
    lose_quality(world)
    world.engine.work.outcome = passed(2)
    world.look()
    assert "approval" in world.alarms()
    world.project.delivery.promote("line", 2)
    world.look()
    assert "approval" not in world.alarms()


def test_a_dry_run_says_what_it_would_do_and_does_nothing(world: World) -> None:
    world.change(react={"dry_run": True})
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    assert world.look().actions == []
    assert world.engine.started == []
    (said,) = [e for e in world.events("decision") if e.data["action"] == "retrain"]
    assert said.data["waits"]["kind"] == "dry_run"


def test_a_champion_grows_stale(world: World) -> None:
    world.change(react={"stale": "30d"})
    windows(world, 1)
    assert world.engine.started == []
    created = world.project.registry.version("line", 1).created
    world.clock.advance(created + 40 * 86_400 - world.clock.now())
    world.look()
    assert [e.data["cause"] for e in world.events("decision")] == ["stale"]
    assert len(world.engine.started) == 1


def test_an_alarm_says_what_was_done_about_it(world: World) -> None:
    lose_quality(world)
    (alarm,) = [a for a in world.open_alarms() if a.cause == "quality"]
    assert "retraining" in alarm.data["done"]
    assert alarm.data["window"]["start"] < alarm.data["window"]["end"]


def test_drift_without_labels_asks_for_them_and_says_of_which_rows(world: World) -> None:
    for _ in range(4):
        world.answer(250, low=5.0, labelled=False)
        world.look()
    assert [e.data["action"] for e in world.events("decision")] == ["ask"]
    (drift,) = [a for a in world.open_alarms() if a.cause == "drift"]
    assert len(drift.data["label"]) == 100
    assert len({(one["id"], one["row"]) for one in drift.data["label"]}) == 100
    assert world.engine.started == []


def alert(world: World, firing: bool = True, number: int = 1) -> None:
    take(world.project, [Alert("line", "CheckoutDown", f"f{number}", firing, float(number), "nobody buys")])


def test_an_alert_of_others_is_acted_on_once_while_it_lasts(world: World) -> None:
    world.change(react={"external": {"CheckoutDown": {"action": "retrain", "cooldown": 0}}})
    windows(world, 1)
    for number, fits in ((1, 1), (2, 2)):
        alert(world, number=number)
        for _ in range(3):
            world.look()
            world.engine.work.outcome = failed()
        assert len(world.engine.started) == fits
        alert(world, firing=False, number=number)
        assert "external:CheckoutDown" not in world.alarms()
    decided = [(e.data["cause"], e.data["action"]) for e in world.events("decision")]
    assert decided == [("external:CheckoutDown", "retrain")] * 2


def test_what_a_person_has_taken_over_is_left_to_them(world: World) -> None:
    world.change(react={"external": {"CheckoutDown": "retrain"}})
    windows(world, 1)
    alert(world)
    world.acknowledge(world.open_alarms()[0])
    world.look()
    assert not world.engine.started


def test_only_the_windows_that_were_broken_are_set_apart(world: World) -> None:
    for factor in (1.0, 1000.0, 1.0):  # three windows, closed at one look
        world.answer(250, factor=factor)
    world.look()
    with world.project.state.begin(write=False) as tx:
        (span,) = quarantined(tx, "line")
    whole = world.clock.now()
    assert 2.0 < span[1] - span[0] < 3.0
    assert whole - 5.5 < span[0] < span[1] < whole - 2.0
