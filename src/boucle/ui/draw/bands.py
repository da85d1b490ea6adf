"""The confidence sequence of a rollout: the difference with its band as labels came, its margin, what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.draw.svg import INK, line, text
from boucle.ui.words.catalogue import Words
from boucle.views.rollout import Guardrail, Look, RolloutView

WIDE, NARROW = (660, 330), (326, 280)
_STEPS = 16
_ROOM = 1.5
"""How many times the newest band, the margin and zero the height shows; wider bands of the beginning are cut."""


def band(view: RolloutView, say: Words, *, narrow: bool = False, by_time: bool = False) -> str:
    """Draw the first check's evidence as it grew, by labels of the challenger or by time."""
    first = view.checks[0] if view.checks else None
    if first is None or not view.path:
        return f'<p class="soft">{escape(say("rollout.nolabels"))}</p>'
    width, height = NARROW if narrow else WIDE
    left, right = (36, 84) if narrow else (52, 96)
    unit = 100.0 if first.share else 1.0
    ahead = [] if by_time else _ahead(view, first)
    y = _heights(view.path, ahead, first, unit, height - 46)
    x = _widths(view, ahead, left, width - right, by_time)
    frame = _frame(view, first, x, y, unit, say, (width, height, left, right), by_time)
    shown = _band(view.path, x, y, unit, by_time)
    clip = (
        f'<clipPath id="b{int(narrow)}"><rect x="{left}" y="22" width="{width - right - left}" height="{height - 68}"/>'
    )
    inside = f'<g clip-path="url(#b{int(narrow)})">{_projected(ahead, x, y, unit)}{shown}</g>'
    return picture((width, height), told(view, first, say), f"<defs>{clip}</clipPath></defs>{frame}{inside}")


def told(view: RolloutView, first: Guardrail, say: Words) -> str:
    """Say the newest difference with its band, its margin and its labels."""
    last = view.path[-1]
    return say(
        "rollout.told",
        value=amount(last.value, first, say),
        low="–" if last.low is None else amount(last.low, first, say),
        high="–" if last.high is None else amount(last.high, first, say),
        margin="–" if first.margin is None else amount(first.margin, first, say),
        labels=say.count(last.n),
    )


def amount(value: float, check: Guardrail, say: Words) -> str:
    """Write a difference: of shares in percentage points, of other losses as a number, always with its sign."""
    if check.share:
        return say.points(value)
    return ("+" if value > 0 else "") + say.number(value)


Curve = Sequence[tuple[float, float, float]]


def _ahead(view: RolloutView, first: Guardrail) -> list[tuple[float, float, float]]:
    """Return the band at labels to come if the difference stays: it narrows until its upper end meets the margin."""
    last = view.path[-1]
    if not view.needed or last.low is None or last.high is None or first.margin is None or not last.n:
        return []
    end, up = last.n + view.needed, last.high - last.value
    room = first.margin - last.value
    power = math.log(up / room) / math.log(end / last.n) if 0 < room < up else 0.5
    curve = []
    for step in range(_STEPS + 1):
        n = last.n + (end - last.n) * step / _STEPS
        shrunk = (last.n / n) ** power
        curve.append((n, last.value + (last.low - last.value) * shrunk, last.value + up * shrunk))
    return curve


def _heights(path: Sequence[Look], ahead: Curve, first: Guardrail, unit: float, bottom: float) -> Scale:
    last = path[-1]
    seen = [0.0, last.value, *(one.value for one in path[-max(2, len(path) // 2) :])]
    seen += [end for end in (last.low, last.high, first.margin) if end is not None]
    low, high = min(seen), max(seen)
    room = (_ROOM - 1.0) / 2 * (high - low) or 0.01
    return Scale((low - room) * unit, (high + room) * unit, bottom, 22)


def _widths(view: RolloutView, ahead: Curve, left: float, right: float, by_time: bool) -> Scale | Axis:
    if by_time:
        return Axis(view.started, view.ended or view.path[-1].time, left, right)
    most = ahead[-1][0] if ahead else view.path[-1].n
    return Scale(0.0, max(float(most), 1.0) * (1.06 if ahead or len(view.path) > 1 else 1.5), left, right)


def _frame(
    view: RolloutView, first: Guardrail, x: Scale | Axis, y: Scale, unit: float, say: Words,
    size: tuple[int, int, int, int], by_time: bool,
) -> str:  # fmt: skip
    """Draw the axes with what they mean, the champion's line and the margin."""
    width, height, left, right = size
    end = width - right
    title = say("rollout.axis.points" if first.share else "rollout.axis", check=_inside(say.say(first.title)))
    under = say("rollout.by.time" if by_time else "rollout.by.labels")
    parts = [text(0, 12, title), text((left + end) / 2, height - 6, under, anchor="middle")]
    marks = ticks(y.low, y.high, 8)
    for value in marks:
        parts.append(line(left, y(value), end, y(value), "var(--grid)"))
        parts.append(text(left - 8, y(value) + 4, say.fixed(value, places_for(marks)), anchor="end"))
    parts += _feet(x, height, say)
    if view.needed and view.ended is None and not by_time:
        parts.append(text(end - 4, height - 56, say("rollout.dashed"), anchor="end", look='class="s over"'))
    return "".join(parts) + _lines(view, first, y, unit, say, (left, end))


def _lines(view: RolloutView, first: Guardrail, y: Scale, unit: float, say: Words, ends: tuple[float, float]) -> str:
    """Draw the champion's line at no difference and the margin above it, their labels clear of one another."""
    zero, parts = y(0.0), []
    margin = None if first.margin is None else y(first.margin * unit)
    close = margin is not None and abs(zero - margin) < 15
    parts.append(line(ends[0], zero, ends[1], zero, "var(--champ)", 'stroke-width="1.6"'))
    named = say("rollout.zero", version=view.champion)
    parts.append(text(ends[1] + 6, zero + 4 + (7 if close else 0), named, look=INK))
    if margin is not None and first.margin is not None:
        named = say("rollout.margin", margin=_short(first.margin, unit, say))
        parts.append(line(ends[0], margin, ends[1], margin, "var(--fail)", 'stroke-width="1.6"'))
        parts.append(text(ends[1] + 6, margin + 4 - (5 if close else 0), named, look=INK))
    return "".join(parts)


def _feet(x: Scale | Axis, height: int, say: Words) -> list[str]:
    """Write the labels under the axis."""
    if isinstance(x, Axis):
        feet = time_ticks(x.since, x.until, say, 5)
    else:
        feet = [(value, say.count(value)) for value in ticks(0.0, x.high, 5)]
    return [text(x(at), height - 26, label, anchor="middle") for at, label in feet]


def _inside(name: str) -> str:
    """Write a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]


def _short(value: float, unit: float, say: Words) -> str:
    return ("+" if value > 0 else "") + say.number(value * unit, 2)


def _band(path: Sequence[Look], x: Scale | Axis, y: Scale, unit: float, by_time: bool) -> str:
    def across(one: Look) -> float:
        return x(one.time if by_time else float(one.n))

    known = [one for one in path if one.low is not None and one.high is not None]
    there = [f"{across(p):.1f},{y((p.high or 0.0) * unit):.1f}" for p in known]
    back = [f"{across(p):.1f},{y((p.low or 0.0) * unit):.1f}" for p in reversed(known)]
    shape = f'<polygon points="{" ".join(there + back)}" fill="var(--chall-band)"/>' if len(known) > 1 else ""
    edge = f'fill="none" stroke="var(--chall)" stroke-width="1" opacity="0.55" points="{" ".join(there)}"'
    edges = f"<polyline {edge}/>" if len(known) > 1 else ""
    course = " ".join(f"{across(p):.1f},{y(p.value * unit):.1f}" for p in path)
    drawn = (
        f'<polyline points="{course}" fill="none" stroke="var(--chall)" stroke-width="2.2" stroke-linejoin="round"/>'
    )
    points = path if len(path) <= 12 else path[-1:]
    dots = "".join(_dot(p, across(p), y, unit) for p in points)
    return shape + edges + drawn + dots


def _dot(one: Look, x: float, y: Scale, unit: float) -> str:
    ends = ""
    if one.low is not None and one.high is not None:
        look = 'stroke-width="1.4" opacity="0.7"'
        ends = line(x, y.held(one.low * unit), x, y.held(one.high * unit), "var(--chall)", look)
    return f'{ends}<circle cx="{x:.1f}" cy="{y.held(one.value * unit):.1f}" r="3.6" fill="var(--chall)"/>'


def _projected(ahead: Curve, x: Scale | Axis, y: Scale, unit: float) -> str:
    if not ahead:
        return ""
    up = [f"{x(n):.1f},{y(high * unit):.1f}" for n, _, high in ahead]
    down = [f"{x(n):.1f},{y(low * unit):.1f}" for n, low, _ in reversed(ahead)]
    edge = 'fill="none" stroke="var(--chall)" stroke-width="1.4" stroke-dasharray="4 3"'
    shape = f'<polygon points="{" ".join(up + down)}" fill="var(--chall-band2)"/>'
    return f'{shape}<polyline points="{" ".join(up)}" {edge}/>'
