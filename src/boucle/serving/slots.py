"""Numbers of one process in a mapped file, so that any process can render the sum of all.

    head: magic 8 bytes | pid u64 | values used u64 | key bytes used u64
    values: CAPACITY float64 | keys: one JSON line a series, in the order of its values

A number outlives the process that counted it. When the file is full, new series are not counted.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

CAPACITY = 4096
_MAGIC = b"boucle\x00\x01"
_HEAD = struct.Struct("<8sQQQ")
_KEYS = 256 * 1024
_VALUES_END = _HEAD.size + CAPACITY * 8
_SIZE = _VALUES_END + _KEYS


@dataclass(frozen=True, slots=True)
class Series:
    """One stored series: its name, the values of its labels, its numbers (a histogram has several)."""

    name: str
    labels: tuple[str, ...]
    values: tuple[float, ...]


class Slots:
    """The file of this process; only in memory when the disk is full. Callers hold a lock of their own."""

    def __init__(self, path: Path) -> None:
        try:
            self._map = _mapped(path)
        except OSError:
            self._map = mmap.mmap(-1, _SIZE)
        self._values = memoryview(self._map)[_HEAD.size : _VALUES_END].cast("d")
        self._used = self._key_bytes = 0
        self._write_head()

    def reserve(self, name: str, labels: Sequence[str], width: int = 1) -> int | None:
        """Return the place of a new series' first number; None when the file is full."""
        line = orjson.dumps([name, labels, width]) + b"\n"
        if self._used + width > CAPACITY or self._key_bytes + len(line) > _KEYS:
            return None
        place = self._used
        start = _VALUES_END + self._key_bytes
        self._map[start : start + len(line)] = line
        self._used += width
        self._key_bytes += len(line)
        self._write_head()
        return place

    def add(self, place: int, value: float) -> None:
        self._values[place] += value

    def set(self, place: int, value: float) -> None:
        self._values[place] = value

    def series(self) -> list[Series]:
        """Return what this process has counted."""
        return list(_series(self._map[:], self._key_bytes))

    def close(self) -> None:
        self._values.release()
        self._map.close()

    def _write_head(self) -> None:
        _HEAD.pack_into(self._map, 0, _MAGIC, os.getpid(), self._used, self._key_bytes)


def _mapped(path: Path) -> mmap.mmap:
    """Map a new file, all of it on the disk: a hole would end the process when the disk is full later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # a mapped file is not emptied under a process that may still hold it
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        if os.write(handle, bytes(_SIZE)) < _SIZE:
            raise OSError("the disk is full")
        return mmap.mmap(handle, _SIZE)
    finally:
        os.close(handle)


def read(path: Path) -> tuple[int, Iterator[Series]]:
    """Return the process and the series of a file; a file that is none has no series."""
    try:
        raw = path.read_bytes()
    except OSError:
        return 0, iter(())
    if len(raw) != _SIZE or raw[:8] != _MAGIC:
        return 0, iter(())
    _, pid, _, key_bytes = _HEAD.unpack_from(raw)
    return pid, _series(raw, min(key_bytes, _KEYS))


def _series(raw: bytes, key_bytes: int) -> Iterator[Series]:
    place = 0
    for line in raw[_VALUES_END : _VALUES_END + key_bytes].splitlines():
        name, labels, width = orjson.loads(line)
        yield Series(name, tuple(labels), struct.unpack_from(f"<{width}d", raw, _HEAD.size + place * 8))
        place += width
