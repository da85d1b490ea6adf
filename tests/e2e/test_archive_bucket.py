"""The archive in a bucket, by a real S3 server: the same contract, the same layout, no credentials anywhere."""

from __future__ import annotations

import itertools
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from pyarrow import fs
from tests.waiting import PATIENCE, free_ports, until

from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.errors import StoreError
from boucle.core.json import dumps
from boucle.core.observation import Observation
from boucle.formats.segment import KIND_OBSERVATION, SegmentWriter
from boucle.loop.compaction import Compaction
from boucle.loop.project import Project
from boucle.monitoring.ingest import ingest
from boucle.ports.archive import Archive
from boucle.project.settings import Settings
from boucle.testing.archive_contract import NOON, ArchiveContract, rows

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]  # installing moto is part of it
SECRET = "not-to-be-seen"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(clients: Path) -> Iterator[str]:
    """Run a moto server with the bucket ``kept``; the URL is its address."""
    [port] = free_ports(1)
    command = [str(clients / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), process)
        request = urllib.request.Request(f"{url}/kept", method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE).close()
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=30).close()
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def _environment(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


class TestBucket(ArchiveContract):
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Archive:
        archive = ParquetArchive(f"s3://kept/run{next(_numbers)}/here", tmp_path)
        assert not archive.local
        return archive


def test_closed_segments_go_into_the_bucket_with_the_layout_of_the_folder(tmp_path: Path, server: str) -> None:
    capture = {"archive": "s3://kept/loop", "keep": "5000w"}
    data = {"source": "wine.csv", "target": "quality"}
    told = {"name": "wine", "task": "tabular-regression", "data": data, "serve": {"capture": capture}}
    project = Project(tmp_path, Settings.model_validate(told))
    project.prepare()
    writer = SegmentWriter(project.segments, "w")
    seen = [Observation(i, NOON, "wine", 1, "champion", 1, {"x": [1.0]}, {"prediction": [2.0]}) for i in "ab"]
    writer.append([(KIND_OBSERVATION, dumps(one)) for one in seen])
    writer.close()
    ingest(project.state, project.segments)
    assert Compaction(project).step().rows == 2
    project.close()
    assert not (project.root / "observations").exists()
    address = server.removeprefix("http://")
    files = fs.S3FileSystem(endpoint_override=address, scheme="http", region="us-east-1")
    table = ds.dataset("kept/loop/observations", filesystem=files, partitioning="hive").to_table()
    assert table["id"].to_pylist() == ["a", "b"]
    assert set(table["date"].to_pylist()) == {"2026-01-01"}
    held = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert held == []


@pytest.mark.parametrize("away", ["s3://no-such-bucket/x", "s3://kept/x"])
def test_a_bucket_that_is_away_is_told_without_the_secret(
    away: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "kept" in away:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(StoreError) as caught:
        ParquetArchive(away, tmp_path).write("s1", [rows(["a"])], [])
    assert SECRET not in str(caught.value)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET
