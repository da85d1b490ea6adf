"""What was read a little while ago, for views that would otherwise read too much each time they are shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MINUTE = 60.0


class Kept(Generic[K, V]):
    """Remembers the newest ``most`` readings by their keys; threads may share it."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: dict[K, tuple[float, V]] = {}

    def get(self, key: K, read: Callable[[], V], good_for: float = MINUTE) -> V:
        """Return what was read in the last ``good_for`` seconds, or read it; two threads may read at once."""
        with self._lock:
            kept = self._found.get(key)
        if kept is not None and time.monotonic() - kept[0] < good_for:
            return kept[1]
        value = read()
        with self._lock:
            self._found.pop(key, None)
            while len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[key] = time.monotonic(), value
        return value
