"""What the keeper remembers."""

from __future__ import annotations

from boucle.core.json import from_data, to_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.memory import Memory, Pending
from boucle.loop.policy import Decision

FAIL = Verdict.of("m/1", "drift", [Check("a", "fail")])
PASS = Verdict.of("m/1", "drift", [Check("a", "pass")])
UNSURE = Verdict.of("m/1", "drift", [])
RETRAIN = Decision("retrain", "quality", "it is worse", since=5.0)


def test_two_of_three_windows_confirm() -> None:
    memory = Memory().after({"drift": FAIL}, 1).after({"drift": PASS}, 1).after({"drift": FAIL}, 1)
    assert memory.failures("drift", confirm=2) == 2
    assert memory.after({"drift": PASS}, 1).failures("drift", confirm=2) == 1
    assert memory.failures("drift", confirm=1) == 1
    assert Memory().failures("drift", confirm=3) == 0


def test_windows_closed_at_once_count_each() -> None:
    assert Memory().after({"drift": FAIL}, 3).failures("drift", confirm=2) == 3


def test_too_little_data_neither_confirms_nor_clears() -> None:
    memory = Memory().after({"drift": FAIL}, 1)
    assert memory.after({"drift": UNSURE}, 1).recent == memory.recent


def test_another_champion_starts_anew_but_with_the_same_budget() -> None:
    memory = Memory(champion=1).after({"drift": FAIL, "slo": FAIL}, 4).doing(RETRAIN, 10.0, (4, 10)).under(2)
    assert memory.recent == {}
    assert (memory.released, memory.fits, memory.breached) == (4, (10.0,), True)
    assert memory.follow_up == (8, 14)


def test_a_first_champion_was_never_in_breach_before() -> None:
    assert not Memory().after({"slo": FAIL}, 1).under(1).breached


def test_follow_ups_are_due_once_each() -> None:
    memory = Memory().doing(RETRAIN, 0.0, (4, 10))
    assert not memory.after({}, 3).follow_up_due
    late = memory.after({}, 5)
    assert late.follow_up_due
    again = late.doing(Decision("retrain", "follow_up", "due", since=late.change), 1.0)
    assert (again.follow_up_due, again.follow_up, again.change) == (False, (10,), 5.0)


def test_the_budget_counts_the_last_day_only() -> None:
    memory = Memory().doing(RETRAIN, 0.0).doing(RETRAIN, 90_000.0)
    assert memory.fits == (90_000.0,)
    assert memory.fits_today(90_001.0) == 1


def test_a_clock_that_jumps_back_stops_neither_budget_nor_schedule() -> None:
    memory = Memory(scheduled=9e9, fits=(9e9,)).at(1000.0)
    assert (memory.scheduled, memory.fits) == (1000.0, (1000.0,))
    assert memory.fits_today(1000.0 + 86_400.0) == 0


def test_idle_counts_windows_since_an_action() -> None:
    assert Memory().doing(RETRAIN, 0.0).after({}, 5).idle == {"retrain": 5}


def test_memory_survives_a_restart_and_what_an_older_program_wrote() -> None:
    memory = Memory(champion=3, pending=Pending("rollback", "slow", 7)).after({"drift": FAIL}, 2).doing(RETRAIN, 7.5)
    assert from_data(to_data(memory), Memory) == memory
    assert from_data({"champion": 2, "windows": 4, "streaks": {"drift": 2}}, Memory).windows == 4
