"""An answer: what was predicted, how probable each class is, who said so and how long it took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from boucle.ui.draw.glyphs import escape, icon
from boucle.ui.words.catalogue import Words

MOST = 12
"""Classes with a bar; the least probable of more are left out."""


def shown(value: Any, say: Words) -> str:
    """Write a prediction as people read it."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        return say.number(value, 4)
    return json.dumps(value, ensure_ascii=False)


Shares = Sequence[tuple[str, float]]


def answer(who: str, challenger: bool, prediction: Any, shares: Shares, facts: tuple[str, float], say: Words) -> str:
    """Write one answer; ``shares`` are the classes with their probabilities, ``facts`` its id and its seconds."""
    id_, seconds = facts
    look = "chip chall" if challenger else "chip"
    text = shown(prediction, say)
    took = say("try.took", ms=say.number(1000.0 * seconds, 2))
    done = f'data-text="{escape(id_)}" data-done="{escape(say("copied"))}"'
    copy = (
        f'<button type="button" class="ib id" data-do="copy" {done} '
        f'aria-label="{escape(say("try.id"))}: {escape(id_)}"><code>{escape(id_[:14])}…</code>{icon("copy")}</button>'
    )
    size = "said" if len(text) <= 60 else "said long"
    return (
        f'<div class="answer{" chall" if challenger else ""}"><div class="{size}">{escape(text)}</div>'
        f"{bars(shares, prediction, say)}"
        f'<div class="row mid small soft"><span class="{look}"><i></i>{escape(who)}</span>'
        f'<span class="num">{escape(took)}</span>{copy}<span>{escape(say("try.test"))}</span></div></div>'
    )


def bars(shares: Shares, prediction: Any, say: Words) -> str:
    """Draw a bar for each class, the most probable first; the predicted one is filled."""
    if not shares:
        return ""
    rows = "".join(
        f'<div class="{"pb on" if name == str(prediction) else "pb"}"><span class="name">{escape(name)}</span>'
        f'<span class="track"><i style="width:{100.0 * max(0.0, min(share, 1.0)):.1f}%"></i></span>'
        f'<span class="num r">{escape(say.percent(share, 1))}</span></div>'
        for name, share in sorted(shares, key=lambda one: -one[1])[:MOST]
    )
    return f'<div class="pbars" role="group" aria-label="{escape(say("try.bars"))}">{rows}</div>'
