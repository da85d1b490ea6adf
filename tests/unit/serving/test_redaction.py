"""Addresses, phone numbers, cards and accounts go out of a text whatever stands around them; other text stays."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.serving.redaction import CARD, IBAN, MAIL, PHONE, redact, within

WORDS = st.text("abc xyzäß ,.;!?\n", max_size=20).map(lambda text: f" {text} ")
NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


def checked_card(digits: str) -> str:
    """Add the digit that makes a card number right."""
    return next(digits + last for last in "0123456789" if _right(digits + last))


def _right(card: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(card)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def checked_iban(country: str, account: str) -> str:
    """Put the check digits into an account number."""
    number = int("".join(str(int(c, 36)) for c in account + country + "00"))
    return f"{country}{98 - number % 97:02}{account}"


@given(WORDS, NAMES, NAMES, st.sampled_from(["org", "co.uk", "museum"]), WORDS)
def test_an_address_goes(before: str, name: str, host: str, end: str, after: str) -> None:
    assert redact(f"{before}{name}.x+tag@{host}.{end}{after}") == f"{before}{MAIL}{after}"


@given(WORDS, st.text(string.digits, min_size=12, max_size=18), st.sampled_from(["", " ", "-"]), WORDS)
def test_a_card_goes_in_groups_or_in_one(before: str, digits: str, parted: str, after: str) -> None:
    card = checked_card("4" + digits[1:])
    size = 4 if len(card) % 4 != 1 else 5
    written = parted.join(card[place : place + size] for place in range(0, len(card), size))
    assert redact(before + written + after) == before + CARD + after


@given(
    WORDS,
    st.sampled_from(["DE", "FR", "GB", "NO"]),
    st.text(string.digits + string.ascii_uppercase, min_size=12, max_size=28),
    st.booleans(),
    WORDS,
)
def test_an_account_goes_spaced_or_not(before: str, country: str, account: str, spaced: bool, after: str) -> None:
    iban = checked_iban(country, account)
    written = " ".join(iban[place : place + 4] for place in range(0, len(iban), 4)) if spaced else iban
    said = redact(before + written + after)
    assert IBAN in said
    assert account[-6:] not in said.replace(" ", "") or account[-6:] in before + after


@pytest.mark.parametrize(
    "number",
    [
        "+49 30 901820", "+33 1 23 45 67 89", "0033 1 23 45 67 89", "01 23 45 67 89", "030/901820-45", "(0)30 9018204",
        "+1 (212) 555-0123", "(212) 555-0123", "212-555-0123", "212.555.0123", "+390612345678",
    ],
)  # fmt: skip
def test_phone_numbers_as_people_write_them_go(number: str) -> None:
    assert redact(f"Call {number}, or not.") == f"Call {PHONE}, or not."


@pytest.mark.parametrize(
    "text",
    [
        "On 2024-01-15 at 10:30 it was 21.5 degrees.", "01.02.2024 10:30", "Order 123456789012 of 3 boxes",
        "1,234,567.89 euros in 1999-2004", "4111 1111 1111 1112 is no card", "DE00 1234 5678 9012 3456 78 is none",
        "version 1.2.3.4 of a@b", "@home at 5", "٣٤٥ and ١٢٣٤٥٦٧٨٩", "",
    ],
)  # fmt: skip
def test_other_numbers_and_words_stay(text: str) -> None:
    assert redact(text) == text


def test_several_in_one_text_go_each_and_what_is_between_stays() -> None:
    text = (
        "ada@x.org, 4111 1111 1111 1111 12/27, GB29 NWBK 6016 1331 9268 19 or BE68 5390 0754 7034 for +44 20 7946 0958"
    )
    assert redact(text) == f"{MAIL}, {CARD} 12/27, {IBAN} or {IBAN} for {PHONE}"


@given(st.text())
def test_any_text_is_taken_and_what_is_redacted_once_is_redacted_for_good(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(st.characters(exclude_categories=["Nd", "No", "Nl"], exclude_characters="@")))
def test_a_text_without_digits_and_without_an_at_stays(text: str) -> None:
    assert redact(text) == text


def test_long_texts_made_to_be_slow_are_not() -> None:
    """Each would take minutes if a rule went over it once for every place it could begin at."""
    for piece in ("a.", "1 ", "12 ", "4111 ", "+1 ", "aA11 ", "a@", "0 ", "@a."):
        redact(piece * (100_000 // len(piece)))


def test_structured_answers_keep_labels_and_places() -> None:
    spans = [{"label": "a@b.de", "text": "a@b.de", "start": 0, "score": 0.5, "inner": ["a@b.de", None]}]
    assert within(spans, redact) == [
        {"label": "a@b.de", "text": MAIL, "start": 0, "score": 0.5, "inner": [MAIL, None]}
    ]  # fmt: skip
