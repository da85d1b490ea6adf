"""The example of the whole loop on texts: its README runs, and food makes the loop learn again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.e2e.example_pages import FINE_TUNING, walked

from boucle.core.event import Event
from boucle.handle import open_loop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walked("sentiment-loop", tmp_path_factory.mktemp("examples"), FINE_TUNING)


@pytest.fixture(scope="module")
def history(folder: Path) -> list[Event]:
    with open_loop(folder) as loop:
        return loop.history()


def test_each_version_is_made_from_the_one_before(history: list[Event]) -> None:
    made = [(event.kind, event.version) for event in history if event.kind in ("trained", "distilled", "optimized")]
    assert made == [("trained", 1), ("distilled", 2), ("optimized", 3), ("trained", 4)]


def test_food_is_noticed_and_leads_to_a_retraining(history: list[Event]) -> None:
    [reason] = [event.reason for event in history if event.kind == "retraining"]
    assert reason.startswith("data drift: text.")


def test_the_new_champion_has_proved_itself_at_the_gate_and_on_traffic(history: list[Event]) -> None:
    [trained] = [event for event in history if event.kind == "trained" and event.version == 4]
    assert {check["name"] for check in trained.data["verdict"]["checks"]} >= {"accuracy", "champion"}
    assert [event.version for event in history if event.kind == "rollout_done"] == [4]


def test_it_knows_food_better_than_the_one_before(folder: Path) -> None:
    food = pd.read_csv(folder / "food.csv")  # no version has learned from these rows
    with open_loop(folder) as loop:
        before, after = ((loop.load(f"sentiment/{n}").predict(food[["text"]]) == food["label"]).mean() for n in (3, 4))
    assert after > before
