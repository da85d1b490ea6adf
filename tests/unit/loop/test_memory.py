"""What the keeper remembers."""

from __future__ import annotations

from boucle.core.json import from_data, to_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.memory import Memory

FAIL = Verdict.of("m/1", "drift", [Check("a", "fail")])
PASS = Verdict.of("m/1", "drift", [Check("a", "pass")])
UNSURE = Verdict.of("m/1", "drift", [])


def test_streaks_count_failing_windows_and_end_with_a_passing_one() -> None:
    memory = Memory().after({"drift": FAIL}, 1).after({"drift": FAIL}, 2)
    assert memory.streaks == {"drift": 3}
    assert memory.after({"drift": PASS}, 1).streaks == {"drift": 0}


def test_too_little_data_neither_lengthens_nor_ends_a_streak() -> None:
    assert Memory().after({"drift": FAIL}, 1).after({"drift": UNSURE}, 1).streaks == {"drift": 1}


def test_another_champion_starts_with_clean_streaks_but_the_same_budget() -> None:
    memory = Memory(champion=1).after({"drift": FAIL}, 4).doing("retrain", 10.0).under(2)
    assert memory.streaks == {}
    assert memory.released == 4
    assert memory.fits == (10.0,)


def test_the_budget_counts_the_last_day_only() -> None:
    memory = Memory().doing("retrain", 0.0).doing("retrain", 90_000.0)
    assert memory.fits == (90_000.0,)


def test_idle_counts_windows_since_an_action() -> None:
    memory = Memory().doing("retrain", 0.0).after({}, 5)
    assert memory.idle == {"retrain": 5}


def test_memory_survives_a_restart() -> None:
    memory = Memory(champion=3).after({"drift": FAIL}, 2).doing("retrain", 7.5)
    assert from_data(to_data(memory), Memory) == memory
