"""Who is needed is told what to do, and where; nobody else is told anything."""

from __future__ import annotations

import pytest

from boucle.loop.telling.said import say
from boucle.views.story import story

from .conftest import Written, accuracy, rollout


def told(written: Written) -> tuple[str, str] | None:
    found = story(written.project, "churn").advice
    return (found.place, found.told.text) if found is not None else None


def test_nobody_is_told_what_to_do_about_a_model_that_needs_nobody(written: Written) -> None:
    written.released()
    written.judged("quality", accuracy(0.93))
    assert told(written) is None


@pytest.mark.parametrize(
    ("cause", "place", "word"),
    [
        ("quality", "model", "Retrain"),
        ("drift", "drift", "labels"),
        ("fault", "drift", "source"),
        ("approval", "alarms", "promote"),
        ("gate", "alarms", "acknowledge"),
    ],
)
def test_each_trouble_has_its_remedy(written: Written, cause: str, place: str, word: str) -> None:
    written.released()
    written.alarm(cause)
    found = told(written)
    assert found is not None
    assert found[0] == place
    assert word in found[1]


def test_a_version_that_is_tried_is_named(written: Written) -> None:
    written.released()
    written.alarm("quality")
    written.put(rollout=rollout())
    found = story(written.project, "churn").advice
    assert found is not None
    assert (found.place, found.told.text.split()[0]) == ("rollout", "churn/2")
    assert say(found.told, "fr").startswith("churn/2 est essayé")


def test_a_model_that_is_switched_off_can_be_enabled(written: Written) -> None:
    written.released()
    written.put(enabled=False)
    assert told(written) == ("model", "Enable churn again, or promote another version.")
