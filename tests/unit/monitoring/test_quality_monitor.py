"""Errors watched in a notebook: without a server, saved, loaded and merged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from boucle.core.errors import ContractError
from boucle.monitoring.quality_monitor import QualityMonitor

Floats = NDArray[np.float64]


def errors(random: np.random.Generator, rate: Any, rows: int = 1000) -> Floats:
    return (random.random(rows) < rate).astype(np.float64)


def delay(monitor: QualityMonitor, windows: list[Floats]) -> int | None:
    """Return how many windows it takes to an alarm."""
    return next((i for i, one in enumerate(windows) if monitor.update(one).status == "fail"), None)


def test_thirty_calm_streams_of_fifty_windows_raise_no_alarm() -> None:
    # References of their own lie on either side of the truth. 1,500 windows: 0.5 alarms in 100 would be 7.5.
    random = np.random.default_rng(41)
    streams = [QualityMonitor(errors(random, 0.1, 10_000)) for _ in range(30)]
    assert [delay(one, [errors(random, 0.1) for _ in range(50)]) for one in streams] == [None] * 30


@pytest.mark.parametrize(("rate", "mean"), [(0.14, 2.0), (0.18, 0.5)])
def test_a_loss_is_found_and_dated(rate: float, mean: float) -> None:
    random, delays = np.random.default_rng(42), []
    for _ in range(20):
        monitor = QualityMonitor(errors(random, 0.1, 10_000))
        assert delay(monitor, [errors(random, 0.1) for _ in range(10)]) is None
        delays.append(delay(monitor, [errors(random, rate) for _ in range(20)]))
        verdict = monitor.update([])
        assert verdict.alarms == {"quality"}
        assert verdict.changed is not None
        assert abs(verdict.changed - 10) <= 3
    assert None not in delays
    assert np.mean([d for d in delays if d is not None]) <= mean


def test_a_cycle_is_no_loss_and_a_loss_inside_it_is() -> None:
    random = np.random.default_rng(43)
    rates = 0.10 * (1.0 + 0.6 * np.sin(2.0 * np.pi * np.arange(88) / 8))
    monitor = QualityMonitor(np.concatenate([errors(random, rate) for rate in rates[:48]]))
    assert delay(monitor, [errors(random, rate) for rate in rates[48:]]) is None
    found = delay(monitor, [errors(random, rate + 0.04) for rate in rates[48:]])
    assert found is not None
    assert found <= 3


def test_bursts_are_no_loss_and_a_loss_in_bursts_is() -> None:
    random = np.random.default_rng(44)
    monitor = QualityMonitor(np.repeat(errors(random, 0.1), 20))
    assert delay(monitor, [np.repeat(errors(random, 0.1, 50), 20) for _ in range(60)]) is None
    found = delay(monitor, [np.repeat(errors(random, 0.3, 50), 20) for _ in range(20)])
    assert found is not None
    assert found <= 8


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_one_slice_that_fails_is_found_and_named(frame: Any) -> None:
    random = np.random.default_rng(45)
    shop = random.choice(["north", "south", "east", "west"], 10_000, p=[0.05, 0.35, 0.3, 0.3])
    monitor = QualityMonitor(errors(random, 0.1, 10_000), frame({"shop": shop, "size": random.normal(size=10_000)}))
    calm = frame({"shop": shop[:1000], "size": np.zeros(1000)})
    assert monitor.update(errors(random, 0.1), calm).status == "pass"
    for _ in range(4):
        rows = random.choice(shop, 1000)
        verdict = monitor.update(errors(random, np.where(rows == "north", 0.6, 0.1)), frame({"shop": rows}))
    assert [check.name for check in verdict.failed] == ["quality", "shop=north"]
    assert "most in shop=north" in verdict.reason


def test_losses_of_a_regression_are_watched_through_heavy_tails() -> None:
    random = np.random.default_rng(46)
    monitor = QualityMonitor(np.square(random.standard_t(3, 10_000)))
    assert delay(monitor, [np.square(random.standard_t(3, 1000)) for _ in range(50)]) is None
    found = delay(monitor, [np.square(1.3 * random.standard_t(3, 1000)) for _ in range(20)])
    assert found is not None
    assert found <= 3


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=30), min_size=1, max_size=5), st.integers(0, 2**16))
def test_two_replicas_merged_know_what_one_would(windows: list[list[int]], seed: int) -> None:
    random = np.random.default_rng(seed)
    reference = [0, 0, 0, 1] * 10
    one, left, right = (QualityMonitor(reference, window=10, times=range(40)) for _ in range(3))
    for number, found in enumerate(windows):
        at, mine = 40.0 + 10 * number + random.random(len(found)), random.random(len(found)) < 0.5
        values = np.array(found)
        one.update(values, times=at)
        left.update(values[mine], times=at[mine])
        right.update(values[~mine], times=at[~mine])
    left.merge(right)
    assert left.watched().evidence == pytest.approx(one.watched().evidence)
    assert left.update([], times=[]).checks[0].evidence["looks"] == one.update([], times=[]).checks[0].evidence["looks"]


def test_labels_are_counted_where_their_requests_were_in_any_order() -> None:
    random = np.random.default_rng(47)
    reference = errors(random, 0.1, 10_000)
    at, found = 10_000.0 + np.arange(8000), errors(random, np.repeat([0.1, 0.25], 4000), 8000)
    late, prompt = (QualityMonitor(reference, times=np.arange(10_000)) for _ in range(2))
    for part in np.array_split(random.permutation(8000), 10):
        verdict = late.update(found[part], times=at[part])
    assert prompt.update(found, times=at).inputs["changed"] == verdict.inputs["changed"]
    assert verdict.inputs["changed"] == pytest.approx(14_000, abs=1100)
    assert late.watched().evidence == pytest.approx(prompt.watched().evidence)


def test_a_monitor_that_was_saved_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    random = np.random.default_rng(48)
    monitor = QualityMonitor(errors(random, 0.1, 5000), {"shop": ["a", "b"] * 2500}, window=500)
    monitor.update(errors(random, 0.12, 500), {"shop": ["a"] * 500})
    monitor.save(tmp_path / "m.json")
    again = QualityMonitor.load(tmp_path / "m.json")
    more = errors(random, 0.2, 500)
    assert again.update(more) == monitor.update(more)
    assert QualityMonitor.from_data(monitor.to_data()).update(more) == monitor.update(more)
    (tmp_path / "m.json").write_text('{"window": 5}')
    with pytest.raises(ContractError, match=r"m\.json is no monitor"):
        QualityMonitor.load(tmp_path / "m.json")


def test_no_labels_and_few_labels_are_never_fine() -> None:
    monitor = QualityMonitor([0, 0, 0, 1] * 500)
    assert monitor.update([]).status == "inconclusive"
    assert monitor.update([None, float("nan"), 0]).inputs["dropped"] == 2
    few = monitor.update([0] * 50)
    assert (few.status, few.checks[0].note) == ("inconclusive", "too few labels: 51 of 100")
    assert monitor.update([0] * 50).status == "pass"
    assert monitor.update([]).status == "inconclusive"


@pytest.mark.parametrize("make", [
    lambda: QualityMonitor([]),
    lambda: QualityMonitor([None, float("nan")]),
    lambda: QualityMonitor([0, 1], window=0),
    lambda: QualityMonitor(["red", "blue"]),
    lambda: QualityMonitor([0, -1]),
    lambda: QualityMonitor([0, 1], {"a": [1]}),
    lambda: QualityMonitor([0, 1], times=[1.0]),
    lambda: QualityMonitor([0, 1], times=[1.0, 2.0]).update([0]),
    lambda: QualityMonitor([0, 1]).merge(QualityMonitor([0, 0])),
])  # fmt: skip
def test_what_cannot_be_watched_is_refused(make: Any) -> None:
    with pytest.raises(ContractError):
        make()


def test_five_rows_and_a_perfect_reference_are_borne() -> None:
    tiny = QualityMonitor([0, 1, 0, 0, 1])
    assert tiny.update([1]).status == "inconclusive"
    assert QualityMonitor([0.0] * 100).update([0.0] * 100).status == "pass"
    assert QualityMonitor([0.0] * 5000).update([1.0] * 100).status == "fail"


def test_errors_are_watched_without_pandas() -> None:
    told = "import sys; from boucle.monitoring.quality_monitor import QualityMonitor as Q; Q([0, 1]).update([0])"
    subprocess.run([sys.executable, "-c", f"{told}; sys.exit('pandas' in sys.modules)"], check=True)
