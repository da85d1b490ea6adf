"""Broken data is told from changed data, and both from noise."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.core.profile import Counts
from boucle.core.signature import Field
from boucle.core.verdict import Verdict
from boucle.measures.law import Law
from boucle.measures.profiles import reference_profile
from boucle.monitoring.drift import Seen, drift_verdict, fault_verdict, findings

from .conftest import Wines, make_settings, rows

LEVEL = 0.005
DRIFT = make_settings().monitor.drift


def judge_drift(windows: list[Counts], law: Law) -> Verdict:
    seen = [Seen(counts) for counts in windows]
    return drift_verdict("wine/1", law, seen, findings(law, seen, DRIFT.level, DRIFT.effect), DRIFT.effect)


def judge_faults(window: Counts, law: Law) -> Verdict:
    return fault_verdict("wine/1", law, window, findings(law, [Seen(window)], LEVEL, least=1))


def drift(windows: list[Counts], law: Law) -> tuple[str, list[str]]:
    verdict = judge_drift(windows, law)
    return verdict.status, [check.name for check in verdict.failed]


def normal(
    random: np.random.Generator, size: int, shift: float = 0.0
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return twenty columns, the first of them shifted."""
    return {f"x{i}": random.normal(shift if i == 0 else 0.0, 1.0, size) for i in range(20)}


def test_clean_windows_rarely_alarm() -> None:
    random = np.random.default_rng(1000)
    fields = [Field(f"x{i}", "float64") for i in range(20)]
    base = normal(random, 10_000)
    law = Law(reference_profile(base, fields, base["x1"]))
    alarms = faults = 0
    windows: list[Counts] = []
    for _ in range(200):
        window = normal(random, 500)
        windows = [*windows[-15:], law.count(window, window["x1"])]
        alarms += drift(windows, law)[0] != "pass"
        faults += judge_faults(windows[-1], law).status != "pass"
    assert alarms <= 2
    assert faults <= 2


def test_a_shift_of_half_a_standard_deviation_is_found_at_once_in_the_right_column() -> None:
    random = np.random.default_rng(1001)
    fields = [Field(f"x{i}", "float64") for i in range(20)]
    base = normal(random, 5000)
    law = Law(reference_profile(base, fields, base["x1"]))
    for _ in range(20):
        window = normal(random, 500, shift=0.5)
        assert drift([law.count(window, window["x1"])], law) == ("fail", ["x0"])


def test_red_wines_after_red_wines_are_quiet(wines: Wines) -> None:
    window = wines.window(rows(wines.red, slice(1100, 1599)))
    assert drift([window], wines.law) == ("pass", [])
    assert judge_faults(window, wines.law).status == "pass"


@pytest.mark.parametrize("size", [250, 500, 4898])
def test_white_wines_after_red_ones_are_drift_and_no_fault(wines: Wines, size: int) -> None:
    window = wines.window(rows(wines.white, slice(0, size)))
    status, columns = drift([window], wines.law)
    assert status == "fail"
    assert {"volatile acidity", "total sulfur dioxide", "chlorides", "residual sugar"} <= set(columns)
    assert judge_faults(window, wines.law).failed == ()


def test_the_largest_effects_are_named_first(wines: Wines) -> None:
    verdict = judge_drift([wines.window(rows(wines.white, slice(0, 500)))], wines.law)
    effects = [check.observed for check in verdict.failed if check.observed is not None]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] > 1.0
    assert verdict.failed[0].bound == "< 0.1"


@pytest.mark.parametrize("name", ["residual sugar", "pH", "density", "alcohol"])
def test_another_unit_in_two_per_cent_of_the_rows_is_a_fault(wines: Wines, name: str) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken[name][:10] *= 1000.0
    verdict = judge_faults(wines.window(broken), wines.law)
    assert verdict.failed[0].name == f"{name} far"
    assert {check.name for check in verdict.failed} <= {f"{name} far", "prediction far"}
    assert "10 of 499 values are far outside" in verdict.reason


@pytest.mark.parametrize("name", ["residual sugar", "pH", "density", "alcohol", "chlorides"])
def test_a_whole_column_in_a_larger_unit_is_a_fault(wines: Wines, name: str) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken[name] /= 1000.0
    verdict = judge_faults(wines.window(broken), wines.law)
    assert verdict.failed[0].name == f"{name} small"
    assert verdict.failed[0].observed == pytest.approx(1.0, abs=0.01)


def test_a_unit_within_the_reach_of_a_wide_range_is_a_fault() -> None:
    random = np.random.default_rng(5)
    amounts = random.lognormal(4.0, 2.0, 5000)
    law = Law(reference_profile({"x": amounts}, [Field("x", "float64")], np.zeros(5000)))
    window = {factor: law.count({"x": amounts[:500] * factor}, np.zeros(500)) for factor in (3, 40)}
    assert judge_faults(window[3], law).failed == ()
    assert [c.name for c in judge_faults(window[40], law).failed] == ["x large"]


def test_a_surge_of_high_scores_is_drift_and_no_fault() -> None:
    random = np.random.default_rng(7)
    calm, surge = random.beta(1.0, 80.0, 3000), random.beta(8.0, 8.0, 400)
    law = Law(reference_profile({}, (), calm))
    window = law.count({}, surge)
    assert drift([window], law) == ("fail", ["prediction"])
    assert "prediction large" not in {c.name for c in judge_faults(window, law).failed}


def test_columns_that_are_mostly_zero_or_signed_may_shrink() -> None:
    random = np.random.default_rng(6)
    base = {"sparse": random.poisson(0.3, 3000).astype(float), "signed": random.normal(1.0, 1.0, 3000)}
    law = Law(reference_profile(base, [Field(name, "float64") for name in base], np.zeros(3000)))
    window = law.count({name: np.zeros(400) for name in base}, np.zeros(400))
    assert judge_faults(window, law).failed == ()


def test_a_surge_of_missing_values_is_a_fault(wines: Wines) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken["pH"][:25] = np.nan
    verdict = judge_faults(wines.window(broken), wines.law)
    assert [check.name for check in verdict.failed] == ["pH missing"]
    assert verdict.failed[0].observed == pytest.approx(25 / 499)


def test_as_many_missing_values_as_in_the_reference_are_none() -> None:
    random = np.random.default_rng(3)
    column = np.where(random.random(4000) < 0.2, np.nan, random.normal(size=4000))
    law = Law(reference_profile({"x": column[:3500]}, [Field("x", "float64", optional=True)], np.zeros(3500)))
    window = law.count({"x": column[3500:]}, np.zeros(500))
    assert judge_faults(window, law).status == "pass"


def levels(*counts: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return rows of level a, b, c, and so on, as many as given."""
    return np.array([chr(97 + i) for i, n in enumerate(counts) for _ in range(n)], dtype=object)


def profiled(
    old: np.ndarray[tuple[int], np.dtype[np.object_]], new: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> tuple[Counts, Law]:
    law = Law(reference_profile({"kind": old}, [Field("kind", "string")], np.zeros(len(old))))
    return law.count({"kind": new}, np.zeros(len(new))), law


def test_a_level_nobody_knew_is_a_fault() -> None:
    window, law = profiled(levels(700, 300), levels(340, 140, 20))
    assert [c.name for c in judge_faults(window, law).failed] == ["kind unseen"]


def test_new_levels_where_levels_are_always_new_are_none() -> None:
    names = np.array([f"id{i}" for i in range(1500)], dtype=object)
    window, law = profiled(names[:1000], names[1000:])
    assert judge_faults(window, law).failed == ()


def test_levels_in_other_shares_are_drift() -> None:
    window, law = profiled(levels(700, 300), levels(250, 250))
    assert drift([window], law) == ("fail", ["kind"])
    assert judge_faults(window, law).status == "pass"


@pytest.mark.parametrize("size", [0, 1, 5, 143])
def test_few_rows_are_never_fine(wines: Wines, size: int) -> None:
    window = wines.window(rows(wines.red, slice(1100, 1100 + size)))
    verdict = judge_drift([window], wines.law)
    assert (verdict.status, verdict.checks[0].note) == ("inconclusive", f"too few rows: {size} of 200")
    assert judge_faults(window, wines.law).status == "inconclusive"


def test_no_window_is_inconclusive(wines: Wines) -> None:
    assert drift([], wines.law) == ("inconclusive", [])


def test_small_windows_are_added_up_until_there_are_enough_rows(wines: Wines) -> None:
    small = [wines.window(rows(wines.white, slice(i, i + 50))) for i in range(0, 400, 50)]
    assert drift(small[:3], wines.law)[0] == "inconclusive"
    assert drift(small[:4], wines.law)[0] == "fail"


def test_a_slow_shift_is_found_over_the_longer_horizon() -> None:
    random = np.random.default_rng(4)
    base = random.normal(size=20_000)
    law = Law(reference_profile({"x": base}, [Field("x", "float64")], np.zeros(20_000)))
    windows = [law.count({"x": random.normal(0.17, 1.0, 500)}, np.zeros(500)) for _ in range(4)]
    verdict = judge_drift(windows, law)
    assert verdict.failed[0].note == "changed over 4 windows"
    assert judge_drift(windows[:1], law).status == "pass"


def test_columns_without_a_spread_or_a_value_are_judged_quietly() -> None:
    n = 300
    base = {"same": np.full(n, 7.0), "none": np.full(n, np.nan), "time": np.arange(n).astype("datetime64[s]")}
    fields = [Field("same", "float64"), Field("none", "float64", optional=True), Field("time", "datetime")]
    law = Law(reference_profile(base, fields, np.zeros(n)))
    again = judge_drift([law.count(base, np.zeros(n))], law)
    assert (again.status, again.inputs["untested"]) == ("pass", ["none", "time"])
    changed = law.count({**base, "same": np.full(n, 8.0)}, np.zeros(n))
    assert drift([changed], law) == ("fail", ["same"])


def test_a_column_that_goes_all_missing_is_a_fault_and_not_drift(wines: Wines) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken["alcohol"][:] = np.nan
    window = wines.law.count(broken, wines.predict(rows(wines.red, slice(1100, 1599))))
    assert drift([window], wines.law) == ("pass", [])
    assert judge_faults(window, wines.law).failed[0].name == "alcohol missing"


def test_a_few_gaps_in_every_window_are_a_fault_while_they_last() -> None:
    random = np.random.default_rng(1010)
    fields = [Field(f"x{i}", "float64") for i in range(20)]
    law = Law(reference_profile(normal(random, 10_000), fields, None))
    windows: list[Counts] = []
    for share in (0.0, *[0.02] * 15, 0.0):
        window = normal(random, 250)
        window["x3"][random.random(250) < share] = np.nan
        windows.append(law.count(window))
    said = []
    for end in (16, 17):
        seen = [Seen(counts) for counts in windows[:end]]
        found = findings(law, seen[-1:]) + [f for f in findings(law, seen) if f.windows > 1]
        said.append([check.name for check in fault_verdict("wine/1", law, windows[end - 1], found).failed])
    assert said == [["x3 missing"], []]
