"""The evidence of one entry of the history: its checks, its place in the chain, and all it was written with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from boucle.ui.draw.glyphs import TONES, escape, status, tone
from boucle.ui.draw.numbers import table
from boucle.ui.words.catalogue import Words
from boucle.views.history import EventView

LONGEST = 20_000
"""Characters of the JSON on the page; the rest is in ``boucle history --json``."""
_CHECKS = 30


def evidence_of(view: EventView, say: Words) -> str:
    """Write what stood behind an event; checks without numbers keep their words."""
    verdict = view.data.get("verdict")
    checks = verdict.get("checks") if isinstance(verdict, Mapping) else None
    shown = _checks(checks, say) if isinstance(checks, Sequence) and checks else ""
    written = json.dumps(view.data, indent=2, ensure_ascii=False, default=str)
    cut = written if len(written) <= LONGEST else f"{written[:LONGEST]}\n…"
    name = escape(say("history.json"))
    region = f'<div class="json" tabindex="0" role="region" aria-label="{name}"><pre>{escape(cut)}</pre></div>'
    return f"{shown}{_facts(view, say)}<details><summary>{name}</summary>{region}</details>"


def _checks(checks: Sequence[Any], say: Words) -> str:
    heads = [say(f"history.{key}") for key in ("check", "value", "bound", "count", "verdict")]
    rows = [_check(one, say) for one in checks[:_CHECKS] if isinstance(one, Mapping)]
    return table(say("history.checks"), heads, rows, right=(1, 2, 3), fold=True)


def _check(one: Mapping[str, Any], say: Words) -> list[str]:
    value, low, high, count = (_number(one.get(key)) for key in ("observed", "low", "high", "n"))
    ends = ""
    if low is not None and high is not None:
        ends = f' <span class="soft">{escape(say.interval(low, high))}</span>'
    found = str(one.get("status", ""))
    word = status(tone(found), say(f"verdict.{found}")) if found in TONES and found != "idle" else escape(found)
    note = f'<br><span class="small soft">{escape(one["note"])}</span>' if one.get("note") else ""
    return [
        f"{escape(one.get('name', ''))}{note}",
        "–" if value is None else f"{escape(say.fixed(value, 3))}{ends}",
        escape(one.get("bound") or "–"),
        "–" if count is None else escape(say.count(count)),
        word,
    ]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _facts(view: EventView, say: Words) -> str:
    one = view.decision
    about = f"{one.model}/{one.version}" if one.version else one.model
    facts = [
        ("event", str(one.seq)),
        ("kind", one.kind),
        ("time", say.date(one.time)),
        ("who", one.actor),
        ("about", about),
        ("undo", one.undo),
        ("digest", view.digest[:16]),
        ("previous", view.previous[:16]),
    ]
    code = {"kind", "undo", "digest", "previous"}
    rows = "".join(
        f"<div><dt>{escape(say(f'history.fact.{key}'))}</dt>"
        f"<dd>{f'<code>{escape(value)}</code>' if key in code else escape(value)}</dd></div>"
        for key, value in facts
        if value
    )
    return f'<dl class="facts">{rows}</dl>'
