"""The segment: what the data plane saw, as an append-only file of checksummed frames.

    length u32 | crc32 u32 | kind u8 | payload        little-endian; the checksum covers kind and payload

A worker appends each batch with one write, so a killed process loses nothing it had answered. A frame cut short at the
end of a file is not yet there; a damaged one in the middle is stepped over. File names are never used twice.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from boucle.core.observation import Feedback, Observation

KIND_OBSERVATION, KIND_FEEDBACK = 1, 2
SUFFIX = ".seg"
MAX_BYTES = 64 * 1024 * 1024
_HEAD = struct.Struct("<IIB")

_observation = msgspec.json.Decoder(Observation).decode
_feedback = msgspec.json.Decoder(Feedback).decode


def encode(record: bytes, kind: int) -> bytes:
    """Return one frame."""
    return _HEAD.pack(len(record), zlib.crc32(record, zlib.crc32(bytes((kind,)))), kind) + record


class SegmentWriter:
    """Appends to ``<prefix>-<8 digits>.seg`` in ``directory``, the next file after ``max_bytes``.

    It never raises and never blocks on a full disk: what cannot be kept is counted in ``dropped``. Safe for threads,
    and after a fork, where the child goes on in a file of its own. The first append makes the directory and the file.
    """

    def __init__(self, directory: Path, prefix: str, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._file = -1
        self._owner = 0
        self._size = 0
        self._next = 1
        self.dropped = 0

    def append(self, records: Sequence[tuple[int, bytes]]) -> bool:
        """Write all records of (kind, payload) with one call, all or none; returns whether they are kept."""
        frames = b"".join(encode(record, kind) for kind, record in records)
        with self._lock:
            kept = self._write(frames)
            if not kept:
                self.dropped += len(records)
        return kept

    def rotate(self) -> None:
        """Close the file; the next append begins another."""
        with self._lock:
            self._close()

    def close(self) -> None:
        """Close the file; an append after it opens another."""
        self.rotate()

    def _write(self, frames: bytes) -> bool:
        if self._owner != os.getpid() or self._size + len(frames) > self._max_bytes:
            self._close()
        try:
            if self._file < 0:
                self._open()
            written = os.write(self._file, frames)
        except OSError:
            self._close()
            return False
        if written < len(frames):  # the disk is full: take the torn frame back, or leave it as this file's tail
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            self._close()
            return False
        self._size += written
        return True

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        while self._file < 0:
            path = self._directory / f"{self._prefix}-{self._next:08d}{SUFFIX}"
            self._next += 1
            with contextlib.suppress(FileExistsError):
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        self._size, self._owner = 0, os.getpid()

    def _close(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file, self._size = -1, 0


def read_segment(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes, int]]:
    """Yield (kind, record, offset behind it) for every whole frame from ``offset`` on.

    Ends before a torn tail, and at once for a file that is gone.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        while (frame := _frame(file.read(_HEAD.size), size - offset)) is not None:
            length, checksum, kind = frame
            record = file.read(length)
            offset += _HEAD.size + length
            if zlib.crc32(record, zlib.crc32(bytes((kind,)))) == checksum:
                yield kind, record, offset
            elif not _whole(path, offset):
                return


def read_new(
    directory: Path, cursors: dict[str, int], limit: int = 0
) -> tuple[list[Observation], list[Feedback], dict[str, int]]:
    """Read what was appended behind ``cursors`` (file name to offset); returns it with the cursors behind it.

    ``limit`` ends after so many records, 0 reads all. A file that is gone is left out of the new cursors; a record this
    Boucle does not understand is stepped over.
    """
    observations: list[Observation] = []
    feedback: list[Feedback] = []
    reached: dict[str, int] = {}
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        reached[path.name] = cursors.get(path.name, 0)
        if limit and len(observations) + len(feedback) >= limit:
            continue
        for kind, record, behind in read_segment(path, reached[path.name]):
            reached[path.name] = behind
            with contextlib.suppress(msgspec.MsgspecError):
                if kind == KIND_OBSERVATION:
                    observations.append(_observation(record))
                elif kind == KIND_FEEDBACK:
                    feedback.append(_feedback(record))
            if limit and len(observations) + len(feedback) >= limit:
                break
    return observations, feedback, reached


def _frame(head: bytes, left: int) -> tuple[int, int, int] | None:
    """Read a frame's head; None when the frame is not there whole in the ``left`` bytes."""
    if len(head) < _HEAD.size:
        return None
    length, checksum, kind = _HEAD.unpack(head)
    return (length, checksum, kind) if length <= left - _HEAD.size else None


def _whole(path: Path, offset: int) -> bool:
    """Say whether a right frame stands at ``offset``: then the one before it is damaged, not just unfinished."""
    with path.open("rb") as file:
        file.seek(offset)
        frame = _frame(file.read(_HEAD.size), os.fstat(file.fileno()).st_size - offset)
        if frame is None:
            return False
        length, checksum, kind = frame
        return zlib.crc32(file.read(length), zlib.crc32(bytes((kind,)))) == checksum
