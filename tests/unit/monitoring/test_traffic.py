"""False alarms and power on traffic as it is: cycles, bursts, ids, clocks, heavy tails; and in plain windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from boucle.monitoring.monitors import DriftMonitor, Watched

Table = dict[str, np.ndarray[Any, Any]]
Traffic = Callable[[np.random.Generator, int], Table]
ROWS, BLOCKS, CLEAN = 500, 48, 30
LEVELS = np.array(list("abcde"), dtype=object)


def plain(random: np.random.Generator, t: int, rows: int = ROWS) -> Table:
    table: Table = {f"n{i}": random.normal(size=rows) for i in range(8)}
    return {**table, "kind": random.choice(LEVELS, rows)}


def daily(random: np.random.Generator, t: int) -> Table:
    table, tide = plain(random, t), np.sin(2.0 * np.pi * (t % 12) / 12.0)
    for i in range(4):
        table[f"n{i}"] = table[f"n{i}"] + tide * (0.5 + 0.3 * i)
    night = np.array([1.0, 1.0, 1.0, 1.0, 3.0 if tide > 0.01 else 1.0])
    return {**table, "kind": random.choice(LEVELS, ROWS, p=night / night.sum())}


def daily_hour(random: np.random.Generator, t: int) -> Table:
    tide = np.sin(2.0 * np.pi * t / 24.0)
    return {f"n{i}": random.normal(tide * (0.5 + 0.1 * i), size=60) for i in range(4)}


def bursts(random: np.random.Generator, t: int) -> Table:
    users = plain(random, t, ROWS // 5)
    sent = np.repeat(np.arange(ROWS // 5), 5)
    return {k: v[sent] + (random.normal(0.0, 0.05, ROWS) if k != "kind" else "") for k, v in users.items()}


def ids(random: np.random.Generator, t: int) -> Table:
    user = np.array([f"u{n}" for n in random.integers(0, 10**6, ROWS)], dtype=object)
    return {**plain(random, t), "id": np.arange(t * ROWS, (t + 1) * ROWS, dtype=np.float64), "user": user}


def heavy(random: np.random.Generator, t: int) -> Table:
    return {**plain(random, t), "n0": random.standard_cauchy(ROWS), "n1": random.pareto(1.1, ROWS)}


def jitter(random: np.random.Generator, t: int) -> Table:
    return {k: v + random.normal() * 0.03 if k != "kind" else v for k, v in plain(random, t).items()}


def growing(random: np.random.Generator, t: int) -> Table:
    return plain(random, t, ROWS + 10 * max(t - BLOCKS, 0))


def watch(traffic: Traffic, seed: int) -> tuple[DriftMonitor, np.random.Generator]:
    random = np.random.default_rng(seed)
    blocks = [traffic(random, t) for t in range(BLOCKS)]
    reference = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return DriftMonitor(reference, window=ROWS), random


@pytest.mark.parametrize("traffic", [plain, daily, bursts, ids, heavy, jitter, growing])
def test_clean_traffic_is_quiet_and_a_shift_in_it_is_found(traffic: Traffic) -> None:
    monitor, random = watch(traffic, 1000)
    alarms = [monitor.update(traffic(random, BLOCKS + t)).alarms for t in range(CLEAN)]
    assert sum(map(bool, alarms)) <= 1, alarms
    for t in range(8):
        window = traffic(random, BLOCKS + CLEAN + t)
        window["n3"] = window["n3"] + 0.6
        found = monitor.update(window)
        if found.alarms:
            break
    assert "n3" in found.alarms
    assert not found.faults


def test_a_cycle_is_learnt_with_its_period_and_clocks_are_named() -> None:
    monitor, random = watch(daily, 1001)
    assert monitor.law.period == 12
    monitor, random = watch(ids, 1001)
    assert monitor.update(ids(random, BLOCKS)).inputs["clocks"] == ["id"]


def test_windows_of_a_long_reference_keep_their_place_in_the_day() -> None:
    random = np.random.default_rng(1008)
    hours = [daily_hour(random, t) for t in range(840)]
    monitor = DriftMonitor({name: np.concatenate([h[name] for h in hours]) for name in hours[0]}, window=60)
    assert (monitor.law.profile.windows, monitor.law.period) == (3, 8)
    assert [monitor.update(daily_hour(random, 840 + t)).alarms for t in range(24)] == [frozenset()] * 24
    assert any(monitor.update(daily_hour(random, 864 + 6 + t)).alarms for t in range(6))


def test_a_day_that_comes_at_night_is_drift() -> None:
    monitor, random = watch(daily, 1002)
    found = [monitor.update(daily(random, BLOCKS + t + 6)).alarms for t in range(6)]
    assert any("n3" in alarms for alarms in found)


def changed(how: str, random: np.random.Generator) -> Table:
    table = plain(random, 0)
    if how == "missing":
        table["n2"] = np.where(random.random(ROWS) < 0.05, np.nan, table["n2"])
    elif how == "level":
        table["kind"] = np.where(random.random(ROWS) < 0.03, "new", table["kind"])
    elif how == "unit":
        table["n2"] = np.where(random.random(ROWS) < 0.03, table["n2"] * 1000.0, table["n2"])
    elif how == "rounded":
        table["n2"] = np.where(random.random(ROWS) < 0.2, table["n2"].round(), table["n2"])
    elif how == "pair":
        table["n2"] = 0.6 * table["n1"] + 0.8 * table["n2"]
    elif how == "triple":
        table["n2"] = np.abs(table["n2"]) * np.sign(table["n0"] * table["n1"])
    return table


@pytest.mark.parametrize("how", ["missing", "level", "unit", "rounded", "pair", "triple"])
def test_what_no_mean_shows_is_found_within_four_windows(how: str) -> None:
    monitor, random = watch(plain, 1003)
    found = Watched("", "", "pass")
    for _ in range(4):
        found = monitor.update(changed(how, random))
    assert {"level": "kind"}.get(how, "n2") in found.alarms
    assert bool(found.faults) == (how in ("missing", "level", "unit"))


def zeros(random: np.random.Generator, shift: float, rows: int = 20_000) -> Table:
    return {"n0": np.maximum(0.0, random.normal(size=rows) + shift - 0.25), "n1": random.normal(size=rows) * 10.0}


def test_a_share_of_zeros_wanders_as_far_as_the_column_may() -> None:
    random = np.random.default_rng(1005)
    monitor = DriftMonitor(zeros(random, 0.04, 60_000), window=20_000)
    assert [monitor.update(zeros(random, shift)).alarms for shift in (-0.04, 0.04, -0.04)] == [frozenset()] * 3
    filled = zeros(random, 0.04)
    filled["n1"] = np.where(random.random(20_000) < 0.03, filled["n1"].round(), filled["n1"])
    assert monitor.update(filled).alarms == {"n1"}


def long_bursts(random: np.random.Generator, t: int) -> Table:
    sent = np.repeat(np.arange(200), random.geometric(0.1, 200))[:200]
    return {
        k: v[sent] + (random.normal(0.0, 0.02, 200) if k != "kind" else "") for k, v in plain(random, t, 200).items()
    }


def test_windows_worth_ten_rows_are_quiet_and_gaps_in_them_are_found() -> None:
    random, alarms = np.random.default_rng(1006), []
    for _ in range(4):
        blocks = [long_bursts(random, t) for t in range(25)]
        monitor = DriftMonitor({name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}, window=200)
        assert monitor.law.typical > 10.0
        alarms += [monitor.update(long_bursts(random, t)).alarms for t in range(20)]
    assert sum(map(bool, alarms)) <= 1, alarms
    found = Watched("", "", "pass")
    for t in range(16):
        window = long_bursts(random, t)
        window["n2"] = np.where(random.random(200) < 0.06, np.nan, window["n2"])
        found = monitor.update(window)
    assert found.faults == {"n2"}


def test_gaps_of_one_user_are_as_few_as_he_is() -> None:
    random = np.random.default_rng(1007)
    blocks = [long_bursts(random, t) for t in range(25)]
    monitor = DriftMonitor({name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}, window=200)
    for t in range(16):
        window = long_bursts(random, t)
        if t in (5, 11):
            window["n2"][20:80] = np.nan
        assert not monitor.update(window).faults


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_are_never_fine(rows: int) -> None:
    monitor, random = watch(plain, 1004)
    found = monitor.update(plain(random, 0, rows))
    assert (found.status, found.alarms) == ("inconclusive", frozenset())
