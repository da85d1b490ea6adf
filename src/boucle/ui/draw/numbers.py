"""The numbers behind a picture: a real table, folded away under it."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.ui.draw.glyphs import escape
from boucle.ui.words.catalogue import Words


def behind(heads: Sequence[str], rows: Sequence[Sequence[str]], say: Words) -> str:
    """Write rows of a picture's numbers; the first column names the row, the others are numbers."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col"{" class=r" if i else ""}>{escape(name)}</th>' for i, name in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(f'<td class="num small{" r" if i else ""}">{escape(cell)}</td>' for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f'<details style="margin-top:10px"><summary>{escape(say("part.numbers"))}</summary>'
        f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{escape(say("part.numbers"))}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )
