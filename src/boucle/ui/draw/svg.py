"""The two things every drawing is made of: lines and texts."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape


def text(x: float, y: float, words: object, size: float = 12, *, anchor: str = "", look: str = 'class="s"') -> str:
    """Write words at a place; by default small and soft. ``anchor`` is middle or end, ``look`` more attributes."""
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"' + (f' text-anchor="{anchor}"' if anchor else "")
    return f"<text {where} {look}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, colour: str, look: str = "") -> str:
    """Draw a straight line; ``look`` is more attributes, such as its pattern."""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" {look}/>'


def hatched(x: float, y: float, width: float, height: float, label: str, name: str) -> str:
    """Hatch an area, which says what it is when pointed at. ``name`` is its own on the page.

    A browser paints nothing from a drawing that is hidden, so the wide and the narrow one cannot share a pattern.
    """
    return (
        f'<defs><pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line x1="0" y1="0" x2="0" y2="6" stroke="var(--ref)" stroke-width="1.4"/></pattern></defs>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="url(#{name})" opacity="0.45">'
        f"<title>{escape(label)}</title></rect>"
    )


INK = ""
STRONG = 'font-weight="500"'
"""Looks of a text that is not soft."""
