"""One drawing for all tabs that show the same: fifty people on one page cost hardly more than one."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from boucle.ui.live import Source

T = TypeVar("T")


class _Page:
    """Stands for all tabs that show the same, so that these are compared once and not at every drawing."""


_PAGES: WeakValueDictionary[Hashable, _Page] = WeakValueDictionary()


class Drawings:
    """The drawings of one page's parts. ``page`` is all that a drawing may depend on beside its view and its names.

    ``known`` are what a drawing may use that ``page`` stands for: the shell, its words.
    """

    def __init__(self, page: Hashable, *known: object) -> None:
        self._page = _PAGES.setdefault(page, _Page())
        self._known = known

    def draw(self, source: Source[Any], draw: Callable[[Any], T]) -> T:
        """Return ``draw(source.value)``, from another tab where one has drawn it already."""
        key = self._key(draw)
        if key is None:
            return draw(source.value)
        if key not in source.drawn:
            source.drawn[key] = draw(source.value)
        drawn: T = source.drawn[key]
        return drawn

    def _key(self, draw: Callable[[Any], Any]) -> Hashable | None:
        """Return what makes two drawings the same: the code, and everything it uses; None when that cannot be said."""
        if not isinstance(draw, types.FunctionType) or draw.__kwdefaults__:
            return None
        used = tuple(cell.cell_contents for cell in draw.__closure__ or ()) + (draw.__defaults__ or ())
        others = tuple(one for one in used if not any(one is known for known in self._known))
        try:
            hash(others)
        except TypeError:
            return None
        return self._page, draw.__code__, others
