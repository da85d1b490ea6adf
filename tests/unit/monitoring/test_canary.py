"""Canaries: the better are promoted, the worse taken back, and nothing is decided without evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from boucle.core.observation import Joined, Observation, Role
from boucle.monitoring.canary import Judged, judge
from boucle.monitoring.guard import judge_errors
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


def until_decided(seed: int, champion: float, challenger: float, rows: int = 2000) -> tuple[str, int]:
    """Judge after every 50 rows; returns the decision and the challenger's labels it took."""
    both = traffic(seed, rows, champion, challenger)
    for n in range(50, rows + 1, 50):
        champions, challengers = cut(both[0], n), cut(both[1], n)
        found = judge(champions, challengers, SETTINGS, required=100)
        if found.decision != "hold":
            return found.decision, len(challengers)
    return "hold", len(both[1])


def cut(rows: Joined, before: float) -> Joined:
    kept = sum(time < before for time in rows.times)
    return Joined(*[getattr(rows, name)[:kept] for name in (
        "ids", "positions", "versions", "roles", "times", "arrived", "predictions", "probabilities", "truths",
    )])  # fmt: skip


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
    found = judge(*traffic(0, rows, 0.7, 0.7), SETTINGS, required=200, subject="wine/2")
    assert (found.decision, found.verdict.status) == ("hold", "inconclusive")
    assert found.needed is not None
    assert found.needed >= 200 - rows
    assert "labelled rows of the" in found.verdict.reason or "more labels" in found.verdict.reason


def test_the_margin_is_in_the_unit_of_the_metric() -> None:
    both = traffic(1, 8000, 0.70, 0.74)
    assert judge(*both, SETTINGS, required=100).decision == "hold"
    wide = make_settings(release={"margin": 0.15})
    assert judge(*both, wide, required=100).decision == "promote"


def test_a_challenger_worse_by_less_than_the_margin_is_never_rolled_back() -> None:
    wide = make_settings(release={"margin": 0.4})
    for seed in range(5):
        both = traffic(seed, 6000, 0.7, 0.85)
        decisions = {
            judge(cut(both[0], n), cut(both[1], n), wide, required=1200).decision for n in range(500, 6001, 500)
        }
        assert decisions == {"hold", "promote"}


def test_a_classifier_worse_by_less_than_the_margin_is_never_rolled_back() -> None:
    settings = make_settings(task="tabular-classification", evaluate={"metrics": ["accuracy"]}, release={"margin": 0.2})
    found = judge(*errors_of(1, 4000, 0.05, 0.15), settings, required=800)
    assert found.decision == "promote"
    assert found.verdict.checks[0].evidence["e_value"] >= 20.0


def of_errors(champion: float, challenger: float, rows: int = 2000) -> Judged:
    return judge(*errors_of(0, rows, champion, challenger), classification(), required=200)


def test_a_classifier_that_errs_more_is_rolled_back_on_proof() -> None:
    found = of_errors(0.05, 0.3, rows=600)
    assert found.decision == "rollback"
    assert found.verdict.checks[0].evidence["e_value"] >= 20.0
    assert of_errors(0.2, 0.05).decision == "promote"


def test_classifiers_that_are_never_wrong_are_promoted_only_with_their_labels() -> None:
    assert of_errors(0.0, 0.0, rows=400).decision == "hold"
    assert of_errors(0.0, 0.0, rows=4000).decision == "promote"


def test_a_challenger_that_answers_nothing_usable_is_held() -> None:
    champion, challenger = traffic(2, 2000, 0.9, 0.3)
    broken = [float("nan") if i % 5 == 0 else p for i, p in enumerate(challenger.predictions)]
    found = judge(champion, served(broken, challenger.truths, challenger.times, "challenger"), SETTINGS, required=100)
    assert found.decision == "hold"
    assert "no usable answer" in found.verdict.reason


def test_a_shadow_is_compared_row_by_row() -> None:
    random = np.random.default_rng(9)
    truths, times = random.normal(size=400), np.arange(400.0)
    noise = random.normal(size=400)
    champion = served((truths + noise).tolist(), truths.tolist(), times.tolist())
    shadow = served((truths + 0.9 * noise).tolist(), truths.tolist(), times.tolist(), "shadow")
    found = judge(champion, shadow, SETTINGS, required=200, paired=True)
    assert (found.decision, found.verdict.checks[0].n) == ("promote", 400)


def test_pinned_requests_do_not_judge_a_canary() -> None:
    champion, challenger = traffic(3, 2000, 0.86, 0.6)
    pinned = served(challenger.predictions, challenger.truths, challenger.times, "pinned")
    assert judge(champion, pinned, SETTINGS, required=100).decision == "hold"


def failing(version: int, rows: int, every: int, role: Role) -> list[Observation]:
    return [
        Observation(
            f"v{version}-{i}", float(i), "wine", version, role, 1, {}, {}, 0.01, "error" if i % every == 0 else ""
        )
        for i in range(1, rows + 1)
    ]


def test_a_challenger_that_fails_requests_is_caught_without_a_label(state: State) -> None:
    with state.begin() as tx:
        tx.observations.ingest(failing(1, 300, 100, "champion"), [], {})
        assert judge_errors(tx, "wine", 1, 2).status == "inconclusive"
        tx.observations.ingest(failing(2, 40, 4, "challenger"), [], {})
        first = judge_errors(tx, "wine", 1, 2)
        assert judge_errors(tx, "wine", 1, 2) == first
    assert first.status == "fail"
    assert (first.checks[0].n, first.checks[0].observed) == (40, 0.25)
