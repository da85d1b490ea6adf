"""Intervals drawn: a dot, its reach, and the bound it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence

from boucle.core.verdict import Status
from boucle.evaluation.look import number, span, text
from boucle.evaluation.result import Importance
from boucle.measures.intervals import Estimate

WIDTH, HEIGHT, EDGE = 200, 26, 8


def scale(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that holds the finite ``values`` with some air."""
    known = [v for v in values if math.isfinite(v)] or [0.0]
    low, high = min(known), max(known)
    air = (high - low) * 0.08 or max(abs(high) * 0.1, 1e-9)
    return low - air, high + air


def whisker(
    estimate: Estimate, axis: tuple[float, float], status: Status | None = None, mark: float | None = None
) -> str:
    """Draw one interval; ``mark`` is a dashed line for the bound or the value on all rows."""
    if math.isnan(estimate.value):
        return '<span class="soft">not defined on these rows</span>'
    colour = f"var(--{status})" if status else "var(--ink)"
    parts = []
    if mark is not None and math.isfinite(mark):
        at = _place(mark, axis)
        parts.append(f'<path d="M{at} 1V25" stroke="var(--soft)" stroke-dasharray="3 2"/>')
    low, high = (_place(v if math.isfinite(v) else estimate.value, axis) for v in (estimate.low, estimate.high))
    parts.append(f'<path d="M{low} 13H{high}M{low} 8V18M{high} 8V18" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<circle cx="{_place(estimate.value, axis)}" cy="13" r="4.5" fill="{colour}"/>')
    said = f"{number(estimate.value)}, interval {span(estimate)}" + (f", line at {number(mark)}" if mark else "")
    return _svg(WIDTH, HEIGHT, said, "".join(parts), fixed=True)


def balance(difference: Estimate, margin: float, status: Status | None = None) -> str:
    """Draw a difference on an axis with 0 in the middle: worse to the left, better to the right."""
    if math.isnan(difference.value):
        return '<span class="soft">not defined on these rows</span>'
    ends = [abs(v) for v in (difference.low, difference.high, difference.value, margin) if math.isfinite(v)]
    reach = max(ends) * 1.1 or 1.0
    axis = (-reach, reach)
    low, high = (_place(v if math.isfinite(v) else difference.value, axis) for v in (difference.low, difference.high))
    colour = f"var(--{status})" if status else "var(--challenger)"
    x = _place(difference.value, axis)
    parts = [f'<path d="M{_place(0.0, axis)} 1V25" stroke="var(--ink)"/>']
    if margin > 0:
        parts.append(f'<path d="M{_place(-margin, axis)} 1V25" stroke="var(--soft)" stroke-dasharray="3 2"/>')
    parts.append(f'<path d="M{low} 13H{high}M{low} 8V18M{high} 8V18" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<path d="M{x} 7l6 6l-6 6l-6-6z" fill="var(--card)" stroke="{colour}" stroke-width="2"/>')
    return _svg(
        WIDTH, HEIGHT, f"difference {number(difference.value)}, interval {span(difference)}", "".join(parts), True
    )


def bars(found: Sequence[Importance], label: str) -> str:
    """Draw importances as bars from 0, with whiskers."""
    low, high = scale([0.0, *(v for i in found for v in (i.loss.value, i.loss.high))])
    axis = (min(0.0, low if any(i.loss.value < 0 for i in found) else 0.0), high)
    row, left, width = 24, 150, 480
    parts = []
    for at, one in enumerate(found):
        y = at * row
        start, end = (_place(v, axis, left, width - 70) for v in sorted((0.0, one.loss.value)))
        low_x, high_x = (
            _place(v if math.isfinite(v) else one.loss.value, axis, left, width - 70)
            for v in (max(one.loss.low, axis[0]), one.loss.high)
        )
        parts.append(
            f'<text x="{left - 8}" y="{y + 16}" text-anchor="end" font-size="13">{text(one.column, 20)}'
            f"<title>{text(one.column, 200)}</title></text>"
            f'<rect x="{start}" y="{y + 6}" width="{max(0.5, round(end - start, 1))}" height="12" fill="var(--ref)"'
            ' stroke="var(--soft)"/>'
            f'<path d="M{low_x} {y + 12}H{high_x}" stroke="var(--ink)" stroke-width="1.5"/>'
            f'<text x="{width}" y="{y + 16}" text-anchor="end" font-size="13">{number(one.loss.value)}</text>'
        )
    zero = _place(0.0, axis, left, width - 70)
    parts.append(f'<path d="M{zero} 0V{len(found) * row}" stroke="var(--ink)"/>')
    return _svg(width, len(found) * row + 2, label, "".join(parts))


def _place(value: float, axis: tuple[float, float], left: float = EDGE, right: float = WIDTH - EDGE) -> float:
    share = (value - axis[0]) / ((axis[1] - axis[0]) or 1.0)
    return round(left + min(max(share, 0.0), 1.0) * (right - left), 1)


def _svg(width: int, height: int, said: str, body: str, fixed: bool = False) -> str:
    size = f'width="{width}" height="{height}"' if fixed else 'width="100%"'
    return f'<svg {size} viewBox="0 0 {width} {height}" role="img" aria-label="{text(said, 300)}">{body}</svg>'
