from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.json import dumps
from boucle.core.observation import Feedback, Observation
from boucle.formats.segment import (
    KIND_FEEDBACK,
    KIND_OBSERVATION,
    SegmentWriter,
    encode,
    read_new,
    read_segment,
)

RECORDS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=200)), min_size=1, max_size=12)
SEEN = Observation("a", 1.5, "wine", 3, "champion", 1, {"alcohol": [9.5]}, {"prediction": [6.0]})
TRUTH = Feedback("a", 2.5, truth=[6.5])


def kept(path: Path) -> list[tuple[int, bytes]]:
    return [(kind, record) for kind, record, _ in read_segment(path)]


def written(folder: Path, records: list[tuple[int, bytes]]) -> Path:
    writer = SegmentWriter(folder, "w")
    assert writer.append(records)
    writer.close()
    (path,) = folder.glob("*.seg")
    return path


@settings(deadline=None, max_examples=40)
@given(records=RECORDS)
def test_what_is_appended_is_read_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, bytes]]
) -> None:
    assert kept(written(tmp_path_factory.mktemp("round"), records)) == records


@settings(deadline=None, max_examples=40)
@given(records=RECORDS, data=st.data())
def test_a_torn_tail_costs_only_the_torn_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("torn"), records)
    whole = path.stat().st_size - len(encode(records[-1][1], records[-1][0]))
    os.truncate(path, data.draw(st.integers(whole, path.stat().st_size - 1)))
    assert kept(path) == records[:-1]


@settings(deadline=None, max_examples=40)
@given(records=RECORDS, data=st.data())
def test_a_flipped_byte_never_gives_a_wrong_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("flip"), records)
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    found = kept(path)
    assert len(found) < len(records)
    assert all(record in records for record in found)


def test_a_damaged_record_in_the_middle_is_stepped_over(tmp_path: Path) -> None:
    path = written(tmp_path, [(1, b"first"), (1, b"second"), (1, b"third")])
    path.write_bytes(path.read_bytes().replace(b"second", b"sec0nd"))
    assert kept(path) == [(1, b"first"), (1, b"third")]


def test_a_reader_goes_on_where_it_stopped(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w")
    writer.append([(KIND_OBSERVATION, dumps(SEEN))])
    seen, feedback, cursors = read_new(tmp_path, {})
    assert (seen, feedback) == ([SEEN], [])
    assert read_new(tmp_path, cursors) == ([], [], cursors)
    writer.append([(KIND_FEEDBACK, dumps(TRUTH))])
    assert read_new(tmp_path, cursors)[:2] == ([], [TRUTH])
    writer.close()


def test_a_missing_directory_is_empty(tmp_path: Path) -> None:
    assert read_new(tmp_path / "none", {"gone.seg": 9}) == ([], [], {})


def test_a_limit_ends_early_and_loses_nothing(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w", max_bytes=1)  # every append in a file of its own
    for _ in range(5):
        writer.append([(KIND_OBSERVATION, dumps(SEEN))])
    writer.close()
    cursors: dict[str, int] = {}
    counts = []
    for _ in range(4):
        seen, _feedback, cursors = read_new(tmp_path, cursors, limit=2)
        counts.append(len(seen))
    assert counts == [2, 2, 1, 0]


def test_a_record_of_another_kind_or_shape_is_stepped_over(tmp_path: Path) -> None:
    written(tmp_path, [(9, b"later"), (KIND_OBSERVATION, b'{"id": 1}'), (KIND_OBSERVATION, dumps(SEEN))])
    assert read_new(tmp_path, {})[0] == [SEEN]


def test_a_disk_that_takes_nothing_is_counted_and_never_raises(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"in the way")
    writer = SegmentWriter(blocked / "segments", "w")
    assert writer.append([(1, b"a"), (1, b"b")]) is False
    assert writer.dropped == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_counted_and_never_raises(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w")
    writer.append([(1, b"first")])
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._file)
    os.close(full)
    assert writer.append([(1, b"lost")]) is False
    assert writer.append([(1, b"again")]) is True  # in the next file: the disk has room again
    assert writer.dropped == 1
    writer.close()


def test_rotation_begins_a_new_file_and_never_takes_a_name_twice(tmp_path: Path) -> None:
    for _ in range(2):
        writer = SegmentWriter(tmp_path, "w")
        writer.append([(1, b"a")])
        writer.rotate()
        writer.append([(1, b"b")])
        writer.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"w-{n:08d}.seg" for n in range(1, 5)]
