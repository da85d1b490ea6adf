"""Forest plots: one line for each metric, slice, group or version, with its interval against zero or a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boucle.ui.draw.glyphs import COLOURS, escape, sign_at, tone
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.draw.svg import INK, line, text
from boucle.ui.words.catalogue import Words

WIDE, NARROW = 680, 326
_TOP, _EACH, _FOOT = 26, 34, 24


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``status`` is a verdict's word; ``beside`` what stands at its end, such as how many rows."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    beside: str
    status: str
    hollow: bool = False


def forest(
    lines: Sequence[Line], say: Words, label: str, *, zero: float | None = None, margin: float | None = None,
    ends: tuple[str, str] = ("", ""), over: str = "", narrow: bool = False,
) -> str:  # fmt: skip
    """Draw the lines; ``zero`` is a solid line to compare with, ``margin`` a dashed one, ``ends`` what each side means.

    ``over`` names the solid line.
    """
    width, each = (NARROW, 50) if narrow else (WIDE, _EACH)
    left, right = (26, width - 8) if narrow else (200, width - 130)
    height = _TOP + each * len(lines) + _FOOT
    x = _across(lines, zero, margin, left, right)
    parts = [_grid(x, height, say, left, right)]
    if margin is not None:
        parts.append(line(x(margin), _TOP - 6, x(margin), height - _FOOT, "var(--ink)", 'stroke-dasharray="4 3"'))
    if zero is not None:
        parts.append(line(x(zero), _TOP - 6, x(zero), height - _FOOT, "var(--ink)"))
        parts.append(text(x(zero), 13, over, anchor="middle") if over else _sides(x(zero), ends))
    parts += [_line(one, _TOP + place * each, each, x, width, narrow) for place, one in enumerate(lines)]
    return picture((width, height), label, "".join(parts), grow=1.4)


def _sides(at: float, ends: tuple[str, str]) -> str:
    if not any(ends):
        return ""
    return text(at - 8, 13, f"← {ends[0]}", anchor="end") + text(at + 8, 13, f"{ends[1]} →")


def _across(lines: Sequence[Line], zero: float | None, margin: float | None, left: float, right: float) -> Scale:
    seen = [v for one in lines for v in (one.value, one.low, one.high) if v is not None]
    seen += [v for v in (zero, margin) if v is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.01
    return Scale(low - room, high + room, left, right)


def _grid(x: Scale, height: float, say: Words, left: float, right: float) -> str:
    marks, parts = ticks(x.low, x.high, 6), []
    for value in marks:
        parts.append(line(x(value), _TOP - 6, x(value), height - _FOOT, "var(--grid)"))
        at = min(max(x(value), left + 10), right - 10)
        parts.append(text(at, height - 6, say.fixed(value, places_for(marks)), anchor="middle"))
    return "".join(parts)


def _line(one: Line, top: float, each: int, x: Scale, width: int, narrow: bool) -> str:
    of, most = tone(one.status), 30 if narrow else 26
    colour, middle = COLOURS[of], top + (34 if narrow else each / 2)
    y = top + 16 if narrow else middle + 4
    shown = one.name if len(one.name) <= most else one.name[: most - 1] + "…"
    named = f"<g><title>{escape(one.name)}</title>{text(22, y, shown, 13, look=INK)}</g>"
    parts = [sign_at(of, 8, y - 4), named, text(width, y, one.beside, anchor="end")]
    if one.low is not None and one.high is not None:
        low, high = x.held(one.low), x.held(one.high)
        parts.append(line(low, middle, high, middle, colour, 'stroke-width="2.4"'))
        parts += [line(at, middle - 4, at, middle + 4, colour) for at in (low, high)]
    if one.value is not None:
        look = f'fill="{"var(--card)" if one.hollow else colour}" stroke="{colour}" stroke-width="2"'
        parts.append(f'<circle cx="{x(one.value):.1f}" cy="{middle:.1f}" r="4.5" {look}/>')
    return "".join(parts)
