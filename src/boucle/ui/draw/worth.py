"""What each version is worth over time: a line a version with its interval, named where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from boucle.monitoring.worth import Stretch
from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.draw.strip import spread
from boucle.ui.draw.svg import STRONG, line, text
from boucle.ui.words.catalogue import Words
from boucle.views.worth import Worth

WIDE, NARROW = (460, 150), (326, 140)
_TOP, _FOOT = 12, 24


def worth(
    one: Worth, until: float, champion: int | None, challenger: int | None, say: Words, *, narrow: bool = False
) -> str:
    """Draw one measure up to ``until`` (Unix seconds); zero is always in view."""
    width, height = NARROW if narrow else WIDE
    axis = Axis(one.stretches[0].start, until, 44, width - 78)
    ends = [end for s in one.stretches for end in (s.value, s.low, s.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    y = Scale(low, (high + 0.06 * (high - low)) or 1.0, height - _FOOT - 6, _TOP)
    marks = ticks(y.low, y.high, 4)
    parts = [
        line(axis.left, y(at), axis.right, y(at), "var(--grid)")
        + text(axis.left - 8, y(at) + 4, _mark(at, marks, one, say), anchor="end")
        for at in marks
    ]
    versions = sorted({s.version for s in one.stretches})
    runs = [[s for s in one.stretches if s.version == version] for version in versions]
    for run in runs:
        parts.append(_line(run, axis, y, until, *_look(run[0].version, champion, challenger)))
    parts += _names(runs, axis, y, champion, challenger, one, say)
    for at, label in time_ticks(axis.since, until, say, 3):
        if axis.left + 14 < axis(at) < axis.right - 70:
            parts.append(text(axis(at), height - 3, label, anchor="middle"))
    parts.append(text(axis.right, height - 3, say("time.now"), anchor="end"))
    return picture((width, height), _label(one, runs, say), "".join(parts), grow=1.4)


def told(one: Stretch, worth: Worth, say: Words) -> str:
    """Write a stretch's number with its interval and count."""
    value = number(one.value, worth, say)
    if one.low is None or one.high is None:
        return f"{value}, n = {say.count(one.requests)}"
    ends = say("figure.between", low=number(one.low, worth, say), high=number(one.high, worth, say))
    return f"{value} {ends}, n = {say.count(one.requests)}"


def number(value: float, worth: Worth, say: Words) -> str:
    return say.percent(value) if worth.share else say.number(value)


def _mark(at: float, marks: list[float], one: Worth, say: Words) -> str:
    return say.percent(at) if one.share else say.fixed(at, places_for(marks))


def _look(version: int, champion: int | None, challenger: int | None) -> tuple[str, str]:
    """Return colour and pattern: the same for a role on every page."""
    if version == champion:
        return "var(--champ)", ""
    if version == challenger:
        return "var(--chall)", ' stroke-dasharray="5 3"'
    return "var(--soft)", ' stroke-dasharray="2 3"'


def _line(run: Sequence[Stretch], axis: Axis, y: Scale, until: float, colour: str, pattern: str) -> str:
    points = [(axis(_middle(s, until)), s) for s in run]
    known = [(x, y(s.low), y(s.high)) for x, s in points if s.low is not None and s.high is not None]
    drawn = ""
    if len(known) == 1:
        x, low, high = known[0]
        drawn += line(x, low, x, high, colour, 'opacity="0.5"')
    elif known:
        edge = [f"{x:.1f},{high:.1f}" for x, _, high in known] + [f"{x:.1f},{low:.1f}" for x, low, _ in reversed(known)]
        drawn += f'<polygon points="{" ".join(edge)}" fill="{colour}" opacity="0.12"/>'
    for (x1, a), (x2, b) in pairwise(points):
        gap = ' opacity="0.35"' if b.start > a.end else ""
        drawn += line(x1, y(a.value), x2, y(b.value), colour, f'stroke-width="2"{pattern}{gap}')
    dots = (f'<circle cx="{x:.1f}" cy="{y(s.value):.1f}" r="2.5" fill="{colour}"/>' for x, s in points)
    return drawn + "".join(dots)


def _names(
    runs: Sequence[Sequence[Stretch]],
    axis: Axis,
    y: Scale,
    champion: int | None,
    challenger: int | None,
    one: Worth,
    say: Words,
) -> list[str]:
    """Name each line where it stands last, clear of one another."""
    order = sorted(runs, key=lambda run: y(run[-1].value))
    heights = spread([y(run[-1].value) + 4 for run in order], 15, _TOP + 4, max(y.start, y.end) + 6)
    return [
        text(
            axis.right + 8, at, f"{run[-1].version}: {number(run[-1].value, one, say)}", 12,
            look=f'{STRONG} style="fill:{_look(run[-1].version, champion, challenger)[0]}"',
        )
        for run, at in zip(order, heights, strict=True)
    ]  # fmt: skip


def _middle(one: Stretch, until: float) -> float:
    return (one.start + min(one.end, until)) / 2.0


def _label(one: Worth, runs: Sequence[Sequence[Stretch]], say: Words) -> str:
    newest = "; ".join(f"{run[-1].version}: {told(run[-1], one, say)}" for run in runs)
    return f"{one.name}: {newest}"
