"""Rate limits: a bucket of tokens per key, in one number each, so that all workers can share them through a file.

The number is the time at which the bucket would be full again (the generic cell rate algorithm, ITU-T I.371). Two
workers that write at the same moment may let one request too many through; nothing else can go wrong.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
from array import array
from collections.abc import MutableSequence
from hashlib import blake2b
from pathlib import Path

from boucle.core.access import Rate

SLOTS = 4096
_NAME, _TIME = 8, 8
_SIZE = SLOTS * (_NAME + _TIME)
_MICRO = 1_000_000
log = logging.getLogger("boucle.serving")


class Limit:
    """The bucket of one key."""

    __slots__ = ("_interval", "_most", "_slot", "_times")

    def __init__(self, rate: Rate, times: MutableSequence[int] | memoryview, slot: int = 0) -> None:
        self._interval = max(1, rate.seconds * _MICRO // rate.count)
        self._most = self._interval * (rate.count - 1)
        self._times = times
        self._slot = slot

    def take(self, now: float) -> float:
        """Take one token; returns 0.0, or the seconds until there is one.

        A clock that was set back does not lock anybody out: a time too far ahead counts as an empty bucket's.
        """
        at = int(now * _MICRO)
        ahead = self._times[self._slot] - at
        if ahead < 0:
            ahead = 0
        elif ahead > self._most:
            if ahead <= self._most + self._interval:
                return (ahead - self._most) / _MICRO
            ahead = self._most
        self._times[self._slot] = at + ahead + self._interval
        return 0.0


class Buckets:
    """The numbers of all keys by name: in ``path``, shared by every process that opens it, or without one in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._own: dict[str, array[int]] = {}
        self._names = self._times = memoryview(array("q"))
        self._file = -1
        if path is None or os.name != "posix":
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if os.fstat(self._file).st_size < _SIZE:
                os.ftruncate(self._file, _SIZE)
            shared = memoryview(mmap.mmap(self._file, _SIZE)).cast("q")
        except OSError as error:
            log.warning("rate limits are not shared between workers: %s: %s", path, error)
            return
        self._names, self._times = shared[:SLOTS], shared[SLOTS:]

    def limit(self, name: str, rate: Rate) -> Limit:
        """Return the bucket of ``name``; what it has given out so far stays given out."""
        slot = self._slot(int.from_bytes(blake2b(name.encode(), digest_size=_NAME).digest(), "big", signed=True) or 1)
        if slot is None:
            return Limit(rate, self._own.setdefault(name, array("q", [0])))
        return Limit(rate, self._times, slot)

    def _slot(self, wanted: int) -> int | None:
        """Find the place of a name in the table, or take a free one; None when there is no table or no room."""
        if not len(self._names):
            return None
        import fcntl  # not on Windows, where limits are per process

        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            for step in range(SLOTS):
                slot = (wanted + step) % SLOTS
                if self._names[slot] in (wanted, 0):
                    self._names[slot] = wanted
                    return slot
            return None
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; buckets given out keep working in memory that goes with them."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = -1
