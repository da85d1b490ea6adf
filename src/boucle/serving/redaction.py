"""What may point at a person, taken out of texts by rule: e-mail addresses, phone numbers, cards and accounts.

Rules find what is written in the usual ways; names and addresses they do not know. Cards and accounts (IBAN) have to
pass their own check digits, so other long numbers stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[str], str | None]
MAIL, PHONE, CARD, IBAN = "[e-mail]", "[phone]", "[card]", "[iban]"
_MAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]++@\w[\w-]*+(?:\.[\w-]++)+")
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_RUN = re.compile(r"(?<![\d])\d{2,19}(?:[ -]\d{2,19})*+(?!\d)", re.ASCII)
_DIGIT = re.compile("[0-9]")
_GROUP = re.compile(r"\d+", re.ASCII)
_DATE = r"(?!\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d))"
_PHONES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?<![\w+])(?:\+|00)[1-9](?:[ .()/-]{0,2}\d){6,14}(?!\d)",
        rf"(?<!\w){_DATE}\(?0(?:[ .()/-]{{0,2}}[1-9])(?:[ .()/-]{{0,2}}\d){{7,10}}(?!\d)",
        r"(?<![\w.])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\w)",
    )
)
_BEGINS = "23456"
"""What cards of banks begin with (ISO/IEC 7812)."""
_ZERO = ord("0")
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_CARD_DIGITS, _IBAN_LENGTHS = range(13, 20), range(15, 35)
_NAMED = frozenset(("label", "entity", "language"))
"""Keys of structured answers whose texts are the model's own words, and tell nothing of a person."""


def redact(text: str) -> str:
    """Return a text with what the rules find replaced by what it was, such as ``[e-mail]``."""
    if "@" in text:
        text = _MAIL.sub(MAIL, text)
    if not _DIGIT.search(text):
        return text
    text = _replaced(text, _ibans(text), IBAN)
    text = _replaced(text, _cards(text), CARD)
    for pattern in _PHONES:
        text = pattern.sub(PHONE, text)
    return text


def within(value: Any, change: Change) -> Any:
    """Return a JSON value with every text in it changed, but for labels."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [within(one, change) for one in value]
    if isinstance(value, dict):
        return {key: one if key in _NAMED else within(one, change) for key, one in value.items()}
    return value


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where account numbers stand: the longest right one that ends where a word does."""
    place = 0
    while found := _IBAN.search(text, place):
        start, behind = found.span()
        ends = (end for end in range(behind, start + _IBAN_LENGTHS[0] - 1, -1) if _ends_word(text, end))
        end = next((end for end in ends if _is_iban(text[start:end])), 0)
        if end:
            yield start, end
        place = end or start + 2


def _ends_word(text: str, end: int) -> bool:
    return text[end - 1].isalnum() and (end == len(text) or not text[end].isalnum())


def _is_iban(written: str) -> bool:
    """Check an account number by its remainder of 97 (ISO 13616)."""
    plain = written.replace(" ", "").replace("-", "").upper()
    moved = plain[4:] + plain[:4]
    return len(plain) in _IBAN_LENGTHS and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where card numbers stand, among groups of digits parted by single spaces or dashes."""
    for run in _RUN.finditer(text):
        groups = [found.span() for found in _GROUP.finditer(run[0])]
        place = 0
        while place < len(groups):
            behind = _card_from(run[0], groups, place)
            if behind:
                yield run.start() + groups[place][0], run.start() + groups[behind - 1][1]
            place = behind or place + 1


def _card_from(run: str, groups: list[tuple[int, int]], place: int) -> int:
    """Return how many groups come before and with the end of the longest card that begins at ``place``; 0 for none."""
    digits, found = "", 0
    if run[groups[place][0]] not in _BEGINS:
        return 0
    for behind, (start, end) in enumerate(groups[place:], place + 1):
        digits += run[start:end]
        if len(digits) > _CARD_DIGITS[-1]:
            break
        if len(digits) in _CARD_DIGITS and _luhn(digits):
            found = behind
    return found


def _luhn(digits: str) -> bool:
    """Check a card number by its last digit (ISO/IEC 7812, Luhn 1960)."""
    plain = digits.encode()
    return (sum(plain[::-2]) - _ZERO * len(plain[::-2]) + sum(plain[-2::-2].translate(_DOUBLED))) % 10 == 0


def _replaced(text: str, spans: Iterator[tuple[int, int]], by: str) -> str:
    parts, place = [], 0
    for start, end in spans:
        parts += [text[place:start], by]
        place = end
    return "".join([*parts, text[place:]]) if parts else text
