"""A scenario passes when all that is right is seen, nothing that is wrong, and no alarm before."""

from __future__ import annotations

from typing import Any

import pytest

from boucle.core.event import Event
from boucle.drill.fit import fit
from boucle.drill.report import History, Result, judged
from boucle.drill.scenarios import SCENARIOS, Scenario
from boucle.project.settings import Settings

KNOWN = {scenario.name: scenario for scenario in SCENARIOS}


def happened(*events: tuple[int, str, str]) -> History:
    """Return a history of (window, kind, cause)."""
    return History(
        [(window, Event(kind, 0.0, f"{cause}: why", data={"cause": cause})) for window, kind, cause in events]
    )


def held(name: str, settings: Settings, *events: tuple[int, str, str]) -> Result:
    return judged(KNOWN[name], settings, happened(*events))


def reacting(settings: Settings, **react: Any) -> Settings:
    return Settings.model_validate({**settings.model_dump(), "react": react})


def test_silence_passes_where_nothing_happens_and_nowhere_else(settings: Settings) -> None:
    for scenario in SCENARIOS:
        quiet = judged(scenario, settings, happened())
        assert quiet.status == ("pass" if not scenario.right else "fail"), scenario.name
    assert held("crash", settings).why == "no slo or floor alarm"


def test_delay_is_counted_from_the_first_window_with_the_fault(settings: Settings) -> None:
    assert held("unit-change", settings, (1, "alarm_opened", "fault")).delay == 0
    assert held("covariate-shift", settings, (3, "alarm_opened", "drift")).delay == 2
    assert held("covariate-shift", settings).delay is None


def test_an_alarm_before_the_fault_is_a_false_one(settings: Settings) -> None:
    result = held("covariate-shift", settings, (0, "alarm_opened", "drift"), (2, "alarm_opened", "drift"))
    assert (result.status, result.false_alarms) == ("fail", 1)
    assert "before anything happened: drift: why" in result.why


@pytest.mark.parametrize("window", [-2, 2])
def test_a_retraining_on_broken_data_fails_whenever_it_comes(settings: Settings, window: int) -> None:
    result = held("unit-change", settings, (1, "alarm_opened", "fault"), (window, "retraining", ""))
    assert (result.status, result.wrong) == ("fail", ("retrain",))


def test_the_action_asked_for_is_the_one_the_project_declares(settings: Settings) -> None:
    noticed = (3, "alarm_opened", "quality")
    assert held("concept-drift", settings, noticed).missing == ("retrain",)
    assert held("concept-drift", settings, noticed, (3, "retraining", "")).status == "pass"
    told = reacting(settings, quality_loss="alert")
    assert held("concept-drift", told, noticed).status == "pass"
    assert held("unit-change", reacting(settings, data_fault="disable"), (1, "alarm_opened", "fault")).missing == (
        "disable",
    )


def test_a_poisoned_version_may_not_become_champion(settings: Settings) -> None:
    begun, stopped = (1, "rollout_started", ""), (2, "rollout_aborted", "")
    assert held("poisoned-challenger", settings, begun, stopped).status == "pass"
    assert held("poisoned-challenger", settings, begun).missing == ("rollback",)
    assert held("poisoned-challenger", settings, begun, stopped, (5, "rollout_done", "")).wrong == ("promote",)


def test_the_table_asks_and_forbids_without_contradicting_itself(settings: Settings) -> None:
    def both(scenario: Scenario) -> set[str]:
        return {str(sign) for sign in scenario.right} & {str(sign) for sign in scenario.forbidden}

    assert len(KNOWN) == len(SCENARIOS)
    assert not any(both(scenario) for scenario in SCENARIOS)
    assert all(hasattr(settings.react, scenario.acts) for scenario in SCENARIOS if scenario.acts)


def test_a_drill_sends_nothing_out_and_keeps_the_thresholds(settings: Settings) -> None:
    given = settings.model_dump() | {
        "alerts": ["json://people"],
        "serve": {"refuse": ["range"], "capture": {"archive": "s3://bucket/kept"}},
        "store": {"url": "postgresql://host/live"},
        "tracking": {"uri": "http://mlflow"},
        "release": {"require_approval": True},
        "react": {"dry_run": True, "min_labels": 100_000, "schedule": "0 3 * * *"},
        "monitor": {"window": 50_000, "quality_tolerance": 0.3, "drift": {"effect": 0.2}},
    }
    fitted, rows, notes = fit(Settings.model_validate(given), windows=18)
    assert (fitted.alerts, fitted.store.url, fitted.tracking.uri, fitted.react.schedule) == ([], None, None, None)
    assert (fitted.monitor.quality_tolerance, fitted.monitor.drift.effect) == (0.3, 0.2)
    assert (fitted.serve.refuse, fitted.serve.capture.archive) == (["range"], None)
    assert rows == fitted.monitor.window == 1000
    assert len(notes) == 4
