"""The segment: what the data plane saw, as an append-only file of checksummed frames.

    length u32 | crc32 u32 | kind u8 | payload        little-endian; the checksum covers kind and payload

A worker appends each batch with one write, so a killed process loses nothing it had answered. A frame cut short at the
end of a file is not yet there; a damaged one in the middle is stepped over. File names are never used twice.

A writer locks its file before the first byte and keeps the lock as long as it may write to it; the kernel lets go of it
when the process dies. So whoever gets the lock holds a file that will never grow: see ``held``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from boucle.core.observation import Feedback, Observation
from boucle.formats import block
from boucle.formats.files import sync_directory
from boucle.formats.room import Room

KIND_OBSERVATION, KIND_FEEDBACK, KIND_BLOCK, KIND_GAP = 1, 2, 3, 4
SUFFIX = ".seg"
MAX_BYTES = 64 * 1024 * 1024
MAX_AGE = 3600.0  # seconds
_HEAD = struct.Struct("<IIB")

decode_observation = msgspec.json.Decoder(Observation).decode
decode_feedback = msgspec.json.Decoder(Feedback).decode


class Gap(msgspec.Struct):
    """What could not be kept: so many requests and pieces of feedback, between two Unix times in seconds."""

    dropped: int
    first: float
    last: float


_pack = msgspec.msgpack.Encoder().encode
_unpack_gap = msgspec.msgpack.Decoder(Gap).decode
_flush = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync


def encode(record: bytes, kind: int) -> bytes:
    """Return one frame."""
    return _HEAD.pack(len(record), zlib.crc32(record, zlib.crc32(bytes((kind,)))), kind) + record


class SegmentWriter:
    """Appends to ``<prefix>-<8 digits>.seg`` in ``directory``, the next file after ``max_bytes`` or ``max_age`` s.

    It never raises and never blocks on a full disk: what cannot be kept is counted in ``dropped``, and a Gap tells of
    it in the segment once there is room again. Safe for threads, and after a fork, where the child goes on in a file of
    its own. The first append makes the directory and the file.

    Nothing is kept while ``room`` is full, which is looked at when a file begins and in ``sync``. Call ``sync`` about
    once a second from a thread of its own, or a power cut loses what the kernel had not written yet.
    """

    def __init__(
        self,
        directory: Path,
        prefix: str,
        max_bytes: int = MAX_BYTES,
        max_age: float = MAX_AGE,
        room: Room | None = None,
    ) -> None:
        self._directory = directory
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._room = room
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._file = -1
        self._owner = 0
        self._size = 0
        self._begun = 0.0
        self._next = 1
        self._unsynced = False
        self._hands_over = False
        self._left: list[int] = []
        self._gap: Gap | None = None
        self.dropped = 0

    def append(self, records: Sequence[tuple[int, bytes]], entries: int | None = None) -> bool:
        """Write all records of (kind, payload) with one call, all or none; returns whether they are kept.

        ``entries`` is how many requests they tell of, for the count of what was dropped: one a record if not said.
        """
        frames = b"".join([encode(record, kind) for kind, record in records])
        with self._lock:
            if self._gap is not None:
                frames = encode(_pack(self._gap), KIND_GAP) + frames
            kept = self._write(frames)
            if kept:
                self._gap = None
            else:
                self._miss(len(records) if entries is None else entries)
        return kept

    def rotate(self) -> None:
        """Close the file; the next append begins another."""
        with self._lock:
            self._close()

    def sync(self) -> None:
        """Make what is written last through a power cut, end an old file, and see whether there is room.

        Takes as long as the disk; an append never waits for it. A disk that cannot do it is left to the next append.
        """
        with self._syncing:
            if self._room is not None:
                self._room.measure()
            with self._lock:
                left = self._to_sync()
            for file in left:
                with contextlib.suppress(OSError):
                    _flush(file)
                os.close(file)
            if left:
                sync_directory(self._directory)

    def _to_sync(self) -> list[int]:
        """Return files to flush and close: those left, and a second handle on the one in use."""
        self._hands_over = True
        if self._gap is not None and self._write(encode(_pack(self._gap), KIND_GAP)):
            self._gap = None
        if time.monotonic() - self._begun > self._max_age:
            self._close()
        left, self._left = self._left, []
        if self._unsynced and self._owner == os.getpid():
            with contextlib.suppress(OSError):
                left.append(os.dup(self._file))
        self._unsynced = False
        return left

    def close(self) -> None:
        """Make what is written last, and close the file; an append after it opens another."""
        self.sync()
        with self._lock:
            self._hands_over = False
            self._close()

    def _write(self, frames: bytes) -> bool:
        if self._room is not None and self._room.full:
            return False
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
        self._unsynced = True
        return True

    def _miss(self, entries: int) -> None:
        now = time.time()
        self.dropped += entries
        before = self._gap or Gap(0, now, now)
        self._gap = Gap(before.dropped + entries, before.first, now)

    def _open(self) -> None:
        if self._room is not None and not self._hands_over and self._room.measure() and self._room.full:
            raise OSError(errno.EDQUOT, "the room is full")
        self._directory.mkdir(parents=True, exist_ok=True)
        while self._file < 0:
            path = self._directory / f"{self._prefix}-{self._next:08d}{SUFFIX}"
            self._next += 1
            with contextlib.suppress(FileExistsError):
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
                if _locked(file):
                    self._file = file
                else:
                    os.close(file)
        self._size, self._owner, self._begun = 0, os.getpid(), time.monotonic()

    def _close(self) -> None:
        """Let go of the file, or leave it to ``sync``, which makes it last first."""
        if self._file >= 0:
            if self._hands_over and self._unsynced and self._owner == os.getpid():
                self._left.append(self._file)
            else:
                with contextlib.suppress(OSError):
                    os.close(self._file)
        self._file, self._size, self._unsynced = -1, 0, False


def _locked(file: int) -> bool:
    """Lock a file just made; False when somebody took it for abandoned before, and it may be gone."""
    import fcntl  # not on Windows, where the data plane does not run

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody else will get it either
        return True
    return os.fstat(file).st_nlink > 0


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a segment that nobody writes to any more, for the block; gives False while its writer lives.

    Whoever holds it may remove it, even an empty one: a writer that made it looks again after it got the lock.
    """
    import fcntl  # as above

    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.fstat(file).st_nlink > 0
        except OSError:
            free = False
        yield free
    finally:
        os.close(file)


@dataclass(slots=True)
class Tally:
    """Bytes nobody could read: damaged frames in the middle of segments, and what stands behind the last whole one."""

    damaged: int = 0
    torn: int = 0


def read_segment(path: Path, offset: int = 0, tally: Tally | None = None) -> Iterator[tuple[int, bytes, int]]:
    """Yield (kind, record, offset behind it) for every whole frame from ``offset`` on.

    Ends before a torn tail, and at once for a file that is gone. ``tally`` is told of what could not be read.
    """
    lost = Tally() if tally is None else tally
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
            behind = offset + _HEAD.size + length
            if zlib.crc32(record, zlib.crc32(bytes((kind,)))) == checksum:
                yield kind, record, behind
            elif _whole(path, behind):
                lost.damaged += behind - offset
            else:
                break
            offset = behind
        lost.torn += size - offset


def read_feedback(path: Path) -> Iterator[Feedback]:
    """Yield the feedback of one segment."""
    for kind, record, _ in read_segment(path):
        if kind == KIND_FEEDBACK:
            with contextlib.suppress(msgspec.MsgspecError):
                yield decode_feedback(record)


@dataclass(slots=True)
class Entries:
    """What was read from segments; ``dropped`` is how much their writers could not keep, ``cursors`` where to go on."""

    blocks: list[block.Block | Observation] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    requests: int = 0
    dropped: int = 0
    cursors: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.requests + len(self.feedback)

    def observations(self) -> Iterator[Observation]:
        """Make the requests one by one: held all at once, the garbage collector takes longer than all the rest."""
        for each in self.blocks:
            if isinstance(each, Observation):
                yield each
            else:
                yield from block.observations(each)

    def add(self, kind: int, record: bytes) -> None:
        """Take in one record; what this Boucle does not understand is stepped over."""
        with contextlib.suppress(msgspec.MsgspecError):
            if kind == KIND_BLOCK:
                seen = block.decode(record)
                self.blocks.append(seen)
                self.requests += len(seen.ids)
            elif kind == KIND_OBSERVATION:
                self.blocks.append(decode_observation(record))
                self.requests += 1
            elif kind == KIND_FEEDBACK:
                self.feedback.append(decode_feedback(record))
            elif kind == KIND_GAP:
                self.dropped += _unpack_gap(record).dropped


def read_entries(directory: Path, cursors: Mapping[str, int], limit: int = 0) -> Entries:
    """Read what was appended behind ``cursors`` (file name to offset), with the cursors behind it.

    ``limit`` ends after so many requests and pieces of feedback, 0 reads all. A file that is gone is left out of the
    new cursors.
    """
    found = Entries()
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        found.cursors[path.name] = cursors.get(path.name, 0)
        if limit and len(found) >= limit:
            continue
        for kind, record, behind in read_segment(path, found.cursors[path.name]):
            found.cursors[path.name] = behind
            found.add(kind, record)
            if limit and len(found) >= limit:
                break
    return found


def read_new(
    directory: Path, cursors: Mapping[str, int], limit: int = 0
) -> tuple[list[Observation], list[Feedback], dict[str, int]]:
    """Return the observations, the feedback and the cursors of ``read_entries``."""
    found = read_entries(directory, cursors, limit)
    return list(found.observations()), found.feedback, found.cursors


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
