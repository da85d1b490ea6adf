"""Every answer into a segment before it is sent, every piece of feedback as well; one write a batch."""

from __future__ import annotations

import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from boucle.core.observation import Feedback, Observation
from boucle.core.signature import Batch, Field, Signature
from boucle.formats.segment import KIND_FEEDBACK, KIND_OBSERVATION, SegmentWriter
from boucle.serving.columns import plain

RECENT = 100_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Recent:
    """What this worker remembers of a request it answered: enough to check the truth that comes back."""

    model: str
    rows: int
    prediction: Field


class Capture:
    """Writes observations and feedback; remembers the newest ids. Safe for threads, never raises, never blocks."""

    def __init__(self, directory: Path, name: str, max_bytes: int, key: bytes) -> None:
        prefix = f"{time.time_ns() // 1_000_000:013d}-{os.getpid()}-{name}"  # never the same twice, sorts by age
        self._writer = SegmentWriter(directory, prefix, max_bytes)
        self._key = key
        self._recent: OrderedDict[str, Recent] = OrderedDict()

    @property
    def dropped(self) -> int:
        """Entries that could not be written."""
        return self._writer.dropped

    def observe(self, observations: Sequence[Observation], prediction: Field) -> None:
        """Append the observations of one batch."""
        self._writer.append([(KIND_OBSERVATION, _encode(seen)) for seen in observations])
        for seen in observations:
            self._recent[seen.id] = Recent(seen.model, seen.rows, prediction)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def feed_back(self, feedback: Iterable[Feedback]) -> bool:
        """Append feedback; returns whether it is kept."""
        return self._writer.append([(KIND_FEEDBACK, _encode(one)) for one in feedback])

    def recent(self, id_: str) -> Recent | None:
        return self._recent.get(id_)

    def inputs(self, batch: Batch, signature: Signature) -> dict[str, list[Any]]:
        """Return the inputs as they are kept: personal texts hashed, other personal values left out."""
        kept = {}
        for field in signature.inputs:
            if not field.pii:
                kept[field.name] = plain(batch[field.name])
            elif field.dtype == "string":
                kept[field.name] = [None if value is None else self.hashed(value) for value in batch[field.name]]
        return kept

    def hashed(self, text: str) -> str:
        """Return what stands for a personal value: the same for the same text, of no use without the key."""
        return blake2b(text.encode(), digest_size=16, key=self._key).hexdigest()

    def close(self) -> None:
        self._writer.close()


def outputs(batch: Batch | None) -> dict[str, list[Any]]:
    """Return the outputs as they are kept; none when there was no answer."""
    return {} if batch is None else {name: plain(column) for name, column in batch.items()}


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
