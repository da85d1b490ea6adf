"""Error budgets that burn too fast, and models that are worse than their fallback."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.observation import Joined, Observation
from boucle.measures.detectors import Floats
from boucle.monitoring.burn import budgets, judge_burn
from boucle.monitoring.floor import judge_floor, loss_limit
from boucle.monitoring.labels import Labelled, labelled
from boucle.monitoring.meter import HOUR, MINUTE, Counts, Meter, Metered
from boucle.ports.stores import State
from boucle.project.watching import Slo

NOW = 1_700_000_000.0
MONTH = 30 * 86_400.0
THREE_NINES = Slo.model_validate({"availability": 0.999})


def requests(begin: float, end: float, rate: float, failing: float = 0.0) -> Iterator[Observation]:
    """Answer ``rate`` requests a second; a share ``failing`` of them fails, evenly."""
    many = int((end - begin) * rate)
    for i in range(many):
        error = "model_error" if int((i + 1) * failing) > int(i * failing) else ""
        yield Observation(f"{begin}-{i}", begin + i / rate, "wine", 1, "champion", 1, {}, {}, 0.01, error)


def metered(state: State, *stretches: Iterator[Observation], now: float = NOW) -> Metered:
    meter = Meter(slow_after=0.1)
    for stretch in stretches:
        with state.begin() as tx:
            for _ in meter.tap(stretch):
                pass
            meter.keep(tx, now, MONTH)
    with state.begin(write=False) as tx:
        return Metered(tx, "wine", now)


@pytest.mark.parametrize(
    ("failing", "minutes", "status"),
    [
        (0.0, 60, "pass"),
        (0.0008, 60, "pass"),
        (0.02, 60, "fail"),  # 20 times the budget for an hour: 14.4 are allowed
        (0.008, 360, "fail"),  # 8 times for six hours: 6 are
        (0.02, 3, "pass"),  # as bad, but for three minutes
    ],
)
def test_a_budget_that_burns_too_fast_is_a_breach(state: State, failing: float, minutes: int, status: str) -> None:
    begin = NOW - minutes * 60.0
    kept = metered(state, requests(NOW - 6 * HOUR, begin, 2.0), requests(begin, NOW, 2.0, failing))
    verdict = judge_burn("wine/1", kept.counted, THREE_NINES)
    assert verdict is not None
    assert (verdict.kind, verdict.status) == ("slo", status)


def test_an_outage_that_is_over_is_no_breach(state: State) -> None:
    end = NOW - 35 * 60.0
    kept = metered(state, requests(NOW - HOUR, end, 2.0, 0.5), requests(end, NOW, 2.0))
    verdict = judge_burn("wine/1", kept.counted, THREE_NINES)
    assert verdict is not None
    assert verdict.status == "pass"


def test_one_failure_of_three_requests_at_night_is_no_outage(state: State) -> None:
    kept = metered(state, requests(NOW - 240.0, NOW, 0.0125, 0.4))
    assert kept.counted(HOUR) == Counts(3, 1, 0)
    verdict = judge_burn("wine/1", kept.counted, Slo.model_validate({"availability": 0.99}))
    assert verdict is not None
    assert verdict.status == "inconclusive"


def test_slow_answers_use_up_a_budget_of_their_own(state: State) -> None:
    slow = [Observation(str(i), NOW - i, "wine", 1, "champion", 1, {}, {}, 0.5 * (i % 4 == 0)) for i in range(1800)]
    verdict = judge_burn("wine/1", metered(state, iter(slow)).counted, Slo.model_validate({"latency_p99_ms": 100}))
    assert verdict is not None
    assert [c.name for c in verdict.failed] == ["latency budget", "latency budget"]
    assert judge_burn("wine/1", metered(state).counted, Slo()) is None  # type: ignore[call-arg]


def test_a_wide_budget_is_in_breach_when_nearly_everything_fails(state: State) -> None:
    kept = metered(state, requests(NOW - HOUR, NOW, 1.0, 0.9))
    verdict = judge_burn("wine/1", kept.counted, Slo.model_validate({"availability": 0.8}))
    assert verdict is not None
    assert verdict.status == "fail"


def test_the_budget_of_a_month_is_kept_by_the_hour(state: State) -> None:
    last_week = NOW - 7 * 86_400.0
    kept = metered(state, requests(last_week, last_week + HOUR, 1.0, 0.1), requests(NOW - HOUR, NOW, 1.0))
    (budget,) = budgets(kept.counted, THREE_NINES, MONTH)
    assert (budget.requests, budget.burn) == (7200, 0.0)
    assert budget.used == pytest.approx(360 / 7200 / 0.001)
    assert metered(state, now=NOW + 2 * MONTH).counted(MONTH) == Counts()


def test_copies_and_wrong_requests_are_not_counted_and_clocks_far_ahead_forgotten(state: State) -> None:
    seen = [
        Observation("a", NOW, "wine", 1, "shadow", 1, {}, {}, 0.0, "model_error"),
        Observation("b", NOW, "wine", 1, "champion", 1, {}, {}, 0.0, "bad_request"),
        Observation("c", NOW + 1e8, "wine", 1, "champion", 1, {}, {}, 0.0, "model_error"),
        Observation("d", NOW, "wine", 1, "champion", 1, {}, {}, 0.0),
    ]
    assert metered(state, iter(seen)).counted(HOUR) == Counts(1, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 8 * HOUR), st.booleans()), max_size=30), st.integers(0, 29))
def test_counts_do_not_depend_on_when_they_were_taken_in(seen: list[tuple[int, bool]], cut: int) -> None:
    made = [
        Observation(str(i), NOW - ago, "wine", 1, "champion", 1, {}, {}, 0.0, "e" * bad)
        for i, (ago, bad) in enumerate(seen)
    ]
    whole, parts = Kept(), Kept()
    take(whole, made)
    take(parts, made[:cut])
    take(parts, made[cut:])
    for stretch in (5 * MINUTE, HOUR, 6 * HOUR, MONTH):
        assert Metered(whole, "wine", NOW).counted(stretch) == Metered(parts, "wine", NOW).counted(stretch)  # type: ignore[arg-type]


class Kept:
    """Settings without a database."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.settings = self

    def get(self, key: str) -> object:
        return self.values.get(key)

    def put(self, key: str, value: object) -> None:
        self.values[key] = value


def take(kept: Kept, seen: list[Observation]) -> None:
    meter = Meter()
    for _ in meter.tap(seen):
        pass
    meter.keep(kept, NOW, MONTH)  # type: ignore[arg-type]


def rows(errors: Floats) -> Labelled:
    n = len(errors)
    joined = Joined(
        [f"r{i}" for i in range(n)], [0] * n, [1] * n, ["champion"] * n, [float(i) for i in range(n)],
        [float(i) for i in range(n)], [0.0] * n, [None] * n, errors.tolist(),
    )  # fmt: skip
    return labelled(joined, "tabular-regression")


def floor(errors: Floats, services: list[dict[str, float]] | None = None) -> str:
    verdict = judge_floor("wine/1", rows(errors), "rmse", {"rmse": 1.0}, 2.0, services or [], 0.5)
    assert verdict is not None
    return verdict.status


def test_errors_three_times_as_large_break_the_floor_within_two_hundred_rows() -> None:
    random = np.random.default_rng(1)
    found = [floor(np.concatenate((random.normal(size=500), random.normal(0, 3, 200)))) for _ in range(20)]
    assert found.count("fail") == 20


def test_errors_at_the_floor_break_it_hardly_ever_and_one_wild_row_never_does() -> None:
    random = np.random.default_rng(2)
    assert [floor(random.normal(0, 1.9, 1000)) for _ in range(100)].count("fail") == 0
    assert floor(np.append(random.normal(size=500), [1e9])) == "pass"


def test_a_model_that_fails_most_requests_breaks_the_floor_without_labels() -> None:
    well = [{"requests": 500.0, "errors": 5.0}] * 15
    assert floor(np.empty(0), well) == "pass"
    assert floor(np.empty(0), [*well, {"requests": 500.0, "errors": 400.0}]) == "fail"
    assert floor(np.empty(0), [{"requests": 20.0, "errors": 8.0}]) == "inconclusive"


@pytest.mark.parametrize(
    ("metric", "reference", "limit"),
    [
        ("rmse", {"rmse": 0.5}, 1.0), ("r2", {"r2": 0.4, "mse": 0.25}, 1.0), ("mae", {"mae": 0.5}, 1.0),
        ("accuracy", {"accuracy": 0.9}, 0.2), ("f1", {"f1": 0.9, "accuracy": 0.9}, 0.2), ("f1", {"f1": 0.9}, None),
        ("accuracy", {"accuracy": 0.4}, 0.95), ("accuracy", {"accuracy": 1.0}, 0.02), ("rmse", {}, None),
        ("log_loss", {"log_loss": 0.3}, 0.6), ("rmse", {"rmse": float("nan")}, None),
    ],
)  # fmt: skip
def test_the_floor_is_a_multiple_of_the_reference_error(
    metric: str, reference: dict[str, float], limit: float | None
) -> None:
    found = loss_limit(metric, reference, 2.0)
    assert found == (None if limit is None else pytest.approx(limit))
