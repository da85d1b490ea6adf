"""The frame of a drawing: its size, what it says to those who do not see it, and how far it may grow."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape


def picture(size: tuple[float, float], label: str, inside: str, *, grow: float = 1.3) -> str:
    """Frame a drawing of ``size``; it fills its place, up to ``grow`` times its width."""
    width, height = size
    look = f"width:100%;height:auto;max-width:{width * grow:.0f}px"
    return (
        f'<svg class="ink" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'style="{look}" aria-label="{escape(label)}">{inside}</svg>'
    )
