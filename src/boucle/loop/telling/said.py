"""A sentence as a view or a message holds it: which one, with which values; told in either language by one function."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from boucle.loop.telling import figures
from boucle.loop.telling.phrases import PHRASES
from boucle.loop.wording import Language

_FORMATS: dict[str, Callable[[float, Language], str]] = {
    "count": figures.count,
    "num": figures.decimal,
    "short": figures.short,
    "signed": figures.signed,
    "pct": figures.percent,
    "pp": figures.points,
    "size": figures.size,
    "span": figures.span,
}


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence. ``text`` is how it reads in English; ``say`` tells it in either language."""

    key: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)


def said(key: str, **values: Any) -> Said:
    """Make a sentence; raises KeyError for one that there is not, or that lacks a value."""
    return Said(key, tell(key, values, "en"), values)


def say(sentence: Said, language: Language = "en") -> str:
    """Tell a sentence in a language."""
    return sentence.text if language == "en" else tell(sentence.key, sentence.values, language)


def tell(key: str, values: Mapping[str, Any], language: Language) -> str:
    """Fill in the phrase ``key``. A value that is a sentence itself is told in the same language."""
    return _Filler(language).vformat(PHRASES[key][language == "fr"], (), values)


class _Filler(string.Formatter):
    """Reads `{n:count}` as a number of the language, and `{n:label|labels}` as a number with its noun."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Said):
            return say(value, self._language)
        if isinstance(value, Mapping) and "key" in value:
            return tell(str(value["key"]), value["values"], self._language)
        if "|" in format_spec:
            one, many = format_spec.split("|")
            alone = abs(value) < 2 if self._language == "fr" else value == 1
            return f"{figures.count(value, self._language)}{figures.NARROW}{one if alone else many}"
        if format_spec in _FORMATS:
            return _FORMATS[format_spec](float(value), self._language)
        return str(super().format_field(value, format_spec))
