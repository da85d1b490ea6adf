"""The archive's contract over a folder; that over a bucket is in the end-to-end tests, with the server it needs."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest

from boucle import plugins
from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.errors import StoreError
from boucle.core.observation import Feedback
from boucle.ports.archive import Archive
from boucle.testing.archive_contract import DAY, NOON, ArchiveContract, rows


class TestParquet(ArchiveContract):
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Archive:
        archive: Archive = plugins.load("archives", "parquet")(None, tmp_path)
        assert archive.local
        return archive


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with two models, two days, and versions of other columns."""
    archive = ParquetArchive("kept", tmp_path)
    later = rows(["c"], version=2, time=NOON + DAY, alcohol=[9.5], sugar=[2.0])
    archive.write("s1", [rows(["a", "b"]), later, rows(["d"], model="beer")], [Feedback("a", NOON, [6])])
    return tmp_path / "kept"


def test_the_layout_is_that_of_hive(filled: Path) -> None:
    found = sorted(path.relative_to(filled).as_posix() for path in filled.rglob("*") if path.is_file())
    assert found == [
        "feedback/date=2026-01-01/part-s1.parquet",
        "observations/model=beer/date=2026-01-01/part-s1.parquet",
        "observations/model=wine/date=2026-01-01/part-s1.parquet",
        "observations/model=wine/date=2026-01-02/part-s1.parquet",
    ]


def test_pyarrow_reads_the_layout_itself(filled: Path) -> None:
    data = ds.dataset(filled / "observations", partitioning="hive")
    wanted = (ds.field("model") == "wine") & (ds.field("date") == "2026-01-01")
    assert data.to_table(columns=["id", "in_alcohol"], filter=wanted).to_pylist() == [
        {"id": "a", "in_alcohol": 0.0},
        {"id": "b", "in_alcohol": 0.5},
    ]


def test_pandas_reads_the_layout_itself(filled: Path) -> None:
    frame = pd.read_parquet(filled / "observations", columns=["id", "model", "date"])
    assert sorted(frame["id"]) == ["a", "b", "c", "d"]
    assert set(frame["model"]) == {"wine", "beer"}


def test_duckdb_reads_the_layout_itself(filled: Path) -> None:
    source = f"read_parquet('{filled}/observations/**/*.parquet', hive_partitioning = true, union_by_name = true)"
    query = f'SELECT model, count(*), sum(in_sugar), epoch(min("time")) FROM {source} GROUP BY model ORDER BY model'
    beer, wine = duckdb.connect().execute(query).fetchall()
    assert (beer[:3], wine[:3]) == (("beer", 1, None), ("wine", 3, 2.0))
    assert wine[3] == NOON


def test_files_are_compressed_with_zstd(filled: Path) -> None:
    (part, *_) = ds.dataset(filled / "feedback").get_fragments()
    assert part.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_part_under_way_is_none(filled: Path) -> None:
    folder = filled / "observations" / "model=wine" / "date=2026-01-01"
    (folder / ".writing-00000000").write_bytes(b"PAR1 half")
    assert len(ParquetArchive(str(filled), filled).parts()) == 4
    assert len(pd.read_parquet(folder)) == 2


def test_a_day_without_parts_has_no_folder(filled: Path) -> None:
    archive = ParquetArchive(str(filled), filled)
    archive.drop(archive.parts()[0])
    assert not (filled / "feedback" / "date=2026-01-01").exists()


def test_a_folder_nobody_may_write_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "observations").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        ParquetArchive(None, tmp_path).write("s1", [rows(["a"])], [])
    assert [path.name for path in tmp_path.iterdir()] == ["observations"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_leaves_the_old_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = ParquetArchive(None, tmp_path)
    archive.write("s1", [rows(["a"])], [])
    before = archive.parts()
    monkeypatch.setattr(os, "fsync", lambda handle: os.write(os.open("/dev/full", os.O_WRONLY), b"x"))
    with pytest.raises(StoreError, match="No space left"):
        archive.write("s1", [rows(["a", "b"])], [])
    assert archive.parts() == before
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["part-s1.parquet"]


@pytest.mark.parametrize("uri", ["s3://me:secret@bucket/prefix", "gopher://bucket"])
def test_an_address_that_cannot_be_is_refused_without_its_secret(uri: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        ParquetArchive(uri, tmp_path)
    assert "secret" not in str(caught.value)
