"""A chart for the terminal: one line of values over the course of the demo, with marks below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_HEIGHT = 8
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def draw(values: Sequence[float], marks: Mapping[int, str], width: int = 72) -> list[str]:
    """Return the lines of a bar chart from zero up; ``marks`` puts a sign under the bar of that index."""
    if not values:
        return []
    per = max(1, -(-len(values) // width))
    bars = [sum(values[i : i + per]) / len(values[i : i + per]) for i in range(0, len(values), per)]
    top = max(bars) * 1.1
    lines = []
    for level in range(_HEIGHT, 0, -1):
        low = (level - 1) / _HEIGHT * top
        cells = "".join(_EIGHTHS[max(0, min(8, round((b - low) / top * _HEIGHT * 8)))] for b in bars)
        label = f"{level / _HEIGHT * top:5.2f} " if level % 2 == 0 else "      "
        lines.append(f"{label}│{cells}")
    under = [" "] * len(bars)
    for index, sign in marks.items():
        under[min(index // per, len(bars) - 1)] = sign
    return [*lines, "      └" + "─" * len(bars), "       " + "".join(under)]
