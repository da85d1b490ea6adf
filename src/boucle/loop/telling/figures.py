"""Numbers as people read them, in English and in French: the same in sentences, tables and drawings."""

from __future__ import annotations

import math

from boucle.loop.wording import Language

MINUS, THIN, NARROW = "\u2212", "\u202f", "\u00a0"
"""The minus sign; the space between thousands and before `%` in French; the space before a unit."""
_SPANS = ((86400.0, ("d", "j")), (3600.0, ("h", "h")), (60.0, ("min", "min")), (1.0, ("s", "s")))


def count(value: float, language: Language = "en") -> str:
    """Write a whole number: 1,150 or 1 150."""
    return _placed(f"{value:,.0f}", language)


def decimal(value: float, language: Language = "en", digits: int = 3) -> str:
    """Write a number with ``digits`` that count, and never in scientific notation between 1e-4 and 1e15."""
    if not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -5 < size < 15:
        return _placed(f"{value:.{max(digits - 1, 0)}e}", language)
    return _placed(f"{value:,.{max(0, digits - 1 - size)}f}", language)


def short(value: float, language: Language = "en") -> str:
    """Write a number that people chose, without noughts at its end: 0.9, 0.0297."""
    text = decimal(value, "en", 3)
    return _placed(text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text, language)


def fixed(value: float, language: Language = "en", places: int = 2) -> str:
    """Write a number with so many places behind the point."""
    return _placed(f"{value:,.{places}f}", language) if math.isfinite(value) else "–"


def percent(share: float, language: Language = "en", places: int | None = None) -> str:
    """Write a share as per cent: 10 %, 0.3 %."""
    value = 100.0 * share
    if places is None:
        places = 0 if abs(value) >= 10.0 or value == round(value) else 1 if abs(value) >= 0.1 or value == 0.0 else 2
    return f"{fixed(value, language, places)}{THIN if language == 'fr' else NARROW}%"


def points(share: float, language: Language = "en") -> str:
    """Write a difference of shares in percentage points, with its sign."""
    return f"{signed(100.0 * share, language)}{NARROW}pp"


def size(share: float, language: Language = "en") -> str:
    """Write a distance of shares in percentage points, without a sign."""
    return f"{decimal(100.0 * abs(share), language, 2)}{NARROW}pp"


def signed(value: float, language: Language = "en", digits: int = 2) -> str:
    return ("+" if value > 0 else "") + decimal(value, language, digits)


def span(seconds: float, language: Language = "en") -> str:
    """Write a length of time in its largest unit: 9 d, 3 h, 40 min, 4 s."""
    left = max(seconds, 0.0)
    for size, units in _SPANS:
        if left >= size or size == 1.0:
            return f"{left / size:.0f}{NARROW}{units[language == 'fr']}"
    raise AssertionError


def _placed(text: str, language: Language) -> str:
    text = text.replace("-", MINUS)
    return text if language == "en" else text.replace(",", THIN).replace(".", ",")
