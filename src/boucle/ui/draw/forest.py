"""Forest plots: one line for each metric, slice, group or version, with its interval against zero or a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boucle.ui.draw.glyphs import COLOURS, escape, sign_at, tone
from boucle.ui.draw.scale import Scale, places_for, ticks
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
    left, right = (26, 8) if narrow else (200, 130)
    height = _TOP + each * len(lines) + _FOOT
    x = _across(lines, zero, margin, left, width - right)
    parts = [_grid(x, height, say, left, width - right)]
    for at, look, name in ((zero, "", ends), (margin, ' stroke-dasharray="4 3"', ("", ""))):
        if at is not None:
            parts.append(
                f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{_TOP - 6}" y2="{height - _FOOT}" stroke="var(--ink)"{look}/>'
            )
            if any(name):
                parts.append(
                    f'<text x="{x(at) - 8:.1f}" y="13" font-size="12" text-anchor="end" class="s">← {escape(name[0])}</text>'
                    f'<text x="{x(at) + 8:.1f}" y="13" font-size="12" class="s">{escape(name[1])} →</text>'
                )
    if over and zero is not None:
        parts.append(
            f'<text x="{x(zero):.1f}" y="13" font-size="12" text-anchor="middle" class="s">{escape(over)}</text>'
        )
    for place, one in enumerate(lines):
        parts.append(_line(one, _TOP + place * each, each, x, (left, width), narrow, say))
    return (
        f'<svg class="ink" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="width:100%;height:auto;max-width:{width * 1.4:.0f}px" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _across(lines: Sequence[Line], zero: float | None, margin: float | None, left: float, right: float) -> Scale:
    seen = [v for one in lines for v in (one.value, one.low, one.high) if v is not None]
    seen += [v for v in (zero, margin) if v is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.01
    return Scale(low - room, high + room, left, right)


def _grid(x: Scale, height: float, say: Words, left: float, right: float) -> str:
    marks = ticks(x.low, x.high, 6)
    return "".join(
        f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_TOP - 6}" y2="{height - _FOOT}" stroke="var(--grid)"/>'
        f'<text x="{min(max(x(value), left + 10), right - 10):.1f}" y="{height - 6}" font-size="12" text-anchor="middle" '
        f'class="s">{escape(say.fixed(value, places_for(marks)))}</text>'
        for value in marks
    )


def _line(one: Line, top: float, each: int, x: Scale, sides: tuple[int, int], narrow: bool, say: Words) -> str:
    left, width = sides
    of = tone(one.status)
    colour, middle = COLOURS[of], top + (34 if narrow else each / 2)
    text_y = top + 16 if narrow else middle + 4
    most = 30 if narrow else 26
    shown = one.name if len(one.name) <= most else one.name[: most - 1] + "…"
    parts = [
        sign_at(of, 8, text_y - 4),
        f'<text x="22" y="{text_y:.1f}" font-size="13">{escape(shown)}<title>{escape(one.name)}</title></text>',
        f'<text x="{width}" y="{text_y:.1f}" font-size="12" text-anchor="end" class="s">{escape(one.beside)}</text>',
    ]
    if one.low is not None and one.high is not None:
        low, high = x.held(one.low), x.held(one.high)
        caps = "".join(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{middle - 4}" y2="{middle + 4}" stroke="{colour}"/>'
            for at in (low, high)
        )
        parts.append(
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="2.4"/>{caps}'
        )
    if one.value is not None:
        fill = "var(--card)" if one.hollow else colour
        parts.append(
            f'<circle cx="{x(one.value):.1f}" cy="{middle}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        )
    return "".join(parts)
