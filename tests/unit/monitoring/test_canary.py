"""Canaries: the better are promoted, the worse taken back, and nothing is decided without evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from boucle.core.deployment import Rollout
from boucle.core.observation import Feedback, Joined, Observation, Role
from boucle.monitoring import canary, guard
from boucle.monitoring.canary_judge import Decided, conclude
from boucle.monitoring.guard import Guards
from boucle.ports.stores import State
from boucle.project.settings import Settings

from .conftest import make_settings

SETTINGS = make_settings()


def served(predictions: Any, truths: Any, times: Any, role: str = "champion", probabilities: Any = None) -> Joined:
    n = len(predictions)
    ids = [f"r{time:.0f}" for time in times]
    return Joined(ids, [0] * n, [1] * n, [role] * n, list(times), list(times), list(predictions),
                  probabilities or [None] * n, list(truths))  # fmt: skip


def traffic(seed: int, rows: int, champion: float, challenger: float, share: float = 0.25) -> tuple[Joined, Joined]:
    """Return labelled rows of both; errors are normal with these standard deviations."""
    random = np.random.default_rng([8000, seed])
    second = random.random(rows) < share
    errors = random.normal(size=rows) * np.where(second, challenger, champion)
    times = np.arange(rows, dtype=np.float64)
    return tuple(
        served(errors[arm].tolist(), [0.0] * int(arm.sum()), times[arm].tolist(), role)
        for arm, role in ((~second, "champion"), (second, "challenger"))
    )  # type: ignore[return-value]


def errors_of(seed: int, rows: int, champion: float, challenger: float) -> tuple[Joined, Joined]:
    """Return labelled answers of classifiers that are wrong at these rates."""
    random = np.random.default_rng([8100, seed])
    second = random.random(rows) < 0.25
    wrong = random.random(rows) < np.where(second, challenger, champion)
    said, times = np.where(wrong, "b", "a"), np.arange(rows, dtype=np.float64)
    return tuple(
        served(said[arm].tolist(), ["a"] * int(arm.sum()), times[arm].tolist(), role)
        for arm, role in ((~second, "champion"), (second, "challenger"))
    )  # type: ignore[return-value]


def classification() -> Settings:
    return make_settings(task="tabular-classification", evaluate={"metrics": ["accuracy"]})


def judge(
    champion: Joined, challenger: Joined, settings: Settings, *, required: int, paired: bool = False, every: float = 0.0
) -> Decided:
    """Judge all rows at once, or look after each ``every`` seconds until it is decided."""
    rows = merged(champion, challenger)
    progress = canary.begin("r", settings, Joined())
    last = max(rows.times, default=0.0) + 1.0
    for start in np.arange(0.0, last, every or last):
        new = rows.take([i for i, time in enumerate(rows.times) if start <= time < start + (every or last)])
        learnt = canary.learn(progress, new, settings, paired=paired)
        assert learnt is not None
        told = canary.evidence(progress, settings, required=required, planned=float(required), paired=paired)
        found = conclude("wine/2", [told])
        if found.decision != "hold":
            break
    return found


def merged(*parts: Joined) -> Joined:
    names = ("ids", "positions", "versions", "roles", "times", "arrived", "predictions", "probabilities", "truths")
    lists: dict[str, Any] = {name: [value for part in parts for value in getattr(part, name)] for name in names}
    return Joined(**lists)


def until_decided(seed: int, champion: float, challenger: float, rows: int = 2000) -> tuple[str, int]:
    """Judge after every 50 rows; returns the decision and the challenger's labels it took."""
    found = judge(*traffic(seed, rows, champion, challenger), SETTINGS, required=100, every=50.0)
    return found.decision, found.checks[0].n or 0


def test_a_plainly_better_challenger_is_promoted_as_soon_as_it_may() -> None:
    found = [until_decided(seed, 0.86, 0.6) for seed in range(20)]
    assert {decision for decision, _ in found} == {"promote"}
    assert np.median([labels for _, labels in found]) <= 125


def test_a_plainly_worse_challenger_is_rolled_back_before_it_has_its_labels() -> None:
    found = [until_decided(seed, 0.6, 1.2) for seed in range(20)]
    assert {decision for decision, _ in found} == {"rollback"}
    assert np.median([labels for _, labels in found]) <= 100


def test_an_equal_challenger_is_rarely_rolled_back_and_a_worse_one_rarely_promoted() -> None:
    equal = [until_decided(seed, 0.7, 0.7)[0] for seed in range(50)]
    worse = [until_decided(seed, 0.7, 0.77)[0] for seed in range(50)]
    assert equal.count("rollback") <= 4
    assert worse.count("promote") <= 4


@pytest.mark.parametrize("rows", [0, 8, 60])
def test_without_evidence_it_holds_and_says_how_much_is_missing(rows: int) -> None:
    found = judge(*traffic(0, rows, 0.7, 0.7), SETTINGS, required=200)
    assert (found.decision, found.status) == ("hold", "inconclusive")
    assert found.needed is not None
    assert found.needed >= 200 - rows
    assert "labelled rows of the" in found.reason or "more labels" in found.reason


def test_the_margin_is_in_the_unit_of_the_metric() -> None:
    both = traffic(1, 8000, 0.70, 0.74)
    assert judge(*both, SETTINGS, required=100).decision == "hold"
    wide = make_settings(release={"margin": 0.15})
    assert judge(*both, wide, required=100).decision == "promote"


def test_a_challenger_worse_by_less_than_the_margin_is_never_rolled_back() -> None:
    wide = make_settings(release={"margin": 0.4})
    for seed in range(5):
        found = judge(*traffic(seed, 6000, 0.7, 0.85), wide, required=1200, every=500.0)
        assert found.decision == "promote"


def test_a_classifier_worse_by_less_than_the_margin_is_never_rolled_back() -> None:
    settings = make_settings(task="tabular-classification", evaluate={"metrics": ["accuracy"]}, release={"margin": 0.2})
    found = judge(*errors_of(1, 4000, 0.05, 0.15), settings, required=800)
    assert found.decision == "promote"
    assert found.checks[0].evidence["e_value"] >= 20.0


def of_errors(champion: float, challenger: float, rows: int = 2000) -> Decided:
    return judge(*errors_of(0, rows, champion, challenger), classification(), required=200)


def test_a_classifier_that_errs_more_is_rolled_back_on_proof() -> None:
    found = of_errors(0.05, 0.3, rows=600)
    assert found.decision == "rollback"
    assert found.checks[0].evidence["e_value"] >= 20.0
    assert of_errors(0.2, 0.05).decision == "promote"


def test_classifiers_that_are_never_wrong_are_promoted_only_with_their_labels() -> None:
    assert of_errors(0.0, 0.0, rows=400).decision == "hold"
    assert of_errors(0.0, 0.0, rows=14_000).decision == "promote"


def test_a_challenger_that_answers_nothing_usable_is_held() -> None:
    champion, challenger = traffic(2, 2000, 0.9, 0.3)
    broken = [float("nan") if i % 5 == 0 else p for i, p in enumerate(challenger.predictions)]
    found = judge(champion, served(broken, challenger.truths, challenger.times, "challenger"), SETTINGS, required=100)
    assert found.decision == "hold"
    assert "no usable answer" in found.reason


def test_a_shadow_is_compared_row_by_row() -> None:
    random = np.random.default_rng(9)
    truths, times = random.normal(size=400), np.arange(400.0)
    noise = random.normal(size=400)
    champion = served((truths + noise).tolist(), truths.tolist(), times.tolist())
    shadow = served((truths + 0.9 * noise).tolist(), truths.tolist(), times.tolist(), "shadow")
    found = judge(champion, shadow, SETTINGS, required=200, paired=True)
    assert (found.decision, found.checks[0].n) == ("promote", 400)


def test_pinned_requests_do_not_judge_a_canary() -> None:
    champion, challenger = traffic(3, 2000, 0.86, 0.6)
    pinned = served(challenger.predictions, challenger.truths, challenger.times, "pinned")
    assert judge(champion, pinned, SETTINGS, required=100).decision == "hold"


def requests(version: int, rows: int, role: Role, *, fail: int = 0, latency: float = 0.001) -> list[Observation]:
    """Answer ``rows`` requests from second 10 on; every ``fail``-th fails."""
    return [
        Observation(
            f"v{version}-{i}", 10.0 + i, "wine", version, role, 1, {}, {}, latency,
            "error" if fail and i % fail == 0 else "",
        )
        for i in range(1, rows + 1)
    ]  # fmt: skip


def guarded(state: State, settings: Settings, phase: str = "stepping", guards: Guards | None = None) -> Decided:
    rollout = Rollout("r", 2, "canary", phase, 10.0, 10.0)  # type: ignore[arg-type]
    guards = guards or Guards("r")
    with state.begin() as tx:
        guard.count(tx, guards, "wine", 1, rollout, settings, 10_000.0)
    return conclude("wine/2", guard.evidence(guards, settings, phase == "shadow"))


def test_a_challenger_that_fails_requests_is_caught_without_a_label(state: State) -> None:
    guards = Guards("r")
    with state.begin() as tx:
        tx.observations.ingest(requests(1, 300, "champion", fail=100), [], {})
    assert guarded(state, SETTINGS, guards=guards).decision == "hold"
    with state.begin() as tx:
        tx.observations.ingest(requests(2, 40, "challenger", fail=4), [], {})
    found = guarded(state, SETTINGS, guards=guards)
    assert [check.name for check in found.failed] == ["failed requests, challenger minus champion"]
    assert (found.decision, found.failed[0].n, guards.rows) == ("rollback", 40, 40)
    again = guarded(state, SETTINGS, guards=guards)
    assert (again.decision, again.failed[0].n) == ("rollback", 40)


def test_a_challenger_as_quick_and_as_right_as_the_champion_passes_its_guardrails(state: State) -> None:
    with state.begin() as tx:
        tx.observations.ingest(requests(1, 300, "champion"), [], {})
        tx.observations.ingest(requests(2, 150, "challenger"), [], {})
    found = guarded(state, SETTINGS)
    assert (found.decision, len(found.checks)) == ("promote", 2)


@pytest.mark.parametrize(("phase", "decision"), [("stepping", "rollback"), ("shadow", "promote")])
def test_a_slow_challenger_is_taken_back_but_a_shadow_is_not_waited_for(
    state: State, phase: str, decision: str
) -> None:
    with state.begin() as tx:
        tx.observations.ingest(requests(1, 300, "champion"), [], {})
        tx.observations.ingest(requests(2, 150, "challenger", latency=0.2), [], {})
    assert guarded(state, SETTINGS, phase).decision == decision


def test_a_challenger_that_sells_less_is_taken_back(state: State) -> None:
    settings = make_settings(
        monitor={"business": {"sales": {"event": "sale"}}}, release={"guardrails": {"sales": 0.05}, "wait": "1m"}
    )
    sold = [Feedback(f"v1-{i}", 20.0, event="sale") for i in range(1, 301, 3)]
    with state.begin() as tx:
        tx.observations.ingest(requests(1, 300, "champion"), sold, {})
        tx.observations.ingest(requests(2, 150, "challenger"), [Feedback("v2-9", 20.0, event="sale")], {})
    found = guarded(state, settings)
    assert found.decision == "rollback"
    assert found.failed[0].name == "requests without sales, challenger minus champion"
    assert found.failed[0].observed == pytest.approx(1 / 3 - 1 / 150, abs=0.01)


@pytest.mark.parametrize(
    ("least", "amount", "decision"), [(30, 10.0, "promote"), (30, 2.0, "rollback"), (600, 10.0, "hold")]
)
def test_a_challenger_is_judged_by_what_its_answers_bring(
    state: State, least: int, amount: float, decision: str
) -> None:
    settings = make_settings(
        monitor={"business": {"revenue": {"event": "sale", "value": "amount", "cap": 20}}},
        release={"guardrails": {"revenue": 0.2}, "wait": "1m"},
    )
    every = least // 10  # of so many requests one brings something
    sold = [Feedback(f"v1-{i}", 20.0, event="sale", value=10.0) for i in range(every, 1501, every)]
    sold += [Feedback(f"v2-{i}", 20.0, event="sale", value=amount) for i in range(every, 1501, every)]
    with state.begin() as tx:
        tx.observations.ingest(requests(1, 1500, "champion") + requests(2, 1500, "challenger"), sold, {})
    found = guarded(state, settings)
    check = next(one for one in found.checks if one.name == "revenue a request, champion minus challenger")
    assert found.decision == decision, check
    assert check.bound.startswith("< 0.6667" if decision != "hold" else "< 0.0333")
