"""A column's distribution in the size of a word: the reference filled in grey, now as a line over it."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.histogram import told
from boucle.ui.words.catalogue import Words
from boucle.views.histogram import Histogram

WIDTH, HEIGHT, MOST = 128.0, 28.0, 18


def mini(one: Histogram, say: Words) -> str:
    """Draw the shares of rows bin by bin, without numbers; the label says where the two differ most."""
    bins = one.bins[:MOST]
    before = [part.reference / max(one.reference, 1) for part in bins]
    now = [part.current / max(one.current, 1) for part in bins]
    top = max([*before, *now, 1e-9])
    slot = WIDTH / max(len(bins), 1)
    bars, ticks = [], []
    for place, (was, is_) in enumerate(zip(before, now, strict=True)):
        left, wide = place * slot + 0.5, max(slot - 1.0, 1.0)
        tall = (HEIGHT - 2) * was / top
        bars.append(f'<rect x="{left:.1f}" y="{HEIGHT - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>')
        y = HEIGHT - (HEIGHT - 2) * is_ / top
        ticks.append(f"M{left:.1f} {y:.1f}h{wide:.1f}")
    line = f'<path d="{"".join(ticks)}" stroke="var(--ink)" stroke-width="1.8" fill="none"/>' if one.current else ""
    label = say("contract.mini", field=one.column, told=told(one, say))
    return (
        f'<svg class="ink mini" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}" role="img" '
        f'aria-label="{escape(label)}"><g fill="var(--ref)" fill-opacity="0.5">{"".join(bars)}</g>{line}</svg>'
    )
