"""The console's own words in both languages, and how dates are written in each.

Each module beside this one holds ``WORDS``: a key, then English and French. A word that depends on a count is a pair
of forms, for one and for many; the count is ``n``. A test holds that both languages have the same places to fill in.
Sentences about models come from the views, told as everywhere (``loop/telling``), and so are numbers written.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from boucle.loop.telling import figures
from boucle.loop.telling.said import Said, say, tell
from boucle.loop.wording import Language

Word = str | tuple[str, str]
Entry = tuple[Word, Word]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
}

_SIGNS = re.compile(r"(?<=[^\s]) (?=[:;?!%»](?:\s|$))|(?<=«) ")
"""Spaces at which no line may end."""


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every word of the console; raises ValueError for a key that two modules hold, a mistake of ours."""
    found: dict[str, Entry] = {}
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        words = getattr(importlib.import_module(f"{package}.{module.name}"), "WORDS", {})
        if twice := found.keys() & words.keys():
            raise ValueError(f"These words are there twice: {sorted(twice)}")
        found |= words
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """What the console says to one reader. ``zone`` is where the reader's clock is; None is where the server's is."""

    language: Language
    zone: tzinfo | None = None

    def __call__(self, key: str, n: int | None = None, **facts: Any) -> str:
        """Return the word ``key``, in its form for ``n`` where it has two; facts are put in as they are."""
        word = catalogue()[key][LANGUAGES.index(self.language)]
        if isinstance(word, tuple):
            alone = n == 1 or (self.language == "fr" and n == 0)
            word = word[0] if alone else word[1]
        if n is not None:
            facts = {"n": self.count(n), **facts}
        return self._set(word).format(**facts)

    def say(self, sentence: Said) -> str:
        """Tell a sentence of a view."""
        return self._set(say(sentence, self.language))

    def sentence(self, sentence: Said) -> str:
        """Tell a sentence with a capital, unless a name stands first: names are written as people wrote them."""
        text = self.say(sentence)
        named = any(text.startswith(name) for name in _names(sentence.values) if name)
        return text if named else text[:1].upper() + text[1:]

    def say_state(self, state: str) -> str:
        """Name one of the five states of a model."""
        return tell(state, {}, self.language)

    def count(self, value: float) -> str:
        return figures.count(value, self.language)

    def number(self, value: float, digits: int = 3) -> str:
        """Write a number with ``digits`` figures that count."""
        return figures.decimal(value, self.language, digits)

    def fixed(self, value: float, places: int = 2) -> str:
        return figures.fixed(value, self.language, places)

    def percent(self, share: float, places: int | None = None) -> str:
        return figures.percent(share, self.language, places)

    def points(self, share: float) -> str:
        return figures.points(share, self.language)

    def span(self, seconds: float) -> str:
        return figures.span(seconds, self.language)

    def ago(self, seconds: float) -> str:
        return self("time.ago", span=self.span(seconds))

    def interval(self, low: float, high: float, places: int = 3) -> str:
        """Write the ends of an interval; French parts them by a semicolon, for its comma is taken."""
        apart = f"{figures.NARROW}; " if self.language == "fr" else ", "
        return f"[{self.fixed(low, places)}{apart}{self.fixed(high, places)}]"

    def clock(self, time: float, *, seconds: bool = False) -> str:
        """Write the time of day of Unix time ``time``."""
        return self._at(time).strftime("%H:%M:%S" if seconds else "%H:%M")

    def day(self, time: float) -> str:
        """Write a date without its year, such as 20 Nov."""
        at = self._at(time)
        return f"{at.day}{figures.NARROW}{_MONTHS[self.language][at.month - 1]}"

    def date(self, time: float) -> str:
        """Write a whole date and time, with the zone: for tooltips."""
        at = self._at(time)
        return f"{at.day} {_MONTHS[self.language][at.month - 1]} {at.year} {at:%H:%M:%S %Z}"

    def moment(self, time: float, now: float, *, seconds: bool = False) -> str:
        """Write when something was as short as it can be told from ``now``: a time today, else a day and a time."""
        at, today, clock = self._at(time).date(), self._at(now).date(), self.clock(time, seconds=seconds)
        if at == today:
            return clock
        if at == today - timedelta(days=1):
            return f"{self('time.yesterday')} {clock}"
        year = "" if at.year == today.year else f" {at.year}"
        return f"{self.day(time)}{year} {clock}"

    def offset(self, time: float) -> float:
        """Return how many seconds the reader's clock is ahead of UTC at ``time``."""
        ahead = self._at(time).utcoffset()
        return ahead.total_seconds() if ahead is not None else 0.0

    def listed(self, items: list[str]) -> str:
        """Write items as a sentence has them: a, b and c."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self('and')} {items[-1]}"

    def _set(self, text: str) -> str:
        """Keep French signs on the line of the word they follow."""
        return _SIGNS.sub(figures.NARROW, text) if self.language == "fr" else text

    def _at(self, time: float) -> datetime:
        return datetime.fromtimestamp(time, self.zone) if self.zone else datetime.fromtimestamp(time).astimezone()


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Said):
            yield from _names(value.values)
