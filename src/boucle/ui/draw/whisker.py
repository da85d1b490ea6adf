"""The whisker: one number with its interval, against its promise."""

from __future__ import annotations

from boucle.ui.draw.glyphs import COLOURS, Tone, escape
from boucle.ui.words.catalogue import Words
from boucle.views.newest import Figure

WIDTH, HEIGHT = 132, 32
_EDGE = 7


def whisker(figure: Figure, say: Words, *, guessed: bool = False) -> str:
    """Draw a figure; one that is ``guessed`` before labels has a hollow point and a broken line."""
    assert figure.value is not None
    low, high = _ends(figure)
    scale = _scale([low, high, figure.value, *([figure.bound] if figure.bound is not None else [])])
    of: Tone = "pass" if figure.status == "pass" else "fail" if figure.status == "fail" else "wait"
    colour = COLOURS[of]
    bound = ""
    if figure.bound is not None:
        at = scale(figure.bound)
        bound = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="15" y2="31" stroke="var(--soft)" stroke-dasharray="2 2"/>'
    point = f'fill="{"var(--card)" if guessed else colour}" stroke="{colour}" stroke-width="{2 if guessed else 0}"'
    dash = ' stroke-dasharray="3 2"' if guessed else ""
    half = f' <tspan class="s">± {escape(say.fixed((high - low) / 2, 3))}</tspan>' if high > low else ""
    return (
        f'<svg class="ink whisker" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(told(figure, say))}">{bound}'
        f'<line x1="{scale(low):.1f}" x2="{scale(high):.1f}" y1="23" y2="23" stroke="{colour}" stroke-width="3"{dash}/>'
        f'<circle cx="{scale(figure.value):.1f}" cy="23" r="4.5" {point}/>'
        f'<text x="{WIDTH}" y="11" font-size="13" text-anchor="end">{escape(say.fixed(figure.value, 3))}{half}</text>'
        "</svg>"
    )


def told(figure: Figure, say: Words) -> str:
    """Say a figure in words: what stands in the drawing, for those who do not see it."""
    assert figure.value is not None
    parts = [f"{figure.name} {say.fixed(figure.value, 3)}"]
    if figure.low is not None and figure.high is not None:
        parts.append(say("figure.between", low=say.fixed(figure.low, 3), high=say.fixed(figure.high, 3)))
    if figure.bound is not None:
        parts.append(say("figure.promised", bound=say.number(figure.bound)))
    if figure.n is not None:
        parts.append(say("figure.count", figure.n))
    return ", ".join(parts)


def _ends(figure: Figure) -> tuple[float, float]:
    assert figure.value is not None
    low = figure.value if figure.low is None else figure.low
    return low, figure.value if figure.high is None else figure.high


class _scale:
    """Puts values on the line, all of ``seen`` in view with a margin."""

    def __init__(self, seen: list[float]) -> None:
        least, most = min(seen), max(seen)
        room = 0.12 * (most - least) or max(abs(most), 1e-6) * 0.05
        self._from, self._to = least - room, most + room

    def __call__(self, value: float) -> float:
        return _EDGE + (value - self._from) / (self._to - self._from) * (WIDTH - 2 * _EDGE)
