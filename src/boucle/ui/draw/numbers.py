"""Tables: a real one under every picture with its numbers, and those that stand by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.ui.draw.glyphs import escape
from boucle.ui.words.catalogue import Words


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), fold: bool = False
) -> str:
    """Write a table; cells are HTML, heads are text. Columns in ``right`` are numbers.

    With ``fold`` a row becomes a block on a phone, each cell with its column's name before it.
    """
    head = "".join(f'<th scope="col"{_side(i, right)}>{escape(name)}</th>' for i, name in enumerate(heads))
    body = "".join(f"<tr>{_cells(heads, row, right)}</tr>" for row in rows)
    look = ' class="fold-s"' if fold else ""
    named = f'<caption class="hidden">{escape(caption)}</caption>'
    return f"<table{look}>{named}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(heads: Sequence[str], row: Sequence[str], right: Sequence[int]) -> str:
    named = ["", *(f' data-label="{escape(head)}"' for head in heads[1:])]
    return "".join(f"<td{_side(i, right)}{named[i]}>{cell}</td>" for i, cell in enumerate(row))


def _side(place: int, right: Sequence[int]) -> str:
    return ' class="r num"' if place in right else ""


def behind(heads: Sequence[str], rows: Sequence[Sequence[str]], say: Words) -> str:
    """Fold away a picture's numbers; the first column names the row, the others are numbers as text."""
    if not rows:
        return ""
    title = say("part.numbers")
    shown = [[f'<span class="small num">{escape(cell)}</span>' for cell in row] for row in rows]
    drawn = table(title, heads, shown, right=range(1, len(heads)))
    scrolled = f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{escape(title)}">{drawn}</div>'
    return f'<details style="margin-top:10px"><summary>{escape(title)}</summary>{scrolled}</details>'


def both(wide: str, small: str) -> str:
    """Put two drawings of the same, of which a page shows the one that fits."""
    return f'<div class="wide-only">{wide}</div><div class="small-only">{small}</div>'
