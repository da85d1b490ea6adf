"""Small multiples: several measures under one another on one axis of time, each with its interval and its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import COLOURS, escape, tone
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.draw.strip import GUESS, spread
from boucle.ui.draw.svg import STRONG, hatched, line, text
from boucle.ui.words.catalogue import Words
from boucle.views.story import Mark, Point, Series

WIDE, NARROW = (680, 112), (326, 104)
_FOOT = 24
_GAP = 3.5
"""Times the usual distance of two points beyond which the line is broken: nothing was judged there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure. ``guess`` is drawn dotted beside it; ``share`` says that it is written as per cent.

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
    return picture((width, height), label, "".join(parts), grow=1.4)


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
    parts = [
        f'<text x="0" y="{top + 13:.0f}" font-size="13"><tspan font-weight="500">{escape(one.title)}</tspan> '
        f'<tspan class="s" dx="6">{escape(one.note)}</tspan></text>'
    ]
    points = [*series.points, *(one.guess.points if one.guess is not None else ())]
    if not points:
        return "".join(parts) + text(axis.left, top + 48, say("multiples.none"))
    y = _heights(one, points, top + 24, top + each - 12)
    marks = ticks(y.low, y.high, 4)
    for number in marks:
        told = say.percent(number) if one.share else say.fixed(number, places_for(marks))
        parts.append(line(axis.left, y(number), axis.right, y(number), "var(--grid)"))
        parts.append(text(axis.left - 8, y(number) + 4, told, anchor="end"))
    parts.append(_late(one, axis, top + 24, top + each - 12, say))
    if series.bound is not None:
        parts.append(_bound(series.bound, one, axis, y, narrow, say))
    if one.guess is not None:
        parts += [_course(run, axis, y, "var(--soft)", GUESS) for run in _runs(one.guess.points)]
    for run in _runs(series.points):
        parts.append(_area(run, axis, y) + _course(run, axis, y, "var(--champ)"))
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


def _course(run: Sequence[Point], axis: Axis, y: Scale, colour: str, look: str = "") -> str:
    if len(run) == 1:
        return f'<circle cx="{axis(run[0].time):.1f}" cy="{y(run[0].value):.1f}" r="2.5" fill="{colour}"/>'
    path = " ".join(f"{axis(p.time):.1f},{y(p.value):.1f}" for p in run)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"{look}/>'


def _area(run: Sequence[Point], axis: Axis, y: Scale) -> str:
    known = [(axis(p.time), y(p.low), y(p.high)) for p in run if p.low is not None and p.high is not None]
    if not known:
        return ""
    if len(known) == 1:
        x, low, high = known[0]
        return line(x, low, x, high, "var(--champ)", 'opacity="0.4"')
    there = [f"{x:.1f},{high:.1f}" for x, _, high in known]
    back = [f"{x:.1f},{low:.1f}" for x, low, _ in reversed(known)]
    return f'<polygon points="{" ".join(there + back)}" fill="var(--champ)" opacity="0.13"/>'


def _late(one: Row, axis: Axis, top: float, bottom: float, say: Words) -> str:
    """Hatch what labels have not come for yet."""
    if one.complete is None or one.complete >= axis.until:
        return ""
    x = axis(max(one.complete, axis.since))
    label = say("strip.late", time=say.moment(one.complete, axis.until))
    return hatched(x, top, max(axis.right - x, 1), bottom - top, label, f"late{axis.left:.0f}-{top:.0f}")


def _bound(bound: float, one: Row, axis: Axis, y: Scale, narrow: bool, say: Words) -> str:
    told = value(bound, one, say)
    drawn = line(axis.left, y(bound), axis.right, y(bound), "var(--soft)", 'stroke-dasharray="4 3"')
    return drawn + text(axis.right + 8, y(bound) + 4, told if narrow else say("strip.promise", bound=told))


def _last(one: Row, axis: Axis, y: Scale, say: Words) -> str:
    """Print the newest number at the line's end, clear of the promise's label."""
    series = one.series if one.series.points else one.guess
    if series is None or not series.points:
        return ""
    last, at = series.points[-1], y(series.points[-1].value) + 4
    if one.series.bound is not None and abs(at - 4 - y(one.series.bound)) < 15:
        at = y(one.series.bound) + (19 if last.value <= one.series.bound else -11)
    return text(axis.right + 8, at, value(last.value, one, say), 13, look=STRONG)


def _marks(marks: Sequence[Mark], axis: Axis, bottom: float) -> str:
    """Draw a line through all measures where something was decided, and its number below."""
    wanted = [axis(mark.decision.time) for mark in marks]
    placed = spread(wanted, 18, axis.left + 8, axis.right + 8)
    parts = []
    for mark, x, at in zip(marks, wanted, placed, strict=True):
        colour = COLOURS[tone(mark.status)]
        course = f"M{x:.1f} 20V{bottom - 6:.1f}L{at:.1f} {bottom:.1f}"
        parts.append(f'<path d="{course}" fill="none" stroke="{colour}" stroke-dasharray="3 3" opacity="0.7"/>')
        parts.append(f'<circle cx="{at:.1f}" cy="{bottom + 8:.1f}" r="8" fill="{colour}"/>')
        parts.append(text(at, bottom + 12, mark.number, anchor="middle", look='class="on"'))
    return "".join(parts)


def _feet(axis: Axis, height: int, most: int, say: Words) -> str:
    parts = [
        text(axis(at), height - 3, label, anchor="middle")
        for at, label in time_ticks(axis.since, axis.until, say, most)
        if axis.left + 14 < axis(at) < axis.right - 60
    ]
    return "".join(parts) + text(axis.right, height - 3, say("time.now"), anchor="end")
