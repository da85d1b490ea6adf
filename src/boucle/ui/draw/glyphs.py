"""Small drawings: the signs of verdicts, the icons beside words, the mark of Boucle. All ours, all inline."""

from __future__ import annotations

from html import escape as _escape
from typing import Literal

Tone = Literal["pass", "fail", "watch", "wait", "run", "idle"]
"""How something stands: good, bad, looked at, undecided, under way, nothing yet. A colour, a shape and a pattern."""

COLOURS: dict[Tone, str] = {
    "pass": "var(--pass)",
    "fail": "var(--fail)",
    "watch": "var(--watch)",
    "wait": "var(--wait)",
    "run": "var(--chall)",
    "idle": "var(--line)",
}
TONES: dict[str, Tone] = {
    "pass": "pass", "fail": "fail", "warn": "watch", "watch": "watch", "running": "run", "run": "run",
    "inconclusive": "wait", "wait": "wait", "idle": "idle",
    "fine": "pass", "watching": "watch", "early": "wait", "below": "fail", "stopped": "fail",
}  # fmt: skip
"""The tone of every word for a verdict, a stage's state or a model's."""

_DASHED = 'fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="3.2 2"'
_SIGNS: dict[Tone, str] = {
    "pass": '<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M4.9 8.3l2.1 2.1 4.1-4.5" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "fail": '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" fill="currentColor"/>'
    '<path d="M5.5 5.5l5 5m0-5l-5 5" stroke="var(--card)" stroke-width="1.8"/>',
    "watch": '<path d="M8 1.8L15 14.2H1z" fill="none" stroke="currentColor" stroke-width="1.7"/>'
    '<path d="M8 6v4.1M8 11.4v1.5" stroke="currentColor" stroke-width="1.8"/>',
    "wait": f'<circle cx="8" cy="8" r="6.6" {_DASHED}/><circle cx="8" cy="8" r="1.8" fill="currentColor"/>',
    "run": f'<circle cx="8" cy="8" r="6.6" {_DASHED}/><path d="M6.4 5.2L11 8l-4.6 2.8z" fill="currentColor"/>',
    "idle": '<circle cx="8" cy="8" r="6.4" fill="none" stroke="currentColor" stroke-width="1.2"/>',
}

_ICONS = {
    "home": "M3.5 9L10 3.5 16.5 9v7.5h-4.3V12H7.8v4.5H3.5z",
    "rollouts": "M10 17V11.5M10 11.5C10 8 5 8.5 5 4M10 11.5C10 8 15 8.5 15 4M2.8 6L5 3.6 7.2 6M12.8 6L15 3.6 17.2 6",
    "drift": "M2.5 12.5c2-5 4-5 5.2-1.5s2.6 3.5 4-.5M2.5 16.5h15M12.5 10.5c1-4.5 2.6-6.5 5-7M13.8 3.2l3.8.2-.6 3.8",
    "quality": "M10 2.5l2.1 1.6 2.6-.1.8 2.5 2 1.6-.9 2.5.9 2.5-2 1.6-.8 2.5-2.6-.1-2.1 1.6-2.1-1.6-2.6.1-.8-2.5-2-1.6"
    ".9-2.5-.9-2.5 2-1.6.8-2.5 2.6.1zM7.1 10.2l2.1 2.1 3.7-4.1",
    "history": "M3.3 6.2A7.3 7.3 0 1 1 2.7 10M3 3v3.4h3.4M10 6v4.3l3 1.8",
    "try": "M7.5 2.8h5M8.3 3v4.6L3.9 15a1.5 1.5 0 0 0 1.3 2.2h9.6a1.5 1.5 0 0 0 1.3-2.2L11.7 7.6V3M6 12.2h8",
    "contract": "M3 3.5h14v13H3zM3 7.8h14M8 7.8v8.7M3 12.2h14",
    "alarms": "M4.3 14.4c1.2-1.2 1.3-2.6 1.3-5a4.4 4.4 0 0 1 8.8 0c0 2.4.1 3.8 1.3 5zM8.3 16.9h3.4M10 3.2v1.6",
    "settings": "M3 6h7.2M14.4 6H17M3 14h2.6M9.8 14H17M12.3 3.9a2.1 2.1 0 1 1 0 4.2 2.1 2.1 0 0 1 0-4.2zM7.7 11.9a2.1 "
    "2.1 0 1 1 0 4.2 2.1 2.1 0 0 1 0-4.2z",
    "search": "M8.6 3.2a5.4 5.4 0 1 1 0 10.8 5.4 5.4 0 0 1 0-10.8zM12.6 12.6L17 17",
    "person": "M10 3.2a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4zM3.6 16.8c.5-3.2 3-4.9 6.4-4.9s5.9 1.7 6.4 4.9z",
    "lost": "M6.5 15.5h8a3.2 3.2 0 0 0 1.2-6.2A5 5 0 0 0 8 6.2M5.4 8.6a3.5 3.5 0 0 0-.4 6.8M3.5 3.5l13 13",
    "train": "M15.8 7.2A6.5 6.5 0 0 0 4 8.1M4.2 12.8A6.5 6.5 0 0 0 16 11.9M16.3 3.6v3.8h-3.8M3.7 16.4v-3.8h3.8",
    "block": "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM5.2 5.2l9.6 9.6",
    "undo": "M7 4L3.5 7.5 7 11M3.8 7.5h7.4a4.6 4.6 0 0 1 0 9.2H7",
    "pause": "M7 4.5v11M13 4.5v11",
    "note": "M4 3.5h9l3 3v10H4zM7 8.5h6M7 11.5h6M7 14.2h3.5",
    "copy": "M7 7h9v9H7zM4 12.5V4h8.5",
    "close": "M5 5l10 10M15 5L5 15",
    "open": "M8 5l5 5-5 5",
    "release": "M10 16.5V4M5.2 8.6L10 3.8l4.8 4.8M4 16.5h12",
}


def escape(text: object) -> str:
    """Make a text safe to stand in HTML and in attributes: names come from people's files."""
    return _escape(str(text), quote=True)


def tone(word: str) -> Tone:
    """Return the tone of a verdict or a state."""
    return TONES[word]


def sign(of: Tone) -> str:
    """Draw the sign of a tone, in the colour of the text around it."""
    return f'<svg class="sign" viewBox="0 0 16 16" aria-hidden="true">{_SIGNS[of]}</svg>'


def sign_at(of: Tone, x: float, y: float, size: float = 16) -> str:
    """Draw a sign into a larger drawing with its middle at (x, y)."""
    colour = "var(--soft)" if of == "idle" else COLOURS[of]
    corner = f'x="{x - size / 2:.1f}" y="{y - size / 2:.1f}" width="{size:g}" height="{size:g}"'
    return f'<svg {corner} viewBox="0 0 16 16" style="color:{colour}">{_SIGNS[of]}</svg>'


def status(of: Tone, word: str) -> str:
    """Write a word with its sign before it: the sign has the colour, the word is in ink."""
    return f'<span class="st {of}">{sign(of)}{escape(word)}</span>'


def icon(name: str) -> str:
    """Draw an icon of 20 px; it says nothing by itself, a word stands beside it."""
    if name == "theme":
        inner = '<circle cx="10" cy="10" r="7"/><path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor"/>'
    elif name == "more":
        inner = "".join(f'<circle cx="{x}" cy="10" r="1" fill="currentColor"/>' for x in (4.5, 10, 15.5))
    else:
        inner = f'<path d="{_ICONS[name]}"/>'
    return f'<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">{inner}</svg>'


MARK = (
    '<svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true">'
    '<path d="M21.5 8.2A10 10 0 1 0 23 13" fill="none" stroke="var(--ink)" stroke-width="3"/>'
    '<path d="M17.4 7.8l5 1.4.9-5" fill="none" stroke="var(--chall)" stroke-width="2.4"/></svg>'
)
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 26 26"><style>.a{stroke:#1B1F24}.b{stroke:#7C2EB3}'
    "@media(prefers-color-scheme:dark){.a{stroke:#E9EAEC}.b{stroke:#B57BF0}}</style>"
    '<path class="a" d="M21.5 8.2A10 10 0 1 0 23 13" fill="none" stroke-width="3.4"/>'
    '<path class="b" d="M17.4 7.8l5 1.4.9-5" fill="none" stroke-width="2.6"/></svg>'
)
