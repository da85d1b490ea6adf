"""HTML that changes while its page stands open: only what differs is sent, in one message for all parts of a page."""

from __future__ import annotations

import json
import re
from typing import Any

from nicegui.element import Element

_PAIRS = re.compile("[\U00010000-\U0010ffff]")
"""Letters that JavaScript counts as two."""


class Part(Element, component="part.js"):  # type: ignore[call-arg, misc]  # NiceGUI tells mypy nothing
    """Shows HTML in a ``tag``. ``revision`` rises with every change, so that none is made twice or out of turn."""

    def __init__(self, html: str = "", tag: str = "div") -> None:
        super().__init__()
        self._props.update(tag=tag, innerHTML=html, revision=0)

    @property
    def content(self) -> str:
        return str(self._props["innerHTML"])

    @property
    def revision(self) -> int:
        return int(self._props["revision"])

    def set_content(self, html: str) -> None:
        """Show ``html``, sent whole."""
        if html != self.content:
            self._props["innerHTML"] = html

    def keep(self, html: str, revision: int) -> None:
        """Take note of what the browser is told to show by ``change``; nothing is sent."""
        dict.update(self._props, innerHTML=html, revision=revision)  # beside NiceGUI's watch over it

    def change(self, html: str, revision: int) -> str:
        """Return the JavaScript that makes ``html`` of what is shown."""
        told = json.dumps([self.revision, revision, *difference(self.content, html)], separators=(",", ":"))
        return f'runMethod({self.id},"patch",{told});'

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [*super()._displayed_contents(only_visible=only_visible), self.content]


def difference(old: str, new: str) -> tuple[int, int, str]:
    """Return how many letters at the beginning and at the end are as before, and what stands between them now."""
    if _PAIRS.search(old) or _PAIRS.search(new):
        return 0, 0, new
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return head, tail, new[head : len(new) - tail]


def _common(one: str, other: str) -> int:
    """Return how many letters two texts begin with together: by halves, for slices are compared fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
