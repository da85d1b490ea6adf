"""The story strip: why it changed. Quality with its interval, drift by column and decisions, on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import COLOURS, Tone, escape, tone
from boucle.ui.draw.svg import INK, STRONG, hatched, line, text
from boucle.ui.words.catalogue import Words
from boucle.views.story import DriftRow, Mark, Point, Series, Story

WIDE, NARROW = 520, 326
_TOP, _QUALITY = 20, 76
_GAP = 3.5
"""Times the usual distance of two points beyond which nothing was judged between them: the line is broken there."""
_CIRCLE = 9
_NAMED = 62
"""The width of a version's name above its line."""
GUESS = ' stroke-dasharray="0.1 4" stroke-linecap="round"'
"""The look of what is guessed without labels: dotted, where a promise is dashed."""


def strip(story: Story, say: Words, *, narrow: bool = False) -> str:
    """Draw the story of one model."""
    width = NARROW if narrow else WIDE
    left, right = (0, 52) if narrow else (104, 108)
    line, row = (34 if narrow else 0), (40 if narrow else 24)
    axis = Axis(story.since, story.until, left, width - right)
    top = _TOP + line
    bottom = top + _QUALITY
    rows_at = bottom + 14
    marks_at = rows_at + row * len(story.columns) + 16
    height = marks_at + (16 if story.marks else 0) + 22
    drawn = [
        _marks(story.marks, axis, top - 1, marks_at),
        _quality(story, axis, top, bottom, narrow, say),
        *(_column(one, axis, rows_at + row * place, narrow, say) for place, one in enumerate(story.columns)),
        _axis(axis, height, say),
    ]
    return (
        f'<svg class="ink strip" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="width:100%;height:auto;max-width:{width * 1.25:.0f}px" aria-label="{escape(told(story, say))}">'
        f"{''.join(drawn)}</svg>"
    )


def told(story: Story, say: Words) -> str:
    """Say in one sentence what the strip shows."""
    return " ".join([say.say(story.heading), *(say.say(one) for one in story.lead)])


def _quality(story: Story, axis: Axis, top: float, bottom: float, narrow: bool, say: Words) -> str:
    series = story.quality if story.quality.points else story.estimate
    label_y = top - 36 if narrow else top + 9
    parts = [text(0, label_y, series.name or say("strip.quality"), 13, look=STRONG)]
    kind = say("strip.truth" if story.quality.points else "strip.estimate" if series.points else "strip.unjudged")
    where = (axis.right, label_y, "end") if narrow else (0, label_y + 17, "")
    parts.append(text(where[0], where[1], kind, anchor=where[2]))
    if not series.points:
        return "".join(parts)
    scale = _Scale(series, top, bottom, story.estimate.points)
    if story.complete is not None and story.complete < story.until:
        parts.append(_incomplete(axis, max(story.complete, story.since), top, bottom, say))
    if series.bound is not None:
        parts.append(_bound(series.bound, axis, scale, narrow, say))
    if story.quality.points and story.estimate.points:
        for points in _unbroken(story.estimate.points):
            parts.append(_line(points, axis, scale, GUESS, "1.8"))
    runs = _unbroken(series.points)
    parts += [_band(points, axis, scale) + _line(points, axis, scale) for points in runs]
    parts.append(_versions(runs, axis, top - 7, say))
    parts.append(_newest(series, axis, scale, say))
    return "".join(parts)


class _Scale:
    """The vertical axis: every interval and the promise in view."""

    def __init__(self, series: Series, top: float, bottom: float, estimate: Sequence[Point]) -> None:
        ends = [end for p in series.points for end in (p.low, p.high, p.value) if end is not None]
        ends += [p.value for p in estimate]
        ends += [series.bound] if series.bound is not None else []
        room = 0.08 * (max(ends) - min(ends)) or 0.01
        self._low, self._high, self._top, self._bottom = min(ends) - room, max(ends) + room, top, bottom

    def __call__(self, value: float) -> float:
        return self._bottom - (value - self._low) / (self._high - self._low) * (self._bottom - self._top)


def _unbroken(points: Sequence[Point]) -> list[list[Point]]:
    """Part points where nothing was judged for long, and where another version answers."""
    if len(points) < 2:
        return [list(points)]
    usual = median(b.time - a.time for a, b in pairwise(points)) or 1.0
    runs = [[points[0]]]
    for before, after in pairwise(points):
        if after.time - before.time > _GAP * usual or after.version != before.version:
            runs.append([])
        runs[-1].append(after)
    return runs


def _band(points: Sequence[Point], axis: Axis, scale: _Scale) -> str:
    known = [p for p in points if p.low is not None and p.high is not None]
    if not known:
        return ""
    if len(known) == 1:
        x, p = axis(known[0].time), known[0]
        return line(x, scale(p.low or 0), x, scale(p.high or 0), "var(--champ)", 'opacity="0.4"')
    there = [f"{axis(p.time):.1f},{scale(p.high or 0):.1f}" for p in known]
    back = [f"{axis(p.time):.1f},{scale(p.low or 0):.1f}" for p in reversed(known)]
    return f'<polygon points="{" ".join(there + back)}" fill="var(--champ)" opacity="0.13"/>'


def _line(points: Sequence[Point], axis: Axis, scale: _Scale, look: str = "", width: str = "2") -> str:
    if len(points) == 1:
        return (
            f'<circle cx="{axis(points[0].time):.1f}" cy="{scale(points[0].value):.1f}" r="2.5" fill="var(--champ)"/>'
        )
    path = " ".join(f"{axis(p.time):.1f},{scale(p.value):.1f}" for p in points)
    drawn = f'fill="none" stroke="var(--champ)" stroke-width="{width}" stroke-linejoin="round"{look}'
    return f'<polyline points="{path}" {drawn}/>'


def _bound(bound: float, axis: Axis, scale: _Scale, narrow: bool, say: Words) -> str:
    y = scale(bound)
    label = say.number(bound) if narrow else say("strip.promise", bound=say.number(bound))
    drawn = line(axis.left, y, axis.right, y, "var(--soft)", 'stroke-dasharray="4 3"')
    return drawn + text(axis.right + 8, y + 4, label)


def _versions(runs: Sequence[Sequence[Point]], axis: Axis, y: float, say: Words) -> str:
    """Name the version above the beginning of its line, where more than one has answered; the newest come first."""
    if len({points[0].version for points in runs}) < 2:
        return ""
    starts = [runs[0][0], *(after[0] for before, after in pairwise(runs) if after[0].version != before[0].version)]
    drawn, free = "", axis.right + _NAMED
    for first in reversed(starts):
        x = axis(first.time)
        if x + _NAMED <= free:
            drawn, free = drawn + text(x, y, say("strip.version", version=first.version)), x
    return drawn


def _newest(series: Series, axis: Axis, scale: _Scale, say: Words) -> str:
    """Print the newest number at the line's end, clear of the promise's label."""
    last = series.points[-1]
    y = scale(last.value) + 4
    if series.bound is not None and abs(y - 4 - scale(series.bound)) < 16:
        y = scale(series.bound) + (20 if last.value < series.bound else -12)
    return text(axis.right + 8, y, say.fixed(last.value, 3), 13, look=STRONG)


def _incomplete(axis: Axis, since: float, top: float, bottom: float, say: Words) -> str:
    """Hatch the part in which labels have not all come."""
    x = axis(since)
    width = axis.right - x
    if width < 3:
        return ""
    label = say("strip.late", time=say.moment(since, axis.until))
    return hatched(x, top, width, bottom - top, label, f"late{axis.left:.0f}")


def _column(row: DriftRow, axis: Axis, y: float, narrow: bool, say: Words) -> str:
    """Draw one column's effects as bars: red beyond the floor for sure, grey where it may be."""
    name_y, base = (y + 11, y + 36) if narrow else (y + 15, y + 20)
    drifted = row.status == "fail"
    shown = row.name if len(row.name) <= 15 else row.name[:14] + "…"
    parts = [text(0, name_y, shown, 13, look=INK)]
    step = min((b.time - a.time for a, b in pairwise(row.points)), default=(axis.until - axis.since) / 30)
    width = max(2.0, min(26.0, axis(axis.since + step) - axis.left) - 1.4)
    looks: dict[tuple[str, float], str] = {}  # bars of one look are one path: a strip may have hundreds of them
    for one in row.points:
        size = 3 + min(15.0, one.effect * 42)
        of: Tone = tone(one.status)
        colour = COLOURS["fail"] if of == "fail" else "var(--ref)"
        x = max(axis(one.time) - width, axis.left)
        faint = 1.0 if of == "fail" else 0.75 if of == "wait" else 0.5
        bar = f"M{x:.1f} {base:g}v{-size:.1f}h{width:.1f}v{size:.1f}z"
        looks[colour, faint] = looks.get((colour, faint), "") + bar
    for (colour, faint), path in looks.items():
        parts.append(f'<path d="{path}" fill="{colour}" opacity="{faint}"/>')
    parts.append(text(axis.right + 8, base - 4, say.fixed(row.now, 2), 13, look=STRONG if drifted else 'class="s"'))
    return "".join(parts)


def mark_tone(mark: Mark) -> Tone:
    """Return the tone of a decision on the strip; what was done is in the colour of what is under way."""
    return tone(mark.status)


def _marks(marks: Sequence[Mark], axis: Axis, top: float, y: float) -> str:
    """Draw a line where something was decided, and its number below, each number clear of its neighbours."""
    wanted = [axis(mark.decision.time) for mark in marks]
    placed = spread(wanted, 2 * _CIRCLE + 2, axis.left + _CIRCLE, axis.right - _CIRCLE + 8)
    parts = []
    for mark, x, at in zip(marks, wanted, placed, strict=True):
        colour = COLOURS[mark_tone(mark)]
        look = f'fill="none" stroke="{colour}" stroke-width="1.3" stroke-dasharray="3 3"'
        parts += [
            f'<path d="M{x:.1f} {top:.1f}V{y - 14:.1f}L{at:.1f} {y:.1f}" {look}/>',
            f'<circle cx="{at:.1f}" cy="{y + 6:.1f}" r="{_CIRCLE}" fill="{colour}"/>',
            text(at, y + 10.5, mark.number, anchor="middle", look=f'{STRONG} class="on"'),
        ]
    return "".join(parts)


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Move positions, in their order, as little as keeps them ``apart`` and between ``low`` and ``high``."""
    placed: list[float] = []
    for x in wanted:
        placed.append(max(x, low, placed[-1] + apart if placed else low))
    limit = high
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], limit)
        limit = placed[place] - apart
    return placed


def _axis(axis: Axis, height: float, say: Words) -> str:
    parts = []
    for time, label in time_ticks(axis.since, axis.until, say, 3 if axis.left == 0 else 5):
        if axis(time) < axis.right - 108:
            parts.append(text(axis(time), height - 3, label))
    parts.append(text(axis.right, height - 3, say("time.now"), anchor="end"))
    return "".join(parts)
