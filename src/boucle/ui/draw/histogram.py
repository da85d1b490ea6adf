"""A column in the reference and now: filled grey against an outline in ink, over the same bins."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale, ticks
from boucle.ui.draw.svg import INK, line, text
from boucle.ui.words.catalogue import Words
from boucle.views.histogram import OTHERS, Bin, Histogram

WIDE, NARROW = (620, 260), (326, 250)
_LEFT, _TOP, _FOOT = 44, 10, 46
_SHORTEST = 0.0005


def draw(one: Histogram, say: Words, *, narrow: bool = False) -> str:
    """Draw shares of rows bin by bin; levels have their difference in points beneath."""
    width, height = NARROW if narrow else WIDE
    shares = [(_share(b.reference, one.reference), _share(b.current, one.current)) for b in one.bins]
    most = max([max(pair) for pair in shares] or [0.0]) * 1.12 or 1.0
    y = Scale(0.0, most, height - _FOOT, _TOP)
    parts = []
    for value in ticks(0.0, most, 5):
        at = y(value)
        parts.append(line(_LEFT, at, width, at, "var(--grid)"))
        parts.append(text(_LEFT - 8, at + 4, say.percent(value), anchor="end"))
    numeric = one.kind in ("numeric", "datetime")
    slot = (width - _LEFT - 6) / max(len(one.bins), 1)
    for place, (bin_, (before, now)) in enumerate(zip(one.bins, shares, strict=True)):
        left = _LEFT + place * slot
        parts.append(_pair(left, slot, before, now, y, height - _FOOT, together=numeric))
        if not numeric:
            parts.append(_level(bin_, left + slot / 2, now - before, slot, height, say))
    if numeric:
        parts.append(_edges(one, slot, height, width, narrow, say))
    return picture((width, height), told(one, say), "".join(parts))


def told(one: Histogram, say: Words) -> str:
    """Say where the two differ most."""
    pairs = [(b, _share(b.current, one.current) - _share(b.reference, one.reference)) for b in one.bins]
    if not pairs:
        return one.column
    most = max(pairs, key=lambda pair: abs(pair[1]))
    return say("drift.picture", column=one.column, level=name_of(most[0], one.kind, say), by=say.points(most[1]))


def name_of(bin_: Bin, kind: str, say: Words) -> str:
    """Return what a bin is called: a level, a range, what was unseen, the rest."""
    if bin_.low is not None and bin_.high is not None:
        return f"{edge(bin_.low, kind, say)} – {edge(bin_.high, kind, say)}"
    if bin_.low is not None:
        return f"> {edge(bin_.low, kind, say)}"
    if bin_.high is not None:
        return f"< {edge(bin_.high, kind, say)}"
    return say("drift.others") if bin_.name == OTHERS else bin_.name or say("drift.unseen")


def edge(value: float, kind: str, say: Words) -> str:
    """Write where a bin begins or ends; times are days."""
    return say.day(value) if kind == "datetime" else say.number(value)


def _share(rows: int, of: int) -> float:
    return rows / of if of else 0.0


def _pair(left: float, slot: float, before: float, now: float, y: Scale, floor: float, *, together: bool) -> str:
    gap = slot * (0.04 if together else 0.14)
    wide = slot - 2 * gap if together else slot * 0.35
    second = left + gap if together else left + gap + slot * 0.37
    shown = max(floor - y(now), 2.0) if now > _SHORTEST else 0.0
    old = f'x="{left + gap:.1f}" y="{y(before):.1f}" width="{wide:.1f}" height="{floor - y(before):.1f}"'
    new = f'x="{second:.1f}" y="{floor - shown:.1f}" width="{wide:.1f}" height="{shown:.1f}"'
    return (
        f'<rect {old} fill="var(--ref)" opacity="0.55"/>'
        f'<rect {old} fill="none" stroke="var(--soft)" stroke-width="0.8"/>'
        f'<rect {new} fill="none" stroke="var(--champ)" stroke-width="2"/>'
    )


def _level(bin_: Bin, middle: float, difference: float, slot: float, height: int, say: Words) -> str:
    name, most = name_of(bin_, "categorical", say), max(3, int(slot / 6.6))
    shown = name if len(name) <= most else name[: most - 1] + "…"
    moved = say.points(difference) if abs(difference) >= 0.005 else "0"
    if slot < 46:
        moved = moved.removesuffix("pp").strip()
    named = text(middle, height - 26, shown, 13, anchor="middle", look=INK)
    return f"<g><title>{escape(name)}</title>{named}</g>" + text(middle, height - 9, moved, anchor="middle")


def _edges(one: Histogram, slot: float, height: int, width: int, narrow: bool, say: Words) -> str:
    """Write some of the bins' edges under them, as many as have room."""
    every = max(1, round(len(one.bins) / (4 if narrow else 8)))
    parts = []
    for place, bin_ in enumerate(one.bins):
        if bin_.low is None or place % every:
            continue
        x = _LEFT + place * slot
        parts.append(line(x, height - _FOOT, x, height - _FOOT + 5, "var(--soft)"))
        parts.append(text(x, height - 26, edge(bin_.low, one.kind, say), anchor="middle"))
    return "".join(parts) + text((width + _LEFT) / 2, height - 7, say("drift.bins", column=one.column), anchor="middle")
