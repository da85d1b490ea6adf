"""A column in the reference and now: filled grey against an outline in ink, over the same bins."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.scale import Scale, ticks
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
        parts.append(
            f'<line x1="{_LEFT}" x2="{width}" y1="{at:.1f}" y2="{at:.1f}" stroke="var(--grid)"/><text x="{_LEFT - 8}" '
            f'y="{at + 4:.1f}" font-size="12" text-anchor="end" class="s">{escape(say.percent(value))}</text>'
        )
    numeric = one.kind in ("numeric", "datetime")
    slot = (width - _LEFT - 6) / max(len(one.bins), 1)
    for place, (bin_, (before, now)) in enumerate(zip(one.bins, shares, strict=True)):
        left = _LEFT + place * slot
        parts.append(_pair(left, slot, before, now, y, height - _FOOT, together=numeric))
        if not numeric:
            parts.append(_level(bin_, left + slot / 2, now - before, slot, height, say))
    if numeric:
        parts.append(_edges(one, slot, height, width, narrow, say))
    return (
        f'<svg class="ink" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="width:100%;height:auto;max-width:{width * 1.3:.0f}px" aria-label="{escape(told(one, say))}">'
        f"{''.join(parts)}</svg>"
    )


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
    return (
        f'<rect x="{left + gap:.1f}" y="{y(before):.1f}" width="{wide:.1f}" height="{floor - y(before):.1f}" '
        f'fill="var(--ref)" opacity="0.55"/><rect x="{left + gap:.1f}" y="{y(before):.1f}" width="{wide:.1f}" '
        f'height="{floor - y(before):.1f}" fill="none" stroke="var(--soft)" stroke-width="0.8"/>'
        f'<rect x="{second:.1f}" y="{floor - shown:.1f}" width="{wide:.1f}" height="{shown:.1f}" fill="none" '
        'stroke="var(--champ)" stroke-width="2"/>'
    )


def _level(bin_: Bin, middle: float, difference: float, slot: float, height: int, say: Words) -> str:
    name, most = name_of(bin_, "categorical", say), max(3, int(slot / 6.6))
    shown = name if len(name) <= most else name[: most - 1] + "…"
    moved = say.points(difference) if abs(difference) >= 0.005 else "0"
    if slot < 46:
        moved = moved.removesuffix("pp").strip()
    return (
        f'<text x="{middle:.1f}" y="{height - 26}" font-size="13" text-anchor="middle">{escape(shown)}'
        f'<title>{escape(name)}</title></text><text x="{middle:.1f}" y="{height - 9}" font-size="12" '
        f'text-anchor="middle" class="s">{escape(moved)}</text>'
    )


def _edges(one: Histogram, slot: float, height: int, width: int, narrow: bool, say: Words) -> str:
    """Write some of the bins' edges under them, as many as have room."""
    every = max(1, round(len(one.bins) / (4 if narrow else 8)))
    parts = []
    for place, bin_ in enumerate(one.bins):
        if bin_.low is None or place % every:
            continue
        x = _LEFT + place * slot
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{height - _FOOT}" y2="{height - _FOOT + 5}" stroke="var(--soft)"/>'
            f'<text x="{x:.1f}" y="{height - 26}" font-size="12" text-anchor="middle" class="s">'
            f"{escape(edge(bin_.low, one.kind, say))}</text>"
        )
    under = f'<text x="{(width + _LEFT) / 2:.0f}" y="{height - 7}" font-size="12" text-anchor="middle" class="s">'
    return "".join(parts) + under + f"{escape(say('drift.bins', column=one.column))}</text>"
