"""The confidence sequence of a rollout: the difference with its band as labels came, the margin, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.scale import Scale, places_for, ticks
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
    return (
        f'<svg class="ink" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="width:100%;height:auto;max-width:{width * 1.3:.0f}px" aria-label="{escape(told(view, first, say))}">'
        f'<defs><clipPath id="b{int(narrow)}"><rect x="{left}" y="22" width="{width - right - left}" '
        f'height="{height - 68}"/></clipPath></defs>{frame}'
        f'<g clip-path="url(#b{int(narrow)})">{_projected(ahead, x, y, unit)}{shown}</g></svg>'
    )


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
    width, height, left, right = size
    title = say("rollout.axis.points" if first.share else "rollout.axis", check=_inside(say.say(first.title)))
    parts = [f'<text x="0" y="12" font-size="12" class="s">{escape(title)}</text>']
    marks = ticks(y.low, y.high, 8)
    for value in marks:
        at = y(value)
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}" stroke="var(--grid)"/>'
            f'<text x="{left - 8}" y="{at + 4:.1f}" font-size="12" text-anchor="end" class="s">'
            f"{escape(say.fixed(value, places_for(marks)))}</text>"
        )
    parts += _feet(view, x, height, say, by_time)
    middle = (left + width - right) / 2
    under = say("rollout.by.time" if by_time else "rollout.by.labels")
    parts.append(
        f'<text x="{middle:.0f}" y="{height - 6}" font-size="12" text-anchor="middle" class="s">{escape(under)}</text>'
    )
    if view.needed and view.ended is None and not by_time:
        dashed = escape(say("rollout.dashed"))
        parts.append(
            f'<text x="{width - right - 4}" y="{height - 56}" font-size="12" text-anchor="end" class="s over">{dashed}</text>'
        )
    lines = [(0.0, "var(--champ)", say("rollout.zero", version=view.champion))]
    if first.margin is not None:
        lines.append(
            (first.margin * unit, "var(--fail)", say("rollout.margin", margin=_short(first.margin, unit, say)))
        )
    close = len(lines) == 2 and abs(y(lines[0][0]) - y(lines[1][0])) < 15
    for place, (value, colour, label) in enumerate(lines):
        at, nudge = y(value), (7 if place == 0 else -5) if close else 0
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}" stroke="{colour}" stroke-width="1.6"/>'
            f'<text x="{width - right + 6}" y="{at + 4 + nudge:.1f}" font-size="12">{escape(label)}</text>'
        )
    return "".join(parts)


def _feet(view: RolloutView, x: Scale | Axis, height: int, say: Words, by_time: bool) -> list[str]:
    """Write the labels under the axis."""
    if isinstance(x, Axis):
        feet = time_ticks(x.since, x.until, say, 5)
    else:
        feet = [(value, say.count(value)) for value in ticks(0.0, x.high, 5)]
    return [
        f'<text x="{x(at):.1f}" y="{height - 26}" font-size="12" text-anchor="middle" class="s">{escape(label)}</text>'
        for at, label in feet
    ]


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
    line = " ".join(f"{across(p):.1f},{y(p.value * unit):.1f}" for p in path)
    drawn = f'<polyline points="{line}" fill="none" stroke="var(--chall)" stroke-width="2.2" stroke-linejoin="round"/>'
    points = path if len(path) <= 12 else path[-1:]
    dots = "".join(_dot(p, across(p), y, unit) for p in points)
    return shape + edges + drawn + dots


def _dot(one: Look, x: float, y: Scale, unit: float) -> str:
    ends = ""
    if one.low is not None and one.high is not None:
        ends = (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y.held(one.low * unit):.1f}" y2="{y.held(one.high * unit):.1f}" '
            'stroke="var(--chall)" stroke-width="1.4" opacity="0.7"/>'
        )
    return f'{ends}<circle cx="{x:.1f}" cy="{y.held(one.value * unit):.1f}" r="3.6" fill="var(--chall)"/>'


def _projected(ahead: Curve, x: Scale | Axis, y: Scale, unit: float) -> str:
    if not ahead:
        return ""
    up = [f"{x(n):.1f},{y(high * unit):.1f}" for n, _, high in ahead]
    down = [f"{x(n):.1f},{y(low * unit):.1f}" for n, low, _ in reversed(ahead)]
    return (
        f'<polygon points="{" ".join(up + down)}" fill="var(--chall-band2)"/>'
        f'<polyline points="{" ".join(up)}" fill="none" stroke="var(--chall)" stroke-width="1.4" stroke-dasharray="4 3"/>'
    )
