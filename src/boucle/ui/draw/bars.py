"""Columns by effect: a bar with its interval against the floor, one row each."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape, sign, tone
from boucle.ui.draw.scale import Scale
from boucle.ui.words.catalogue import Words
from boucle.views.drift import ColumnDrift

WIDTH = 230
_LEAST = 0.4
"""Effect that the widest bar shows at least, so that small ones look small."""


def longest(columns: tuple[ColumnDrift, ...], floor: float | None) -> float:
    """Return the effect at the end of every row's scale: a little beyond the largest interval."""
    ends = [end for one in columns for end in (one.effect, one.high) if end is not None]
    return 1.05 * max([_LEAST, 3.0 * (floor or 0.0), *ends])


def effect(one: ColumnDrift, floor: float | None, most: float, say: Words) -> str:
    """Draw one column's effect as a bar, its interval as a line over it, and the floor as a dashed mark."""
    if one.effect is None:
        return ""
    x = Scale(0.0, most, 2, WIDTH - 2)
    colour = {"fail": "var(--fail)", "inconclusive": "var(--wait)"}.get(one.status, "var(--ref)")
    parts = [
        f'<rect x="2" y="6" width="{max(x.held(one.effect) - 2, 1):.1f}" height="6" fill="{colour}" opacity="0.85"/>'
    ]
    if one.low is not None and one.high is not None:
        low, high = x.held(one.low), x.held(one.high)
        parts.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9" stroke="var(--ink)" stroke-width="1.3"/>')
    if floor is not None:
        at = x(floor)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="18" stroke="var(--soft)" stroke-dasharray="2 2"/>')
    return (
        f'<svg class="ink" viewBox="0 0 {WIDTH} 18" width="100%" height="18" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(told(one, floor, say))}">{"".join(parts)}</svg>'
    )


def told(one: ColumnDrift, floor: float | None, say: Words) -> str:
    """Say one column's effect with its interval, the floor and the rows behind it."""
    parts = [say("drift.effect", effect=say.fixed(one.effect or 0.0))]
    if one.low is not None and one.high is not None:
        parts.append(say("figure.between", low=say.fixed(one.low), high=say.fixed(one.high)))
    if floor is not None:
        parts.append(say("drift.floor", floor=say.fixed(floor)))
    parts.append(say("drift.rows", one.rows))
    return ", ".join(parts)


def column(one: ColumnDrift, link: str, floor: float | None, most: float, say: Words, *, current: bool) -> str:
    """Write one row: sign, name, bar, number; the whole of it leads to the column's picture."""
    of = tone(one.status)
    here = ' aria-current="true"' if current else ""
    number = say.fixed(one.effect) if one.effect is not None else "–"
    word = say(f"drift.is.{one.status}")
    name = say("drift.output") if one.name == "prediction" else one.name
    bold = "num strong r" if one.status == "fail" else "num r"
    return (
        f'<a class="col {of}" href="{escape(link)}"{here}>{sign(of)}<span class="name">{escape(name)}'
        f'<span class="hidden">, {escape(word)}</span></span><span>{effect(one, floor, most, say)}</span>'
        f'<span class="{bold}">{escape(number)}</span></a>'
    )
