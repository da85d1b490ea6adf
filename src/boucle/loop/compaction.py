"""From the data plane's closed segments into the archive, and within the bounds of what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from boucle import plugins
from boucle.formats.files import sync_directory
from boucle.formats.segment import KIND_FEEDBACK, SUFFIX, held, read_feedback, read_segment
from boucle.formats.table import observed
from boucle.loop.project import Project
from boucle.ports.archive import Archive, Part
from boucle.project.settings import bytes_of, seconds

DAY = 86400.0
FULL = 0.9
"""Share of ``max_disk`` from which the oldest parts go; the data plane itself stops at all of it."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one pass did: segments and rows put into the archive, bytes nobody could read, parts that were too old or
    too much, and bytes that are above the bound all the same."""

    segments: int = 0
    rows: int = 0
    unread: int = 0
    dropped: int = 0
    above: int = 0


class Compaction:
    """Keeps no state of its own: a part is named after its segment, and made again it replaces itself.

    A segment goes only when its writer is gone, the live state has read all of it, and the archive holds it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._capture = project.settings.serve.capture

    @cached_property
    def archive(self) -> Archive:
        archive: Archive = plugins.load("archives", "parquet")(self._capture.archive, self._project.root)
        return archive

    def step(self, most: int = 1) -> Compacted:
        """Compact at most ``most`` segments, oldest first, then let go of what is above the bounds.

        Raises StoreError when the archive or the live state cannot be used; nothing is lost by it.
        """
        segments = rows = unread = 0
        with self._project.state.begin(write=False) as tx:
            cursors = tx.observations.cursors()
        for path in sorted(self._project.segments.glob(f"*{SUFFIX}")):
            if segments == most:
                break
            with held(path) as free:
                if not free or _behind(path, cursors.get(path.name, 0)):
                    continue
                rows += self._archived(path)
                unread += _unread(path)
                path.unlink(missing_ok=True)
                segments += 1
            sync_directory(path.parent)
            with self._project.state.begin() as tx:
                tx.observations.forget([path.name])
        dropped, above = self._within_bounds()
        return Compacted(segments, rows, unread, dropped, above)

    def _archived(self, path: Path) -> int:
        if not path.stat().st_size:
            return 0
        records = ((kind, record) for kind, record, _ in read_segment(path))
        return self.archive.write(_name(path), observed(records), read_feedback(path))

    def _within_bounds(self) -> tuple[int, int]:
        """Drop what is too old, then the oldest until the rest fits; returns how many parts, and bytes too many."""
        oldest = self._project.clock.now() - seconds(self._capture.keep)
        parts = self.archive.parts()
        for part in (gone := [p for p in parts if day_end(p) < oldest]):
            self.archive.drop(part)
        used = sum(path.stat().st_size for path in _segments(self._project.segments))
        rest = parts[len(gone) :] if self.archive.local else []
        above = used + sum(part.bytes for part in rest) - int(bytes_of(self._capture.max_disk) * FULL)
        for part in rest:
            if above <= 0:
                break
            self.archive.drop(part)
            gone.append(part)
            above -= part.bytes
        return len(gone), max(above, 0)
