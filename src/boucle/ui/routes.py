"""The pages of the console: each module of ``pages`` says where its pages stand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boucle.ui.shell import Shell

PAGES = "boucle.ui.pages"
FRENCH = "/fr"
"""What stands before the path of every page in French."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the rail: ``name`` is its word and its icon, ``key`` goes there after ``g``."""

    name: str
    path: str
    key: str = ""


ENTRIES = (
    Entry("home", "/", "h"),
    Entry("rollouts", "/rollouts", "r"),
    Entry("drift", "/drift", "d"),
    Entry("quality", "/quality", "q"),
    Entry("history", "/history", "i"),
    Entry("try", "/try", "t"),
    Entry("contract", "/contract", "c"),
    Entry("alarms", "/alarms", "a"),
    Entry("settings", "/settings", "s"),
)
SMALL = ("home", "rollouts", "drift", "alarms")
"""What the bottom bar of a phone shows, beside the way to the others."""


@dataclass(frozen=True, slots=True)
class Route:
    """One page: its path (with ``{name}`` for what varies), the entry it stands under, and what builds it."""

    path: str
    entry: str
    build: Callable[[Shell], Awaitable[None]]


def routes() -> list[Route]:
    """Return every page there is, those with nothing that varies first."""
    found: list[Route] = []
    for module in pkgutil.iter_modules(importlib.import_module(PAGES).__path__):
        found += importlib.import_module(f"{PAGES}.{module.name}").ROUTES
    return sorted(found, key=lambda route: (route.path.count("{"), route.path))
