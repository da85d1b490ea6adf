"""Every answer into a segment before it is sent, every piece of feedback as well; one write a batch."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from boucle.core.observation import Feedback
from boucle.core.signature import Batch, Column, Field, Rows, Signature
from boucle.formats.block import Block, encode
from boucle.formats.room import Room
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.ports.runtime import Thumbnails
from boucle.serving.batcher import Job
from boucle.serving.columns import plain
from boucle.serving.options import Images, Texts
from boucle.serving.pictures import Album
from boucle.serving.redaction import Change, redact, within

RECENT, PARTS = 50_000, 10
"""How many of the newest requests a worker remembers at least, in parts of which it forgets the oldest at a time."""
SYNC = 1.0
_encode = msgspec.json.Encoder().encode
_KINDS = {"float64": "f", "int64": "i", "bool": "b"}


class Recent(NamedTuple):
    """What this worker remembers of a request it answered: enough to check the truth that comes back."""

    model: str
    rows: int
    prediction: Field


class Kept:
    """What of a signature's inputs is kept, and how: worked out once a version."""

    def __init__(self, signature: Signature, texts: Texts = "redact", images: Images = "hash") -> None:
        self.prediction = signature.prediction
        self.texts, self.image = texts, images
        self.fields = tuple(field for field in signature.inputs if not field.pii)
        self.hashed = tuple(field for field in signature.inputs if field.pii and field.dtype in ("string", "text"))
        self.said = tuple(field.name for field in signature.outputs if field.dtype in ("text", "json"))
        self.columns = tuple(field.name for field in self.fields)
        self.kinds = "".join(_KINDS.get(field.dtype, "") for field in self.fields)
        places = [place for place, field in enumerate(signature.inputs) if not field.pii]
        self.places = places if len(places) < len(signature.inputs) else None


class Capture:
    """Writes blocks and feedback; remembers the newest ids. Safe for threads, never raises, never blocks."""

    def __init__(self, directory: Path, name: str, max_bytes: int, key: bytes, room: Room | None = None) -> None:
        prefix = f"{time.time_ns() // 1_000_000:013d}-{os.getpid()}-{name}"  # never the same twice, sorts by age
        self._writer = SegmentWriter(directory, prefix, max_bytes, room=room)
        self._album = Album(directory.with_name("pictures"), room)
        self._syncing: threading.Thread | None = None
        self._closed = threading.Event()
        self._key = key
        self._recent: deque[dict[int, Recent]] = deque([{}], PARTS + 1)

    @property
    def dropped(self) -> int:
        """Entries that could not be written."""
        return self._writer.dropped

    def observe(
        self,
        model: str,
        version: int,
        kept: Kept,
        jobs: Sequence[Job],
        errors: list[str],
        asked: Batch | None,
        told: dict[str, list[Any]] | None = None,
        thumbnails: Thumbnails | None = None,
    ) -> None:
        """Append the requests of one call as one block. ``asked`` is their joined table, None where there was none.

        ``told`` are columns derived of it. ``thumbnails`` makes images small, where they are kept so.
        """
        matrix, inputs = self._inputs(kept, asked, thumbnails)
        if told:
            inputs |= told
        columns, kinds = (kept.columns, kept.kinds) if matrix else ((), "")
        outcome = next((job.outcome for job in jobs if job.outcome is not None), None)
        ids = [job.id for job in jobs]
        rows = [job.asked.rows for job in jobs]
        began = time.time() - time.perf_counter()
        seen = Block(
            model,
            version,
            ids,
            [began + job.started for job in jobs],
            [job.latency for job in jobs],
            rows,
            [job.role for job in jobs],
            [job.key for job in jobs],
            errors,
            columns,
            kinds,
            matrix,
            inputs,
            {} if outcome is None else self._outputs(kept, outcome.values),
        )
        self._writer.append([(KIND_BLOCK, encode(seen))], entries=len(jobs))
        self._remember(model, kept, ids, rows)

    def _remember(self, model: str, kept: Kept, ids: Sequence[str], rows: Sequence[int]) -> None:
        newest = self._recent[-1]
        alike = {count: Recent(model, count, kept.prediction) for count in set(rows)}
        newest.update(zip(map(hash, ids), map(alike.__getitem__, rows), strict=True))
        if len(newest) >= RECENT // PARTS:
            self._recent.append({})

    def _outputs(self, kept: Kept, values: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the answers as they are kept: texts in them repeat what was asked."""
        if not kept.said or kept.texts == "keep":
            return values
        change = self._change(kept.texts)
        return {name: within(column, change) if name in kept.said else column for name, column in values.items()}

    def _change(self, texts: Texts) -> Change:
        return {"redact": redact, "hash": self.hashed, "drop": lambda text: None, "keep": lambda text: text}[texts]

    def _kept(self, kept: Kept, field: Field, column: Column, thumbnails: Thumbnails | None) -> list[Any]:
        if field.dtype == "image":
            return self._album.records(column.tolist(), kept.image, thumbnails)
        if field.dtype == "text" and kept.texts != "keep":
            change = self._change(kept.texts)
            return [None if text is None else change(text) for text in column]
        return plain(column)

    def _inputs(
        self, kept: Kept, asked: Batch | None, thumbnails: Thumbnails | None
    ) -> tuple[bytes, dict[str, list[Any]]]:
        """Return the inputs as they are kept: personal texts hashed, other personal values left out."""
        if asked is None:
            return b"", {}
        if isinstance(asked, Rows):
            matrix = asked.matrix if kept.places is None else asked.matrix[:, kept.places]
            return matrix.tobytes(), {}
        inputs = {field.name: self._kept(kept, field, asked[field.name], thumbnails) for field in kept.fields}
        for field in kept.hashed:
            inputs[field.name] = [None if value is None else self.hashed(value) for value in asked[field.name]]
        return b"", inputs

    def feed_back(self, feedback: Iterable[Feedback]) -> bool:
        """Append feedback; returns whether it is kept."""
        return self._writer.append([(KIND_FEEDBACK, _encode(one)) for one in feedback])

    def recent(self, id_: str) -> Recent | None:
        """Return what is remembered of a request; by the hash of its id, which takes half the memory."""
        key = hash(id_)
        return next((part[key] for part in reversed(tuple(self._recent)) if key in part), None)

    def hashed(self, text: str) -> str:
        """Return what stands for a personal value: the same for the same text, of no use without the key."""
        return blake2b(text.encode(), digest_size=16, key=self._key).hexdigest()

    def keep_up(self) -> None:
        """Have what is written synced to the disk every second, by a thread of this process."""
        if not self._closed.is_set() and (self._syncing is None or not self._syncing.is_alive()):
            self._syncing = threading.Thread(target=self._sync, name="capture", daemon=True)
            self._syncing.start()

    def _sync(self) -> None:
        while not self._closed.wait(SYNC):
            self._writer.sync()

    def close(self) -> None:
        self._closed.set()
        self._writer.close()


def pii_key(path: Path) -> bytes:
    """Return the key personal values are hashed with, made on first use; only its owner may read it.

    Where it cannot be kept (a full disk), it is one for this process only.
    """
    try:
        return _kept_key(path)
    except OSError:
        return secrets.token_bytes(32)


def _kept_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(32))
            os.fsync(handle)
            os.link(fresh, path)  # the first process wins, and nobody ever reads half a key
        except FileExistsError:
            pass
        finally:
            os.close(handle)
            os.unlink(fresh)
    return path.read_bytes()
