"""Reasons are told from numbers, in both languages; words of a person and old entries stay as they were written."""

from __future__ import annotations

from typing import Any

import pytest

from boucle.core.alarm import Alarm
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.profile import RATES
from boucle.core.verdict import Check, Verdict
from boucle.loop import alarms
from boucle.loop.policy import NOTES
from boucle.loop.telling.phrases import PHRASES
from boucle.loop.telling.reasons import done_about, faulty, why, why_alarm
from boucle.loop.telling.said import Said, say

LOST = Verdict.of("churn/2", "quality", [Check("accuracy", "fail", 0.562, ">= 0.7520", 0.518, 0.605, 1500)])
EVIDENCE = {"kind": "quality", "status": "fail", "checks": [to_data(LOST.checks[0])], "more": 2}


def told(kind: str, reason: str = "as it was written", actor: str = "keeper", **data: Any) -> Said | None:
    return why(Event(kind, 100.0, reason, "churn", 2, actor, data))


def both(sentence: Said | None) -> tuple[str, str]:
    assert sentence is not None
    return say(sentence), say(sentence, "fr")


def test_a_decision_tells_its_cause_and_numbers_in_both_languages() -> None:
    english, french = both(told("decision", action="retrain", cause="quality", evidence=EVIDENCE))
    assert english == "quality loss: accuracy 0.562 [0.518, 0.605], bound ≥ 0.752, n = 1,500; and 2 more"
    assert french == "perte de qualité : accuracy 0,562 [0,518 ; 0,605], borne ≥ 0,752, n = 1\u202f500 ; et 2 de plus"


def test_what_drifted_says_that_its_number_is_an_effect() -> None:
    drift = Verdict.of("churn/2", "drift", [Check("contract", "fail", 0.332, "< 0.1", 0.205, 0.47, 500)])
    english, french = both(told("decision", action="alert", cause="drift", evidence=alarms.told(drift)))
    assert english == "data drift: contract, effect 0.332 [0.205, 0.470], bound < 0.1, n = 500"
    assert french.startswith("dérive des données : contract, effet 0,332")


def test_what_waits_says_why_first_with_the_numbers_of_then() -> None:
    held = {"kind": "labels", "text": "12 of 200 labelled rows to learn from", "n": 12, "of": 200}
    english, french = both(told("decision", action="retrain", cause="quality", evidence=EVIDENCE, waits=held))
    assert english.startswith("12 of 200 labelled rows to learn from; quality loss")
    assert french.startswith("12 sur 200 lignes étiquetées pour apprendre ; perte de qualité")
    old = {"kind": "labels", "text": "12 of 200 labelled rows to learn from"}
    assert told("decision", action="retrain", cause="quality", evidence=EVIDENCE, waits=old) is None


def test_another_action_than_the_declared_one_is_explained() -> None:
    assert {f"note.{note}" for note in NOTES if note} <= PHRASES.keys()
    _, french = both(told("decision", action="alert", cause="slo", evidence=EVIDENCE, note="before"))
    assert french.endswith("il en était ainsi avant la mise en service : revenir n'aiderait pas")


def test_a_rollout_names_what_it_compares() -> None:
    check = Check("zero_one loss, challenger minus champion", "pass", -0.1, "< 0.03", -0.18, -0.04, 461)
    verdict = to_data(Verdict.of("churn/2", "rollout", [check]))
    _, french = both(told("rollout_done", verdict=verdict))
    assert french == "Taux d'erreur, challenger moins champion −0,100 [−0,180 ; −0,0400], borne < 0,03, n = 461"


@pytest.mark.parametrize(
    ("kind", "reason", "actor", "data", "french"),
    [
        ("rollback", "asked for by ana in the console", "ana", {}, "demandé par ana dans la console"),
        ("disabled", "by ana", "ana", {}, "par ana"),
        ("rollout_started", "override: it <b>had</b> to", "ana", {}, "contre le verdict : it <b>had</b> to"),
        ("rollout_started", "retrained: churn/2 passed its gate", "keeper", {}, "churn/2 a passé son contrôle"),
        ("alarm_resolved", "3 quiet windows", "keeper", {"quiet": 3}, "3\u00a0fenêtres calmes"),
        (
            "gate_failed",
            "why",
            "keeper",
            {"made": 3, "failed": 2},
            "contrôle non passé, le champion reste (2 de suite)",
        ),
        ("key_added", "why", "ana", {"name": "eva", "role": "operator"}, "eva, opérateur"),
        ("role_given", "why", "ana", {"role": "none", "before": "admin"}, "aucun rôle, avant : administrateur"),
        ("message_tested", "why", "ana", {"kind": "mailto", "sent": False}, "vers mailto, et il n'a pas pu partir"),
    ],
)
def test_what_an_older_state_has_as_text_is_said_in_french(
    kind: str, reason: str, actor: str, data: dict[str, Any], french: str
) -> None:
    assert both(why(Event(kind, 100.0, reason, "churn", 2, actor, data)))[1] == french


@pytest.mark.parametrize(
    ("ground", "french"),
    [
        ({"code": "console"}, "demandé par ana dans la console"),
        ({"code": "unsaid"}, "à la demande"),
        ({"code": "by"}, "par ana"),
        ({"code": "against", "words": "it had to"}, "contre le verdict : it had to"),
        ({"code": "approval"}, "churn/2 a passé son contrôle et attend un oui"),
        ({"code": "gates", "failed": 3}, "3\u00a0réentraînements de suite ont échoué"),
        ({"code": "released"}, "churn/2 a été mis en service"),
        ({"code": "seen"}, "quelqu'un a regardé"),
    ],
)
def test_a_reason_is_told_by_its_code_whatever_its_text(ground: dict[str, Any], french: str) -> None:
    assert both(told("rollback", "in other words", "ana", ground=ground))[1] == french


def test_words_that_only_look_like_another_reason_are_kept_as_they_are() -> None:
    assert told("rollback", "asked for", "ana", ground={"code": "words"}) is None


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("feedback_noted", {"id": "try-1"}),
        ("training_failed", {}),
        ("decision", {"action": "retrain", "cause": "quality"}),
        ("verdict", {"verdict": {"checks": "of another time"}}),
        ("alarm_opened", {"alarm": 3, "cause": "capture"}),
    ],
)
def test_what_has_no_numbers_is_told_by_its_text(kind: str, data: dict[str, Any]) -> None:
    assert told(kind, **data) is None


def test_an_alarm_says_what_it_is_about_and_what_was_done() -> None:
    data = {"verdict": to_data(LOST), "action": "retrain", "done": "a retraining has begun"}
    alarm = Alarm(1, "churn", "quality", 1.0, "quality: as it was written", data=data)
    assert both(why_alarm(alarm))[1].startswith("accuracy 0,562")
    assert both(done_about(alarm))[1].startswith("un réentraînement a commencé")
    held = {"action": "retrain", "waits": {"kind": "budget", "text": "spent", "n": None, "of": 6}}
    waits = both(done_about(Alarm(1, "churn", "quality", 1.0, "", data=held)))[1]
    assert waits == "pas encore (réentraîner) : le budget de 6 réentraînements par jour est épuisé"
    assert done_about(Alarm(1, "churn", "gate", 1.0, "", data={"done": "the champion stays"})) is None


def test_an_alarm_that_no_verdict_opened_is_told_by_its_code() -> None:
    data = {"done": "the champion stays", "ground": {"code": "gates", "failed": 3}}
    gates = Alarm(1, "churn", "gate", 1.0, "3 retrainings in a row have failed: why", 2, data=data)
    assert both(why_alarm(gates))[1] == "3\u00a0réentraînements de suite ont échoué"
    assert both(done_about(gates))[1].startswith("le champion reste")


@pytest.mark.parametrize(
    ("rolling", "french"), [(True, "le déploiement est arrêté"), (False, "retour au champion précédent")]
)
def test_a_rollback_says_whether_a_rollout_was_under_way(rolling: bool, french: str) -> None:
    data = {"action": "rollback", "done": "in other words", "rolling": rolling}
    assert both(done_about(Alarm(1, "churn", "quality", 1.0, "", data=data)))[1] == french


def test_broken_values_are_named_by_what_is_wrong_with_them() -> None:
    assert {f"fault.{rate}" for rate in RATES} <= PHRASES.keys()
    check = Check("pH far", "fail", 0.02, "<= 0.005", n=500, evidence={"column": "pH", "kind": "far"})
    verdict = Verdict.of("churn/2", "fault", [check])
    _, french = both(told("verdict", verdict=to_data(verdict)))
    assert french == "pH est loin hors bornes, comme dans une autre unité 0,0200, borne ≤ 0,005, n = 500"
    kept = alarms.told(verdict)
    assert both(told("decision", action="alert", cause="fault", evidence=kept))[1].endswith(french)
    assert faulty("pH", "of another kind") is None
