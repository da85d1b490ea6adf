"""Both languages say everything, and say it with the same facts."""

from __future__ import annotations

import re
import string
from zoneinfo import ZoneInfo

import pytest

from boucle.loop.telling.said import said
from boucle.ui.words.catalogue import LANGUAGES, Entry, Words, catalogue

NOON = 1_795_262_400.0  # 21 November 2026, 12:00 UTC
UTC = ZoneInfo("UTC")


def places(word: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(word) if name is not None}


@pytest.mark.parametrize(("key", "entry"), catalogue().items())
def test_each_word_has_both_languages_and_the_same_places(key: str, entry: Entry) -> None:
    assert len(entry) == len(LANGUAGES)
    forms = [form for word in entry for form in ((word,) if isinstance(word, str) else word)]
    assert all(form.strip() for form in forms)
    assert len({frozenset(places(form) - {"n"}) for form in forms}) == 1, key
    assert len({isinstance(word, tuple) for word in entry}) == 1, key


def test_every_word_that_a_page_asks_for_is_there() -> None:
    from pathlib import Path

    folder = Path(__file__).parents[3] / "src" / "boucle" / "ui"
    asked = {
        key
        for file in folder.rglob("*.py")
        for key in re.findall(r'(?:say|words)\(\s*"([a-z0-9_.]+)"', file.read_text())
    }
    assert asked
    assert asked <= catalogue().keys()


def test_french_counts_nought_as_one() -> None:
    assert Words("en")("nav.counted.alarms", 0) == "0 alarms open"
    assert Words("fr")("nav.counted.alarms", 0) == "0 alarme ouverte"
    assert Words("fr")("nav.counted.alarms", 2) == "2 alarmes ouvertes"


def test_numbers_are_written_as_each_language_does() -> None:
    assert Words("en").interval(0.871, 0.885) == "[0.871, 0.885]"
    assert Words("fr").interval(0.871, 0.885) == "[0,871\u00a0; 0,885]"
    assert Words("fr").count(1150) == "1\u202f150"
    assert Words("en").fixed(-0.5) == "\u22120.50"


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (NOON - 3600, "11:00"), (NOON - 86400, "yesterday 12:00"), (NOON - 5 * 86400, "16\u00a0Nov 12:00"),
        (NOON - 365 * 86400, "21\u00a0Nov 2025 12:00"), (NOON + 86400, "22\u00a0Nov 12:00"),
    ],
)  # fmt: skip
def test_a_moment_is_as_short_as_it_can_be_told(time: float, written: str) -> None:
    assert Words("en", UTC).moment(time, NOON) == written


def test_a_moment_of_another_day_has_its_day_in_french_too() -> None:
    say = Words("fr", UTC)
    assert say.moment(NOON - 86400, NOON, seconds=True) == "hier 12:00:00"
    assert say.moment(NOON - 9 * 86400, NOON) == "12\u00a0nov. 12:00"


def test_times_are_told_by_the_readers_clock_across_a_change_of_it() -> None:
    paris = Words("fr", ZoneInfo("Europe/Paris"))
    before, after = 1_792_888_200.0, 1_792_891_800.0  # 25 October 2026, either side of 3 o'clock
    assert (paris.clock(before), paris.clock(after)) == ("02:30", "02:30")
    assert "CEST" in paris.date(before)
    assert "CET" in paris.date(after)


def test_a_sentence_begins_with_a_capital_unless_a_name_does() -> None:
    words = Words("en")
    assert words.sentence(said("why.disabled")).startswith("Switched off")
    assert words.sentence(said("why.approval", version="churn/8")).startswith("churn/8")
