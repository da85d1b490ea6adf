"""A message in French is told from numbers and codes; what was kept as English text alone stays so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.alarm import Alarm
from boucle.core.json import to_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.messages import write


def alarm(cause: str, reason: str = "the English reason", *checks: Check, **data: Any) -> Alarm:
    verdict = {"verdict": to_data(Verdict.of("wine/3", cause, checks))} if checks else {}
    return Alarm(7, "wine", cause, 7200.0, reason, 3, data={**verdict, **data})


def test_numbers_are_written_as_french_has_them() -> None:
    drifted = Check("alcohol", "fail", 0.42, "< 0.1", 0.31, 0.53, 2000)
    assert write(alarm("drift", "", drifted), "fr").text.startswith(
        "alcohol : effet 0,42 [0,31 ; 0,53] (borne < 0,1), 2000 lignes\n"
    )


def test_broken_values_are_named_by_what_is_wrong_with_them() -> None:
    far = Check("pH far", "fail", 0.02, "<= 0.005", n=500, evidence={"column": "pH", "kind": "far"})
    assert write(alarm("fault", "", far), "fr").text.startswith("pH est loin hors bornes")
    assert write(alarm("fault", "", far)).text.startswith("pH far")


@pytest.mark.parametrize(
    ("data", "done"),
    [
        ({"action": "retrain", "done": "a retraining has begun"}, "un réentraînement a commencé"),
        ({"action": "rollback", "done": "rolled back to wine/2", "rolling": False}, "retour au champion précédent"),
        ({"action": "rollback", "done": "the rollout is ended", "rolling": True}, "le déploiement est arrêté"),
        (
            {
                "action": "retrain",
                "done": "no retrain yet",
                "waits": {"kind": "labels", "text": "few", "n": 12, "of": 200},
            },
            "pas encore (réentraîner) : 12 sur 200 lignes étiquetées",
        ),
        ({"done": "somebody did it by hand"}, "somebody did it by hand"),
    ],
)
def test_what_was_done_is_told_in_french_where_it_is_known(data: dict[str, Any], done: str) -> None:
    lost = Check("rmse", "fail", 0.9, "<= 0.7", 0.8, 1.0, 300)
    assert f"Fait : {done}" in write(alarm("quality", "", lost, **data), "fr").text
    assert f"Done: {data['done']}" in write(alarm("quality", "", lost, **data)).text


def test_an_alarm_that_no_verdict_opened_is_told_by_its_code() -> None:
    waits = alarm("approval", "wine/3 passed its gate and waits", done="nothing yet", ground={"code": "approval"})
    told = write(waits, "fr").text
    assert told.startswith("wine/3 a passé son contrôle et attend un oui\n")
    assert "Fait : rien encore : un oui est attendu" in told
    assert write(alarm("external:DiskFull", "DiskFull: 90 % full"), "fr").text.startswith("DiskFull: 90 % full\n")


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
kept = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("done", "undo", "action", "rolling", "label"), odd),
        "verdict": odd | st.fixed_dictionaries({"checks": st.lists(odd, max_size=3)}),
        "waits": odd | st.fixed_dictionaries({"kind": st.sampled_from(["labels", "busy"]), "n": odd, "of": odd}),
        "ground": odd | st.fixed_dictionaries({"code": st.sampled_from(["gates", "approval"]), "failed": odd}),
    },
)


@settings(max_examples=100)
@given(kept)
def test_an_odd_alarm_is_told_all_the_same(data: Any) -> None:
    told = write(Alarm(7, "wine", "quality", 7200.0, "why", 3, data=data), "fr")
    assert told.text.endswith("Prendre en charge : boucle ack 7\n")
    assert told.text.splitlines() == told.text.removesuffix("\n").split("\n")
