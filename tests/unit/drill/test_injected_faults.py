"""Each fault does to the traffic what its name says, and nothing else; what cannot happen to a project says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from boucle.core.signature import Signature
from boucle.drill import faults
from boucle.drill.faults import Absent, Traffic, make
from boucle.drill.population import Population
from boucle.project.answering import Serve
from boucle.project.settings import Settings
from boucle.project.watching import Monitor

ROWS = 400


def traffic(rows: Population) -> Traffic:
    places = np.random.default_rng(1).integers(len(rows), size=ROWS)
    still = np.zeros(ROWS, dtype=np.bool_)
    return Traffic(places, rows.take(places), rows.truth[places], np.full(ROWS, 0.001), still)


def done(name: str, rows: Population, settings: Settings, lasts: int = 1) -> tuple[Traffic, Traffic]:
    before = traffic(rows)
    return before, make(name, rows, settings, np.random.default_rng(2))(before, lasts)


def changed(before: Traffic, after: Traffic) -> list[str]:
    return [name for name in before.batch if list(map(str, before.batch[name])) != list(map(str, after.batch[name]))]


def test_a_unit_change_multiplies_one_number_of_every_row(numbers: Population, settings: Settings) -> None:
    before, after = done("unit_change", numbers, settings)
    (name,) = changed(before, after)
    assert name in ("age", "income")
    grown = after.batch[name].astype(float) / before.batch[name].astype(float)
    np.testing.assert_allclose(grown[np.isfinite(grown)], faults.UNIT)


def test_mended_data_is_right_again_while_its_labels_still_wait(numbers: Population, settings: Settings) -> None:
    before, broken = done("mended", numbers, settings, faults.BROKEN)
    assert changed(before, broken)
    before, whole = done("mended", numbers, settings, faults.BROKEN + 1)
    assert not changed(before, whole)
    assert broken.late == whole.late == 1 + faults.LATE


def test_nulls_go_only_where_a_value_may_be_missing(numbers: Population, settings: Settings) -> None:
    before, after = done("null_surge", numbers, settings)
    assert changed(before, after) == ["income"]
    assert np.isnan(after.batch["income"].astype(float)).mean() == pytest.approx(faults.NULLS, abs=0.1)


def test_a_new_category_never_stands_in_personal_data(labels: Population, settings: Settings) -> None:
    before, after = done("new_category", labels, settings)
    assert changed(before, after) == ["plan"]
    assert set(after.batch["plan"]) - {"basic", "pro"} == {"never seen before"}


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_covariates_shift_and_the_models_error_does_not(
    kind: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    rows: Population = request.getfixturevalue(kind)
    apply = make("covariate_shift", rows, settings, np.random.default_rng(2))
    places = np.concatenate([apply(traffic(rows), 1).places for _ in range(50)])
    spread = rows.losses.std() / np.sqrt(len(places))
    assert abs(rows.losses[places].mean() - rows.losses.mean()) < 4.0 * spread
    moved = abs(rows.batch["age"][places].astype(float).mean() - rows.batch["age"].astype(float).mean())
    pro = abs((rows.batch["plan"][places] == "pro").mean() - (rows.batch["plan"] == "pro").mean())
    income = rows.batch["income"].astype(float)
    rich = abs(np.nanmean(income[places]) - np.nanmean(income)) / np.nanstd(income)
    assert max(moved / 12.0, pro / 0.5, rich) > faults.SHIFT / 2.0


def test_a_concept_drifts_by_its_truth_alone(numbers: Population, settings: Settings) -> None:
    before, after = done("concept_drift", numbers, settings, faults.RAMP)
    assert not changed(before, after)
    told = numbers.answers["prediction"].astype(float)[before.places]
    errors = [float(np.sqrt(np.mean((t.truth.astype(float) - told) ** 2))) for t in (before, after)]
    assert 1.5 < errors[1] / errors[0] < 2.0


def test_labels_that_were_late_come_together_and_twice(numbers: Population, settings: Settings) -> None:
    arrivals = {lasts + done("label_delay", numbers, settings, lasts)[1].late for lasts in range(1, faults.LATE + 1)}
    assert len(arrivals) == 1
    assert done("label_delay", numbers, settings)[1].twice


def test_a_spike_is_ten_times_what_is_promised(numbers: Population, settings: Settings) -> None:
    _, everywhere = done("latency_spike", numbers, settings)
    _, released = done("slow_release", numbers, settings)
    assert (everywhere.latency == 0.5).all()
    assert not everywhere.release_only
    assert released.release_only


def test_a_crash_fails_most_requests(numbers: Population, settings: Settings) -> None:
    _, after = done("crash", numbers, settings)
    assert 0.5 < after.failed.mean() < 0.7


@pytest.mark.parametrize("name", ["unit_change", "null_surge", "new_category", "covariate_shift"])
def test_what_needs_a_column_that_is_not_there_says_so(name: str, numbers: Population, settings: Settings) -> None:
    personal = tuple(replace(field, pii=True, optional=False) for field in numbers.signature.inputs)
    hidden = replace(numbers, signature=Signature(personal, numbers.signature.outputs))
    with pytest.raises(Absent, match="no "):
        make(name, hidden, settings, np.random.default_rng(2))


def test_what_the_service_refuses_or_never_promised_is_absent(labels: Population, settings: Settings) -> None:
    strict = settings.model_copy(update={"serve": Serve.model_validate({"refuse": ["category"]})})
    with pytest.raises(Absent, match="refused"):
        make("new_category", labels, strict, np.random.default_rng(2))
    ranged = settings.model_copy(update={"serve": Serve.model_validate({"refuse": ["range"]})})
    before, after = done("unit_change", labels, ranged)
    assert changed(before, after) == ["income"]
    silent = settings.model_copy(update={"monitor": Monitor.model_validate({})})
    with pytest.raises(Absent, match="promises no latency"):
        make("latency_spike", labels, silent, np.random.default_rng(2))
