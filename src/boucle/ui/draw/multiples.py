"""Small multiples: several measures under one another on one axis of time, each with its interval and its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import COLOURS, escape, tone
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.words.catalogue import Words
from boucle.views.story import Mark, Point, Series

WIDE, NARROW = (680, 112), (326, 104)
_FOOT = 24
_GAP = 3.5
"""Times the usual distance of two points beyond which the line is broken: nothing was judged there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure. ``guess`` is drawn dashed beside it; ``share`` says that it is written as per cent.

    ``complete`` is up to when its truth has come (Unix seconds); what is later is hatched.
    """

    title: str
    note: str
    series: Series
    guess: Series | None = None
    complete: float | None = None
    share: bool = False
    zero: bool = False


def multiples(
    rows: Sequence[Row], marks: Sequence[Mark], since: float, until: float, say: Words, *, narrow: bool = False
) -> str:
    """Draw the measures; numbered decisions run through all of them."""
    width, each = NARROW if narrow else WIDE
    left, right = (40, 54) if narrow else (52, 104)
    axis = Axis(since, until, left, width - right)
    height = each * len(rows) + _FOOT + (14 if marks else 0)
    parts = [_marks(marks, axis, each * len(rows))]
    parts += [_row(one, axis, place * each, each, narrow, say) for place, one in enumerate(rows)]
    parts.append(_feet(axis, height, 3 if narrow else 6, say))
    label = "; ".join(f"{one.title}: {newest(one, say)}" for one in rows)
    return (
        f'<svg class="ink" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="width:100%;height:auto;max-width:{width * 1.4:.0f}px" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def newest(one: Row, say: Words) -> str:
    """Say the newest number with its interval and count."""
    series = one.series if one.series.points else one.guess
    if series is None or not series.points:
        return say("multiples.none")
    last = series.points[-1]
    ends = ""
    if last.low is not None and last.high is not None:
        ends = " " + say("figure.between", low=value(last.low, one, say), high=value(last.high, one, say))
    return f"{value(last.value, one, say)}{ends}" + (f", n = {say.count(last.n)}" if last.n is not None else "")


def value(number: float, one: Row, say: Words) -> str:
    return say.percent(number) if one.share else say.number(number)


def _row(one: Row, axis: Axis, top: float, each: int, narrow: bool, say: Words) -> str:
    series = one.series
    title = f'<tspan font-weight="500">{escape(one.title)}</tspan> <tspan class="s" dx="6">{escape(one.note)}</tspan>'
    parts = [f'<text x="0" y="{top + 13:.0f}" font-size="13">{title}</text>']
    points = [*series.points, *(one.guess.points if one.guess is not None else ())]
    if not points:
        text = escape(say("multiples.none"))
        return "".join(parts) + f'<text x="{axis.left}" y="{top + 48:.0f}" font-size="12" class="s">{text}</text>'
    y = _heights(one, points, top + 24, top + each - 12)
    marks = ticks(y.low, y.high, 4)
    for number in marks:
        at = y(number)
        told = say.percent(number) if one.share else say.fixed(number, places_for(marks))
        parts.append(
            f'<line x1="{axis.left}" x2="{axis.right}" y1="{at:.1f}" y2="{at:.1f}" stroke="var(--grid)"/>'
            f'<text x="{axis.left - 8}" y="{at + 4:.1f}" font-size="12" text-anchor="end" class="s">{escape(told)}</text>'
        )
    parts.append(_late(one, axis, top + 24, top + each - 12, say))
    if series.bound is not None:
        parts.append(_bound(one, axis, y, narrow, say))
    if one.guess is not None:
        parts += [_line(run, axis, y, "var(--soft)", ' stroke-dasharray="4 3"') for run in _runs(one.guess.points)]
    for run in _runs(series.points):
        parts.append(_area(run, axis, y) + _line(run, axis, y, "var(--champ)"))
    parts.append(_last(one, axis, y, say))
    return "".join(parts)


def _heights(one: Row, points: Sequence[Point], top: float, bottom: float) -> Scale:
    ends = [end for p in points for end in (p.low, p.high, p.value) if end is not None]
    ends += [one.series.bound] if one.series.bound is not None else []
    ends += [0.0] if one.zero else []
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or abs(high) * 0.05 or 0.01
    return Scale(low if one.zero and low == 0.0 else low - room, high + room, bottom, top)


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Part points where nothing was judged for long, and where another version answers."""
    if not points:
        return []
    steps = [b.time - a.time for a, b in pairwise(points)]
    usual = median(steps) if steps else 0.0
    runs = [[points[0]]]
    for before, after in pairwise(points):
        if (usual and after.time - before.time > _GAP * usual) or after.version != before.version:
            runs.append([])
        runs[-1].append(after)
    return runs


def _line(run: Sequence[Point], axis: Axis, y: Scale, colour: str, look: str = "") -> str:
    if len(run) == 1:
        return f'<circle cx="{axis(run[0].time):.1f}" cy="{y(run[0].value):.1f}" r="2.5" fill="{colour}"/>'
    path = " ".join(f"{axis(p.time):.1f},{y(p.value):.1f}" for p in run)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"{look}/>'


def _area(run: Sequence[Point], axis: Axis, y: Scale) -> str:
    known = [(axis(p.time), y(p.low), y(p.high)) for p in run if p.low is not None and p.high is not None]
    if len(known) == 1:
        x, low, high = known[0]
        return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="var(--champ)" opacity="0.4"/>'
    if not known:
        return ""
    there, back = (
        [f"{x:.1f},{high:.1f}" for x, _, high in known],
        [f"{x:.1f},{low:.1f}" for x, low, _ in reversed(known)],
    )
    return f'<polygon points="{" ".join(there + back)}" fill="var(--champ)" opacity="0.13"/>'


def _late(one: Row, axis: Axis, top: float, bottom: float, say: Words) -> str:
    """Hatch what labels have not come for yet."""
    if one.complete is None or one.complete >= axis.until:
        return ""
    x = axis(max(one.complete, axis.since))
    label = escape(say("strip.complete", time=say.moment(one.complete, axis.until)))
    return (
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line x1="0" y1="0" x2="0" y2="6" stroke="var(--ref)" stroke-width="1.4"/></pattern></defs>'
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{max(axis.right - x, 1):.1f}" height="{bottom - top:.1f}" '
        f'fill="url(#hatch)" opacity="0.45"><title>{label}</title></rect>'
    )


def _bound(one: Row, axis: Axis, y: Scale, narrow: bool, say: Words) -> str:
    assert one.series.bound is not None
    at, told = y(one.series.bound), value(one.series.bound, one, say)
    label = told if narrow else say("strip.promise", bound=told)
    return (
        f'<line x1="{axis.left}" x2="{axis.right}" y1="{at:.1f}" y2="{at:.1f}" stroke="var(--soft)" stroke-dasharray="4 3"/>'
        f'<text x="{axis.right + 8}" y="{at + 4:.1f}" font-size="12" class="s">{escape(label)}</text>'
    )


def _last(one: Row, axis: Axis, y: Scale, say: Words) -> str:
    """Print the newest number at the line's end, clear of the promise's label."""
    series = one.series if one.series.points else one.guess
    if series is None or not series.points:
        return ""
    last, at = series.points[-1], y(series.points[-1].value) + 4
    if one.series.bound is not None and abs(at - 4 - y(one.series.bound)) < 15:
        at = y(one.series.bound) + (19 if last.value <= one.series.bound else -11)
    return f'<text x="{axis.right + 8}" y="{at:.1f}" font-size="13" font-weight="500">{escape(value(last.value, one, say))}</text>'


def _marks(marks: Sequence[Mark], axis: Axis, bottom: float) -> str:
    """Draw a line through all measures where something was decided, and its number below."""
    parts, last = [], -100.0
    for mark in marks:
        x, colour = axis(mark.decision.time), COLOURS[tone(mark.status)]
        at = max(x, last + 16)
        last = at
        parts.append(
            f'<path d="M{x:.1f} 20V{bottom - 4:.1f}L{at:.1f} {bottom + 1:.1f}" fill="none" stroke="{colour}" '
            f'stroke-dasharray="3 3" opacity="0.7"/><circle cx="{at:.1f}" cy="{bottom + 8:.1f}" r="8" fill="{colour}"/>'
            f'<text x="{at:.1f}" y="{bottom + 12:.1f}" text-anchor="middle" font-size="12" class="on">{mark.number}</text>'
        )
    return "".join(parts)


def _feet(axis: Axis, height: float, most: int, say: Words) -> str:
    parts = [
        f'<text x="{axis(at):.1f}" y="{height - 3}" font-size="12" text-anchor="middle" class="s">{escape(label)}</text>'
        for at, label in time_ticks(axis.since, axis.until, say, most)
        if axis.left + 14 < axis(at) < axis.right - 60
    ]
    now = f'<text x="{axis.right}" y="{height - 3}" font-size="12" text-anchor="end" class="s">{escape(say("time.now"))}</text>'
    return "".join(parts) + now
