"""Which models stay in memory when there is not room for all: the ones asked last.

A model that is not loaded is asleep: the first request for it wakes it, and what was asked longest ago gives way. The
limit is on models; the process itself needs about 60 MB besides.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from boucle.core.errors import Overloaded


class Asleep(Overloaded):
    """The model is being loaded; ask again shortly."""

    code = "loading"


class Residency:
    """The models by when they were asked last, and what each of them weighs. ``limit`` is in bytes, 0 is none."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.wanted = threading.Event()
        self._asked: dict[str, float] = {}
        self._bytes: dict[str, int] = {}

    def touch(self, model: str) -> None:
        """Remember that a model was asked."""
        self._asked[model] = time.monotonic()

    def wake(self, model: str) -> Asleep:
        """Have a model loaded; returns the error for who cannot wait."""
        self.touch(model)
        self.wanted.set()
        return Asleep(f"{model} is being loaded.", hint="try again in a second")

    def weigh(self, model: str, grown: int, files: int) -> None:
        """Note what loading a model took: the growth of the process, at least the size of its files."""
        self._bytes[model] = self._bytes.get(model, 0) + max(grown, files)

    def forget(self, model: str) -> None:
        self._bytes.pop(model, None)

    def fits(self, model: str, loaded: Iterable[str]) -> bool:
        """Say whether a model that was not loaded yet may be, beside the loaded ones: until they fill the limit."""
        return not self.limit or self._weight(loaded) < self.limit

    def gives_way(self, loaded: Iterable[str]) -> str | None:
        """Return the loaded model that was asked longest ago when they are over the limit, None when all may stay."""
        found = list(loaded)
        if not self.limit or len(found) < 2 or self._weight(found) <= self.limit:
            return None
        return min(found, key=lambda model: self._asked.get(model, 0.0))

    def is_wanted(self, model: str) -> bool:
        """Say whether a model was ever asked: it is loaded whatever gives way for it."""
        return model in self._asked

    def sleep(self, model: str) -> None:
        """Let a model sleep until it is asked again."""
        self._asked.pop(model, None)
        self.forget(model)

    def _weight(self, models: Iterable[str]) -> int:
        return sum(self._bytes.get(model, 0) for model in models)


def resident() -> int:
    """Return the bytes of memory this process holds; 0 where the system does not tell (all but Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def size_of(directory: Path) -> int:
    """Return the bytes of all files in a bundle."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
