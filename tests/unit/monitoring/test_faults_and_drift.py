"""Broken data is told from changed data, and both from noise."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.core.profile import Profile
from boucle.core.signature import Field
from boucle.measures.profiles import reference_profile, window_profile
from boucle.monitoring.drift import judge_drift
from boucle.monitoring.faults import judge_faults

from .conftest import Wines, make_settings, rows

LEVEL = 0.005
DRIFT = make_settings().monitor.drift


def drift(profiles: list[Profile], reference: Profile) -> tuple[str, list[str]]:
    verdict = judge_drift("wine/1", profiles, reference, DRIFT)
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
    reference = reference_profile(base, fields, base["x1"])
    alarms = faults = 0
    profiles: list[Profile] = []
    for _ in range(200):
        window = normal(random, 500)
        profiles = [*profiles[-15:], window_profile(window, reference, window["x1"])]
        alarms += drift(profiles, reference)[0] != "pass"
        faults += judge_faults("wine/1", profiles[-1], reference, LEVEL).status != "pass"
    assert alarms <= 2
    assert faults <= 2


def test_a_shift_of_half_a_standard_deviation_is_found_at_once_in_the_right_column() -> None:
    random = np.random.default_rng(1001)
    fields = [Field(f"x{i}", "float64") for i in range(20)]
    base = normal(random, 5000)
    reference = reference_profile(base, fields, base["x1"])
    for _ in range(20):
        window = normal(random, 500, shift=0.5)
        assert drift([window_profile(window, reference, window["x1"])], reference) == ("fail", ["x0"])


def test_red_wines_after_red_wines_are_quiet(wines: Wines) -> None:
    window = wines.window(rows(wines.red, slice(1100, 1599)))
    assert drift([window], wines.reference()) == ("pass", [])
    assert judge_faults("wine/1", window, wines.reference(), LEVEL).status == "pass"


@pytest.mark.parametrize("size", [250, 500, 4898])
def test_white_wines_after_red_ones_are_drift_and_no_fault(wines: Wines, size: int) -> None:
    window = wines.window(rows(wines.white, slice(0, size)))
    status, columns = drift([window], wines.reference())
    assert status == "fail"
    assert {"volatile acidity", "total sulfur dioxide", "chlorides", "residual sugar"} <= set(columns)
    assert judge_faults("wine/1", window, wines.reference(), LEVEL).failed == ()


def test_the_largest_effects_are_named_first(wines: Wines) -> None:
    verdict = judge_drift("wine/1", [wines.window(rows(wines.white, slice(0, 500)))], wines.reference(), DRIFT)
    effects = [check.observed for check in verdict.failed if check.observed is not None]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] > 1.0
    assert verdict.failed[0].bound == "< 0.1"


@pytest.mark.parametrize("name", ["residual sugar", "pH", "density", "alcohol"])
def test_another_unit_in_two_per_cent_of_the_rows_is_a_fault(wines: Wines, name: str) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken[name][:10] *= 1000.0
    verdict = judge_faults("wine/1", wines.window(broken), wines.reference(), LEVEL)
    assert verdict.failed[0].name == f"{name} far"
    assert {check.name for check in verdict.failed} <= {f"{name} far", "prediction far"}
    assert "10 of 499 values are far outside" in verdict.reason


@pytest.mark.parametrize("name", ["residual sugar", "pH", "density", "alcohol", "chlorides"])
def test_a_whole_column_in_a_larger_unit_is_a_fault(wines: Wines, name: str) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken[name] /= 1000.0
    verdict = judge_faults("wine/1", wines.window(broken), wines.reference(), LEVEL)
    assert verdict.failed[0].name == f"{name} small"
    assert verdict.failed[0].observed == pytest.approx(1.0, abs=0.01)


def test_a_unit_within_the_reach_of_a_wide_range_is_a_fault() -> None:
    random = np.random.default_rng(5)
    amounts = random.lognormal(4.0, 2.0, 5000)
    reference = reference_profile({"x": amounts}, [Field("x", "float64")], np.zeros(5000))
    window = {factor: window_profile({"x": amounts[:500] * factor}, reference, np.zeros(500)) for factor in (3, 40)}
    assert judge_faults("wine/1", window[3], reference, LEVEL).failed == ()
    assert [c.name for c in judge_faults("wine/1", window[40], reference, LEVEL).failed] == ["x large"]


def test_a_surge_of_high_scores_is_drift_and_no_fault() -> None:
    random = np.random.default_rng(7)
    calm, surge = random.beta(1.0, 80.0, 3000), random.beta(8.0, 8.0, 400)
    reference = reference_profile({}, (), calm)
    window = window_profile({}, reference, surge)
    assert drift([window], reference) == ("fail", ["prediction"])
    assert "prediction large" not in {c.name for c in judge_faults("wine/1", window, reference, LEVEL).failed}


def test_columns_that_are_mostly_zero_or_signed_may_shrink() -> None:
    random = np.random.default_rng(6)
    base = {"sparse": random.poisson(0.3, 3000).astype(float), "signed": random.normal(1.0, 1.0, 3000)}
    reference = reference_profile(base, [Field(name, "float64") for name in base], np.zeros(3000))
    window = window_profile({name: np.zeros(400) for name in base}, reference, np.zeros(400))
    assert judge_faults("wine/1", window, reference, LEVEL).failed == ()


def test_a_surge_of_missing_values_is_a_fault(wines: Wines) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken["pH"][:25] = np.nan
    verdict = judge_faults("wine/1", wines.window(broken), wines.reference(), LEVEL)
    assert [check.name for check in verdict.failed] == ["pH missing"]
    assert verdict.failed[0].observed == pytest.approx(25 / 499)


def test_as_many_missing_values_as_in_the_reference_are_none() -> None:
    random = np.random.default_rng(3)
    column = np.where(random.random(4000) < 0.2, np.nan, random.normal(size=4000))
    reference = reference_profile({"x": column[:3500]}, [Field("x", "float64", optional=True)], np.zeros(3500))
    window = window_profile({"x": column[3500:]}, reference, np.zeros(500))
    assert judge_faults("wine/1", window, reference, LEVEL).status == "pass"


def levels(*counts: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return rows of level a, b, c, and so on, as many as given."""
    return np.array([chr(97 + i) for i, n in enumerate(counts) for _ in range(n)], dtype=object)


def profiled(
    old: np.ndarray[tuple[int], np.dtype[np.object_]], new: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> tuple[Profile, Profile]:
    reference = reference_profile({"kind": old}, [Field("kind", "string")], np.zeros(len(old)))
    return window_profile({"kind": new}, reference, np.zeros(len(new))), reference


def test_a_level_nobody_knew_is_a_fault() -> None:
    window, reference = profiled(levels(700, 300), levels(340, 140, 20))
    assert [c.name for c in judge_faults("wine/1", window, reference, LEVEL).failed] == ["kind unseen"]


def test_new_levels_where_levels_are_always_new_are_none() -> None:
    names = np.array([f"id{i}" for i in range(1500)], dtype=object)
    window, reference = profiled(names[:1000], names[1000:])
    assert judge_faults("wine/1", window, reference, LEVEL).failed == ()


def test_levels_in_other_shares_are_drift() -> None:
    window, reference = profiled(levels(700, 300), levels(250, 250))
    assert drift([window], reference) == ("fail", ["kind"])
    assert judge_faults("wine/1", window, reference, LEVEL).status == "pass"


@pytest.mark.parametrize("size", [0, 1, 5, 143])
def test_few_rows_are_never_fine(wines: Wines, size: int) -> None:
    window = wines.window(rows(wines.red, slice(1100, 1100 + size)))
    verdict = judge_drift("wine/1", [window], wines.reference(), DRIFT)
    assert (verdict.status, verdict.checks[0].note) == ("inconclusive", f"too few rows: {size} of 200")
    assert judge_faults("wine/1", window, wines.reference(), LEVEL).status == "inconclusive"


def test_no_window_is_inconclusive(wines: Wines) -> None:
    assert drift([], wines.reference()) == ("inconclusive", [])


def test_small_windows_are_added_up_until_there_are_enough_rows(wines: Wines) -> None:
    small = [wines.window(rows(wines.white, slice(i, i + 50))) for i in range(0, 400, 50)]
    assert drift(small[:3], wines.reference())[0] == "inconclusive"
    assert drift(small[:4], wines.reference())[0] == "fail"


def test_a_slow_shift_is_found_over_the_longer_horizon() -> None:
    random = np.random.default_rng(4)
    base = random.normal(size=20_000)
    reference = reference_profile({"x": base}, [Field("x", "float64")], np.zeros(20_000))
    windows = [window_profile({"x": random.normal(0.17, 1.0, 500)}, reference, np.zeros(500)) for _ in range(4)]
    verdict = judge_drift("wine/1", windows, reference, DRIFT)
    assert verdict.failed[0].note == "changed over 4 windows"
    assert judge_drift("wine/1", windows[:1], reference, DRIFT).status == "pass"


def test_columns_without_a_spread_or_a_value_are_judged_quietly() -> None:
    n = 300
    base = {"same": np.full(n, 7.0), "none": np.full(n, np.nan), "time": np.arange(n).astype("datetime64[s]")}
    fields = [Field("same", "float64"), Field("none", "float64", optional=True), Field("time", "datetime")]
    reference = reference_profile(base, fields, np.zeros(n))
    again = judge_drift("wine/1", [window_profile(base, reference, np.zeros(n))], reference, DRIFT)
    assert (again.status, again.inputs["untested"]) == ("pass", ["none", "time"])
    changed = window_profile({**base, "same": np.full(n, 8.0)}, reference, np.zeros(n))
    assert drift([changed], reference) == ("fail", ["same"])


def test_a_column_that_goes_all_missing_is_a_fault_and_not_drift(wines: Wines) -> None:
    broken = rows(wines.red, slice(1100, 1599))
    broken["alcohol"][:] = np.nan
    window = window_profile(broken, wines.reference(), wines.predict(rows(wines.red, slice(1100, 1599))))
    assert drift([window], wines.reference()) == ("pass", [])
    assert judge_faults("wine/1", window, wines.reference(), LEVEL).failed[0].name == "alcohol missing"
