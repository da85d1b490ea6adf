"""One sentence says where a model stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boucle.views.models import ModelStatus
from boucle.views.sentences import headline

FINE: dict[str, Any] = {"status": "pass", "reason": "", "checks": []}
MODEL = ModelStatus(
    name="wine", enabled=True, champion={"version": 3}, challenger=None, rollout=None, quality=FINE, drift=FINE,
    fault=FINE, slo=FINE, business=[], traffic={}, alarms=[],
)  # fmt: skip


def test_a_quiet_model_answers_all_traffic() -> None:
    assert headline(MODEL) == "wine/3 answers all traffic."


def test_a_failing_kind_is_named() -> None:
    assert headline(replace(MODEL, drift={**FINE, "status": "fail"})) == "wine/3 needs a look: drift."


def test_too_little_data_is_not_told_as_trouble() -> None:
    assert "needs" not in headline(replace(MODEL, quality={**FINE, "status": "inconclusive"}))


def test_a_rollout_names_both_and_the_share() -> None:
    rolling = replace(MODEL, challenger=4, rollout={"phase": "stepping", "share": 0.25})
    assert headline(rolling) == "wine/3 answers; wine/4 is stepping at 25% of the traffic."


def test_nothing_trained_says_what_to_do() -> None:
    assert "boucle train" in headline(replace(MODEL, champion=None))
