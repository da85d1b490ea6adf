"""A merge killed before any touch of a file is followed by one that goes on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from boucle.adapters.archives import merging
from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.observation import Feedback
from boucle.testing.archive_contract import NOON, read, rows

PARTS = 5


class Killed(BaseException):
    """Stands for SIGKILL."""


class Mortal(ParquetArchive):
    """Dies before its ``step``-th touch of a file."""

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(None, folder)
        self.left = step
        place = self._place
        for name in ("put", "remove"):
            setattr(place, name, self._counted(getattr(place, name)))

    def _counted(self, done: Any) -> Any:
        def touch(*arguments: Any) -> None:
            self.left -= 1
            if self.left == 0:
                raise Killed
            done(*arguments)

        return touch


def filled(folder: Path) -> ParquetArchive:
    archive = ParquetArchive(None, folder)
    for place in range(PARTS):
        archive.write(f"s{place}", [rows([f"id{place}"])], [Feedback(f"id{place}", NOON, [place])])
    return archive


@pytest.mark.parametrize("step", range(1, 2 * (PARTS + 1) + 2))
def test_killed_anywhere_every_row_is_read_once_before_and_after_the_next_merge(tmp_path: Path, step: int) -> None:
    archive = filled(tmp_path)
    mortal, whole = Mortal(tmp_path, step), [(f"id{place}",) for place in range(PARTS)]
    with suppress(Killed):
        while mortal.merge("2026-01-02"):
            pass
    assert read(archive, "id") == whole
    fresh = ParquetArchive(None, tmp_path)
    while fresh.merge("2026-01-02"):
        pass
    assert len(fresh.parts()) == 2
    plain = ds.dataset(tmp_path / "observations", partitioning="hive").to_table()  # a reader that knows nothing of us
    assert sorted(plain["id"].to_pylist()) == [name for (name,) in whole]
    assert len(fresh.feedback(0.0, NOON + 1)) == PARTS


def test_large_parts_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(tmp_path)
    monkeypatch.setattr(merging, "SMALL", min(part.bytes for part in archive.parts()))
    assert archive.merge("2026-01-02") == 0
    assert len(archive.parts()) == 2 * PARTS


def test_no_merged_part_is_larger_than_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = ParquetArchive(None, tmp_path)
    for place in range(12):
        archive.write(f"s{place:02}", [rows([f"id{place}"])], [])
    monkeypatch.setattr(merging, "LARGEST", 4 * max(part.bytes for part in archive.parts()))
    assert archive.merge("2026-01-02") == 12
    assert len(archive.parts()) == 3
