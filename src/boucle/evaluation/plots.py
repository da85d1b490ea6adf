"""Plots as inline SVG, drawn from counts: confusion, calibration, ROC, and clouds of pairs. Colours are variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from boucle.evaluation.look import number, percent, text
from boucle.evaluation.result import Calibration, Confusion, Grid, Roc

Place = Callable[[float], float]
SIZE, LEFT, TOP, SIDE = 360, 52, 12, 290
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")


def confusion(table: Confusion) -> str:
    """Draw counts by true label (rows) and answer (columns); the darker, the larger the share of the row."""
    k = len(table.labels)
    cell = 290 / k if k <= 6 else max(26.0, 290 / k)
    left, top = 104, 46
    parts = [
        f'<text x="{left + k * cell / 2:.0f}" y="14" text-anchor="middle" font-size="12" class="s">answered</text>'
    ]
    for j, label in enumerate(table.labels):
        x = left + (j + 0.5) * cell
        turn = f' transform="rotate(-40 {x:.0f} {top - 6})"' if k > 6 else ""
        anchor = "start" if k > 6 else "middle"
        parts.append(_label(x, top - 8, label, max(4, int(cell / 7)) if k <= 6 else 8, anchor, turn))
    for i, row in enumerate(table.counts):
        parts.append(_label(left - 8, top + (i + 0.5) * cell + 4, table.labels[i], 13, "end"))
        total = sum(row)
        for j, count in enumerate(row):
            share = count / total if total else 0.0
            parts.append(_cell(left + j * cell, top + i * cell, cell, count, share, right=i == j, roomy=k <= 6))
    width, height = left + k * cell + 8, top + k * cell + 4
    hits = sum(table.counts[i][i] for i in range(k))
    said = f"Confusion of {k} labels: {hits:,} of {sum(map(sum, table.counts)):,} answers are right"
    return _svg(width, height, said, parts)


def _cell(x: float, y: float, size: float, count: int, share: float, right: bool, roomy: bool) -> str:
    edge = 'stroke="var(--ink)" stroke-width="1.6"' if right else 'stroke="var(--line)"'
    tone = "on" if share > 0.5 else "s" if count == 0 else ""
    out = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{size - 2:.1f}" height="{size - 2:.1f}" fill="var(--ink)"'
        f' fill-opacity="{0.85 * share:.2f}" {edge}/>'
    )
    middle, line = x + size / 2 - 1, y + size / 2 + (0 if roomy else 4)
    big = 15 if roomy else max(7, min(12, int(size / max(2, len(str(count))) * 1.3)))
    out += (
        f'<text x="{middle:.1f}" y="{line:.1f}" text-anchor="middle" font-size="{big}" class="{tone}">{count:,}</text>'
    )
    if roomy:
        out += (
            f'<text x="{middle:.1f}" y="{line + 17:.1f}" text-anchor="middle" font-size="12" class="{tone or "s"}">'
            f"{percent(share)}</text>"
        )
    return out


def calibration(found: Calibration) -> str:
    """Draw what happened (with its interval) against what was told; on the dashed line the two agree."""
    x, y = _axes(0.0, 1.0, 0.0, 1.0)
    parts = _frame((0.0, 0.5, 1.0), (0.0, 0.5, 1.0), x, y, "told probability", "share that turned out so")
    parts.append(_line([(x(0), y(0)), (x(1), y(1))], 'stroke="var(--soft)" stroke-dasharray="4 3"'))
    for told, seen in zip(found.told, found.happened, strict=True):
        at, top, bottom = x(told), y(seen.high), y(seen.low)
        parts.append(
            f'<path d="M{at:.1f} {top:.1f}V{bottom:.1f}" stroke="var(--ink)" stroke-width="1.5"/>'
            f'<circle cx="{at:.1f}" cy="{y(seen.value):.1f}" r="4.5" fill="var(--ink)">'
            f"<title>told {told:.2f}, happened {seen.value:.2f}, {seen.n:,} rows</title></circle>"
        )
    said = f"Calibration of {found.of}: told and happened differ by {found.error:.3f} on average"
    return _svg(SIZE, SIZE, said, parts)


def roc(curves: Sequence[Roc]) -> str:
    """Draw true against false positives; several classes differ by their dashes."""
    x, y = _axes(0.0, 1.0, 0.0, 1.0)
    parts = _frame((0.0, 0.5, 1.0), (0.0, 0.5, 1.0), x, y, "false positive rate", "true positive rate")
    parts.append(_line([(x(0), y(0)), (x(1), y(1))], 'stroke="var(--soft)" stroke-dasharray="4 3"'))
    for at, curve in enumerate(curves):
        dash = f'stroke-dasharray="{_DASHES[at % len(_DASHES)]}"' if at else ""
        points = [(x(a), y(b)) for a, b in zip(curve.false_positive, curve.true_positive, strict=True)]
        parts.append(_line(points, f'stroke="var(--ink)" stroke-width="2" {dash}'))
        level = y(0.06 + 0.075 * (len(curves) - 1 - at))
        parts.append(
            _line([(x(0.45), level - 4), (x(0.53), level - 4)], f'stroke="var(--ink)" stroke-width="2" {dash}')
        )
        name = f"{text(curve.label, 12)} {number(curve.area)}"
        parts.append(f'<text x="{x(0.55):.1f}" y="{level:.1f}" font-size="12">{name}</text>')
    return _svg(SIZE, SIZE, "ROC: " + ", ".join(f"{c.label} {c.area:.3f}" for c in curves[:5]), parts)


def cloud(found: Grid, across: str, up: str, line: str) -> str:
    """Draw counts of pairs, darker where there are more. ``line`` is ``equal`` (the diagonal) or ``zero``."""
    x, y = _axes(found.x[0], found.x[-1], found.y[0], found.y[-1])
    parts = _frame(ticks(found.x[0], found.x[-1]), ticks(found.y[0], found.y[-1]), x, y, across, up)
    most = max((c for row in found.counts for c in row), default=0) or 1
    wide, tall = SIDE / (len(found.x) - 1), SIDE / (len(found.y) - 1)
    for i, row in enumerate(found.counts):
        for j, count in enumerate(row):
            if count:
                shade = 0.12 + 0.78 * math.sqrt(count / most)
                parts.append(
                    f'<rect x="{x(found.x[j]):.1f}" y="{y(found.y[i + 1]):.1f}" width="{wide:.1f}" height="{tall:.1f}"'
                    f' fill="var(--ink)" fill-opacity="{shade:.2f}"/>'
                )
    if line == "equal":
        parts.append(_guide([(x(found.x[0]), y(found.x[0])), (x(found.x[-1]), y(found.x[-1]))]))
    elif found.y[0] < 0 < found.y[-1]:
        parts.append(_guide([(x(found.x[0]), y(0.0)), (x(found.x[-1]), y(0.0))]))
    total = sum(map(sum, found.counts))
    return _svg(SIZE, SIZE, f"{up} against {across}, {total:,} rows, at most {most:,} in a cell", parts)


def course(points: Sequence[tuple[float, float]], up: str) -> str:
    """Draw how a value went over the epochs."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    air = (high - low) * 0.08 or max(abs(high) * 0.1, 1e-9)
    x, y = _axes(points[0][0], points[-1][0] or 1.0, low - air, high + air)
    parts = _frame(ticks(points[0][0], points[-1][0]), ticks(low - air, high + air), x, y, "epoch", up)
    parts.append(_line([(x(a), y(b)) for a, b in points], 'stroke="var(--ink)" stroke-width="2"'))
    return _svg(SIZE, SIZE, f"{up}: from {points[0][1]:.4g} to {points[-1][1]:.4g}", parts)


def _guide(points: Sequence[tuple[float, float]]) -> str:
    """Draw a dashed line that is seen on light and on dark cells."""
    under = _line(points, 'stroke="var(--card)" stroke-width="4" stroke-opacity="0.7"')
    return under + _line(points, 'stroke="var(--ink)" stroke-width="1.5" stroke-dasharray="5 3"')


def ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Return round numbers between ``low`` and ``high``."""
    if not low < high or not math.isfinite(high - low):
        return ()
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return tuple(k * step for k in range(first, math.floor(high / step + 1e-9) + 1))


def _axes(x0: float, x1: float, y0: float, y1: float) -> tuple[Place, Place]:
    return (
        lambda v: LEFT + (v - x0) / (x1 - x0) * SIDE,
        lambda v: TOP + SIDE - (v - y0) / (y1 - y0) * SIDE,
    )


def _frame(across: Sequence[float], up: Sequence[float], x: Place, y: Place, x_name: str, y_name: str) -> list[str]:
    base = TOP + SIDE
    parts = []
    for v in up:
        at = y(v)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{LEFT + SIDE}" stroke="var(--grid)"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" font-size="12" class="s">{_tick(v)}</text>'
        )
    for v in across:
        at = x(v)
        parts.append(f'<path d="M{at:.1f} {TOP}V{base}" stroke="var(--grid)"/>')
        parts.append(
            f'<text x="{at:.1f}" y="{base + 16}" text-anchor="middle" font-size="12" class="s">{_tick(v)}</text>'
        )
    middle, centre = TOP + SIDE / 2, LEFT + SIDE / 2
    parts.append(
        f'<text x="{centre}" y="{base + 34}" text-anchor="middle" font-size="12" class="s">{text(x_name)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" font-size="12" class="s" transform="rotate(-90 12 {middle})">'
        f"{text(y_name)}</text>"
    )
    return parts


def _tick(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _label(x: float, y: float, label: str, longest: int, anchor: str, turn: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12"{turn}>{text(label, longest)}'
        f"<title>{text(label, 200)}</title></text>"
    )


def _line(points: Sequence[tuple[float, float]], look: str) -> str:
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" {look}/>'


def _svg(width: float, height: float, said: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="100%" role="img" aria-label="{text(said, 300)}">'
        f"{''.join(parts)}</svg>"
    )
