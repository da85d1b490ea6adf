"""Sentences say the same in both languages, with numbers written as each has them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.loop.telling import figures
from boucle.loop.telling.phrases import PHRASES
from boucle.loop.telling.said import Said, said, say


def places(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}


@pytest.mark.parametrize("key", PHRASES)
def test_each_sentence_has_both_languages_and_the_same_places(key: str) -> None:
    english, french = PHRASES[key]
    assert english
    assert french
    assert places(english) == places(french)


def test_counts_carry_their_nouns() -> None:
    assert say(said("rollouts.live", n=1)) == "1\u00a0rollout is under way."
    assert say(said("rollouts.live", n=2)) == "2\u00a0rollouts are under way."
    assert say(said("alarms.seen", n=0), "fr") == "0\u00a0alarme prise en charge."


def test_a_sentence_inside_a_sentence_is_told_in_the_same_language() -> None:
    inside = said("home.is", model="churn/7", state=said("below"))
    assert say(inside) == "churn/7: Below its promise."
    assert say(inside, "fr") == "churn/7 : Sous son engagement."
    kept = Said(inside.key, inside.text, {"model": "churn/7", "state": {"key": "below", "values": {}}})
    assert say(kept, "fr") == say(inside, "fr")


def test_a_missing_value_is_noticed_when_the_sentence_is_made() -> None:
    with pytest.raises(KeyError):
        said("home.one")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (figures.count(1150, "fr"), "1\u202f150"),
        (figures.decimal(0.05), "0.0500"),
        (figures.decimal(-12.345, "fr"), "\u221212,3"),
        (figures.decimal(1e-9), "1.00e\u221209"),
        (figures.decimal(float("nan")), "–"),
        (figures.percent(0.003), "0.3\u00a0%"),
        (figures.percent(0.1, "fr"), "10\u202f%"),
        (figures.points(-0.051), "\u22125.1\u00a0pp"),
        (figures.span(9 * 86400), "9\u00a0d"),
        (figures.span(2400), "40\u00a0min"),
        (figures.span(0.2), "0\u00a0s"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_written(value: float) -> None:
    for language in ("en", "fr"):
        assert figures.decimal(value, language)
        assert "-" not in figures.signed(value, language)
