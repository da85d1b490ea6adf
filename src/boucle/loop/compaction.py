"""From the data plane's closed segments into the archive, and within the bounds of what is kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from boucle import plugins
from boucle.formats.files import sync_directory
from boucle.formats.room import Room
from boucle.formats.segment import SUFFIX, Tally, held, read_feedback, read_segment
from boucle.formats.table import observed
from boucle.loop import plane
from boucle.loop.project import Project
from boucle.ports.archive import Archive, Part
from boucle.project.values import bytes_of, seconds
from boucle.serving.options import ServeOptions
from boucle.serving.pictures import forget

DAY, HOUR = 86400.0, 3600.0
SETTLED = 2 * HOUR
"""Seconds behind midnight until which segments of the day before are still closed."""
FULL = 0.9
"""Share of ``max_disk`` from which the oldest parts go; the data plane itself stops at all of it."""


def archive_at(project: Project) -> str | None:
    """Return where the archive is: a URI, a whole path, or None for the directory of the store."""
    return plane.archive_at(project.settings, project.directory)


def on_disk(project: Project) -> list[Path]:
    """Return the folders of captured data on this machine's disk."""
    return plane.on_disk(project.settings, project.directory, project.root)


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one pass did: segments and rows put into the archive, parts dropped for their age or for room.

    ``damaged`` and ``torn`` are bytes that could not be read, in the middle of segments and at their end; ``above`` are
    bytes above the bound all the same.
    """

    segments: int = 0
    rows: int = 0
    damaged: int = 0
    torn: int = 0
    dropped: int = 0
    above: int = 0


class Compaction:
    """Keeps no state of its own: a part is named after its segment, and made again it replaces itself.

    A segment goes only when its writer is gone, the live state has read all of it, and the archive holds it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._capture = project.settings.serve.capture
        self._room = Room(int(bytes_of(self._capture.max_disk) * FULL), on_disk(project))
        self._aged = 0.0

    @cached_property
    def archive(self) -> Archive:
        archive: Archive = plugins.load("archives", "parquet")(archive_at(self._project), self._project.root)
        return archive

    def step(self, most: int = 1) -> Compacted:
        """Compact at most ``most`` segments, oldest first, then let go of what is above the bounds.

        Raises StoreError when the archive or the live state cannot be used, and MissingExtra; nothing is lost by it.
        """
        tally, segments, rows = Tally(), 0, 0
        with self._project.state.begin(write=False) as tx:
            cursors = tx.observations.cursors()
        for path in sorted(self._project.segments.glob(f"*{SUFFIX}")):
            if segments == most:
                break
            with held(path) as free:
                if not free or next(read_segment(path, cursors.get(path.name, 0)), None) is not None:
                    continue
                rows += self._archived(path, tally)
                path.unlink(missing_ok=True)
                sync_directory(path.parent)
            segments += 1
            if path.name in cursors:
                with self._project.state.begin() as tx:
                    tx.observations.forget([path.name])
        dropped, above = self._within_bounds()
        return Compacted(segments, rows, tally.damaged, tally.torn, dropped, above)

    def tidy(self) -> int:
        """Merge small parts of a day that is over, and with it what may still come for it; returns how many.

        Call it when ``step`` finds no more segments. Raises StoreError.
        """
        if not self._there():
            return 0
        over = datetime.fromtimestamp(self._project.clock.now() - SETTLED, UTC)
        return self.archive.merge(over.strftime("%Y-%m-%d"))

    def _archived(self, path: Path, tally: Tally) -> int:
        if not path.stat().st_size:
            return 0
        records = ((kind, record) for kind, record, _ in read_segment(path, tally=tally))
        return self.archive.write(_name(path), observed(records), read_feedback(path))

    def _within_bounds(self) -> tuple[int, int]:
        """Drop what is too old, then the oldest until the rest fits; returns how many parts, and bytes too many."""
        now = self._project.clock.now()
        above = self._room.measure() - self._room.limit
        if above <= 0 and now - self._aged < HOUR:
            return 0, 0
        oldest = now - seconds(self._capture.keep)
        gone = 0
        above -= forget(ServeOptions(str(self._project.root)).pictures, oldest, max(above, 0))
        for part in self.archive.parts() if self._aged or above > 0 or self._there() else ():
            if _end(part) >= oldest and (above <= 0 or not self.archive.local):
                break
            self.archive.drop(part)
            gone += 1
            above -= part.bytes
        self._aged = now
        return gone, max(above, 0)

    def _there(self) -> bool:
        """Say whether there may be an archive, without the second that loading one takes."""
        folders = on_disk(self._project)[2:]
        return not folders or any(folder.exists() for folder in folders)


def _end(part: Part) -> float:
    """Return the Unix time a part's day ends at; a folder of another name is never too old."""
    with suppress(ValueError):
        return datetime.fromisoformat(part.date).replace(tzinfo=UTC).timestamp() + DAY
    return float("inf")


def _name(path: Path) -> str:
    """Name the parts of a segment: also beside those of other machines, whose segments may be called the same."""
    with path.open("rb") as file:
        head = file.read(4096)
    return f"{path.stem}-{blake2b(head, digest_size=4).hexdigest()}"
