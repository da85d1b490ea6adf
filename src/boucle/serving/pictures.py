"""What is kept of images: their hash and size always, the file itself or a small one of it on request, each once."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boucle.formats.room import Room
from boucle.measures.derived import described
from boucle.ports.runtime import Thumbnails
from boucle.serving.options import Images

SIDE = 128
"""Pixels of a thumbnail's longer side."""
THUMBNAIL = ".thumbnail"
log = logging.getLogger("boucle.serving")


class Album:
    """The folder of kept images; named by the sha256 of the file they were sent as. Never raises."""

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        self._folder = folder
        self._room = room

    def records(
        self, images: Sequence[Any], mode: Images, thumbnails: Thumbnails | None = None
    ) -> list[dict[str, Any] | None]:
        """Return what stands for each image in the log: ``sha256``, ``bytes``, ``format``, ``width`` and so on."""
        return [self._record(image, mode, thumbnails) if isinstance(image, bytes) else None for image in images]

    def _record(self, image: bytes, mode: Images, thumbnails: Thumbnails | None) -> dict[str, Any]:
        name = hashlib.sha256(image).hexdigest()
        told = described(image) or {"bytes": len(image)}
        told.pop("aspect", None)
        if mode == "keep":
            self._keep(name, image)
        elif mode == "thumbnail" and thumbnails is not None:
            self._keep_small(name, image, thumbnails)
        return {"sha256": name, **told}

    def _keep_small(self, name: str, image: bytes, thumbnails: Thumbnails) -> None:
        if path_of(self._folder, name + THUMBNAIL).exists():
            return
        try:
            self._keep(name + THUMBNAIL, thumbnails.thumbnail(image, SIDE))
        except Exception:  # a picture that cannot be made small was answered all the same
            log.exception("no thumbnail of %s could be made", name[:12])

    def _keep(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all; a second copy of the same is not written."""
        path = path_of(self._folder, name)
        try:
            if path.exists():
                os.utime(path)  # it goes by age
                return
            if self._room is not None and self._room.full:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{name}.{secrets.token_hex(4)}")
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            log.error("the picture %s could not be kept: %s", name[:12], error)


def forget(folder: Path, before: float, least: int = 0) -> int:
    """Remove what was last seen before ``before`` (Unix seconds), and the oldest until ``least`` bytes are gone.

    Returns the bytes that went.
    """
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(OSError):
            told = path.stat()
            found.append((told.st_mtime, told.st_size, path))
    gone = 0
    for seen, size, path in sorted(found):
        if seen >= before and gone >= least:
            break
        path.unlink(missing_ok=True)
        gone += size
    return gone


def path_of(folder: Path, name: str) -> Path:
    """Return where the file of that sha256 lies, if it was kept."""
    return folder / name[:2] / name
