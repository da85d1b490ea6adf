"""The policy and its memory together, whatever comes in whatever order: budget, cool-down and faults always hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from boucle.core.json import from_data, to_data
from boucle.core.verdict import Check, Status, Verdict
from boucle.loop.memory import DAY, Memory
from boucle.loop.policy import JUDGED, Decision, Known, decide
from boucle.project.watching import React

REACT = React.model_validate({"budget": 3, "stale": "2d", "drift": "retrain"})
STATUSES: st.SearchStrategy[Status] = st.sampled_from(["pass", "fail", "inconclusive"])


class Loop(RuleBasedStateMachine):
    """Windows close with any verdicts, clocks go on or jump back, versions come and go, the keeper is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1e9
        self.memory = Memory(champion=1)
        self.newest: dict[str, Verdict] = {}
        self.fits: list[float] = []
        self.acted: list[int] = []
        self.broken = False

    @rule(statuses=st.dictionaries(st.sampled_from(JUDGED), STATUSES, min_size=1), windows=st.integers(0, 3))
    def windows_close(self, statuses: dict[str, Status], windows: int) -> None:
        found = {k: Verdict.of("m/1", k, [Check(k, v)], changed=self.now) for k, v in statuses.items()}
        self.memory = self.memory.at(self.now).after(found, windows)
        self.newest.update(found)
        fault = self.newest.get("fault")
        self.broken = fault is not None and fault.status == "fail"

    @rule(seconds=st.floats(0, DAY))
    def time_goes_on(self, seconds: float) -> None:
        self.now += seconds

    @rule(champion=st.integers(1, 3))
    def another_version_answers(self, champion: int) -> None:
        self.memory = self.memory.under(champion)
        self.newest = {}
        self.broken = False

    @rule()
    def the_keeper_is_killed(self) -> None:
        self.memory = from_data(to_data(self.memory), Memory)

    @rule(due=st.booleans(), age=st.floats(0, 5 * DAY))
    def the_keeper_decides(self, due: bool, age: float) -> None:
        memory = self.memory
        known = Known(
            idle=memory.idle, labels=500, fresh=500, retrained_today=memory.fits_today(self.now), schedule_due=due,
            follow_up=memory.follow_up_due, change=memory.change, age=age, stale_after=2 * DAY, has_previous=True,
            windows=memory.windows - memory.released, failed_gates=memory.failed_gates,
        )  # fmt: skip
        for decision in decide(self.newest, known, REACT):
            if decision.held is None and decision.action in ("retrain", "rollback", "disable"):
                self.act(decision)

    def act(self, decision: Decision) -> None:
        if decision.action == "retrain":
            assert not self.broken
            self.fits.append(self.now)
            if decision.cause in ("quality", "drift", "stale"):
                assert self.memory.windows - max(self.acted, default=-99) >= 3
            self.acted.append(self.memory.windows)
        self.memory = self.memory.doing(decision, self.now, REACT.follow_up)

    @invariant()
    def no_day_has_more_fits_than_the_budget(self) -> None:
        assert all(sum(0 <= t - begin < DAY for t in self.fits) <= REACT.budget for begin in self.fits)


Loop.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLoop = Loop.TestCase
