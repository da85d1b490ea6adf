"""The evidence of an alarm, small: what was measured, window by window, and how each was judged."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.ui.draw.glyphs import COLOURS, escape, tone
from boucle.ui.words.catalogue import Words
from boucle.views.alarms import Spark

WIDTH, HEIGHT, PAD, END = 320.0, 72.0, 7.0, 48.0


def spark(points: Sequence[Spark], label: str, say: Words) -> str:
    """Draw the points as a line over time, each failed one marked, with the last value at its end."""
    if not points:
        return ""
    xs, ys = _places(points)
    path = " ".join(f"{'ML'[i > 0]}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(zip(xs, ys, strict=True)))
    base = HEIGHT - PAD
    dots = "".join(_dot(one, x, y) for one, x, y in zip(points, xs, ys, strict=True))
    last = (
        f'<text x="{xs[-1] + 9:.1f}" y="{ys[-1] + 4.5:.1f}" font-size="13">{escape(say.fixed(points[-1].value))}</text>'
    )
    return (
        f'<svg class="ink spark" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}" role="img" '
        f'aria-label="{escape(label)}"><path d="M0 {base:g}H{WIDTH - END:g}" stroke="var(--grid)"/>'
        f'<path d="{path}" fill="none" stroke="var(--ref)" stroke-width="1.5"/>{dots}{last}</svg>'
    )


def _places(points: Sequence[Spark]) -> tuple[list[float], list[float]]:
    """Return where the points stand; the values reach from nought, or from the lowest, to the highest."""
    values = [one.value for one in points]
    low = min(0.0, *values) if min(values) < 0.5 * max(values) else min(values)
    reach = max(values) - low or 1.0
    first, span = points[0].time, points[-1].time - points[0].time
    inner, tall = WIDTH - END - 2 * PAD, HEIGHT - 2 * PAD
    xs = [PAD + (inner * (one.time - first) / span if span else inner) for one in points]
    return xs, [PAD + tall * (1.0 - (value - low) / reach) for value in values]


def _dot(one: Spark, x: float, y: float) -> str:
    colour = COLOURS[tone(one.status)]
    if one.status == "fail":
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" rx="1" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="var(--card)" stroke="{colour}" stroke-width="1.5"/>'
