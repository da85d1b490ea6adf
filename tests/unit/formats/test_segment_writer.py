"""The writer of segments: who may take a file away, what a power cut costs, and what there is no room for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from boucle.formats import segment
from boucle.formats.room import Room
from boucle.formats.segment import KIND_GAP, Gap, SegmentWriter, held, read_entries, read_segment


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


def kinds(folder: Path) -> list[int]:
    return [kind for path in files(folder) for kind, _, _ in read_segment(path)]


def free(path: Path) -> bool:
    with held(path) as found:
        return found


def test_a_file_in_use_is_not_given_away_and_a_closed_one_is(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w")
    writer.append([(1, b"a")])
    (path,) = files(tmp_path)
    assert not free(path)
    writer.rotate()
    assert free(path)


def test_a_file_is_free_the_moment_its_writer_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from boucle.formats.segment import SegmentWriter\n"
        "SegmentWriter(Path(sys.argv[1]), 'w').append([(1, b'a')]); print('on', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        (path,) = files(tmp_path)
        assert not free(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert free(path)


def test_two_never_hold_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "w.seg"
    path.touch()
    with held(path) as first, held(path) as second:
        assert (first, second) == (True, False)


def test_a_missing_file_is_not_held(tmp_path: Path) -> None:
    assert not free(tmp_path / "gone.seg")


def test_a_file_held_before_its_writer_locked_it_is_left_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = segment._locked
    taken: list[Path] = []

    def held_first(file: int) -> bool:
        if len(taken) < 2:  # the first is held while the writer wants it, the second is removed before
            (path,) = set(files(tmp_path)) - set(taken)
            taken.append(path)
            with held(path) as free_:
                assert free_
                path.unlink()
                if len(taken) == 1:
                    return lock(file)
        return lock(file)

    monkeypatch.setattr(segment, "_locked", held_first)
    writer = SegmentWriter(tmp_path, "w")
    assert writer.append([(1, b"a")])
    assert [path.name for path in files(tmp_path)] == ["w-00000003.seg"]
    assert kinds(tmp_path) == [1]


def test_a_forked_child_writes_into_a_file_of_its_own_and_keeps_none_locked(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from boucle.formats.segment import SegmentWriter\n"
        "writer = SegmentWriter(Path(sys.argv[1]), 'w')\n"
        "writer.append([(1, b'a')]); writer.sync(); writer.append([(1, b'b')])\n"
        "child = os.fork()\n"
        "if child == 0:\n    writer.append([(2, b'c')]); writer.sync(); os._exit(0)\n"
        "os.waitpid(child, 0); writer.append([(1, b'd')]); writer.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert kinds(tmp_path) == [1, 1, 1, 2]
    assert all(free(path) for path in files(tmp_path))


def test_an_old_file_is_ended_by_sync(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w", max_age=0.0)
    writer.append([(1, b"a")])
    writer.sync()
    (path,) = files(tmp_path)
    assert free(path)
    writer.append([(1, b"b")])
    assert len(files(tmp_path)) == 2
    writer.close()


def test_sync_flushes_what_was_written_once_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(segment, "_flush", lambda file: flushed.append(os.readlink(f"/proc/self/fd/{file}")))
    writer = SegmentWriter(tmp_path, "w")
    writer.sync()
    assert flushed == []
    writer.append([(1, b"a")])
    writer.sync()
    writer.sync()
    writer.append([(1, b"b")])
    writer.rotate()
    writer.append([(1, b"c")])
    writer.sync()
    assert [Path(path).name for path in flushed] == ["w-00000001.seg", "w-00000001.seg", "w-00000002.seg"]
    writer.append([(1, b"d")])
    writer.close()
    assert len(flushed) == 4
    assert all(free(path) for path in files(tmp_path))


def test_an_append_does_not_wait_for_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        begun.set()
        assert end.wait(30)

    monkeypatch.setattr(segment, "_flush", slow)
    writer = SegmentWriter(tmp_path, "w")
    writer.append([(1, b"a")])
    thread = threading.Thread(target=writer.sync)
    thread.start()
    assert begun.wait(30)
    assert writer.append([(1, b"b")])
    assert kinds(tmp_path) == [1, 1]
    end.set()
    thread.join(30)
    writer.close()


def test_nothing_is_kept_without_room_and_the_gap_is_told_afterwards(tmp_path: Path) -> None:
    beside = tmp_path / "archive" / "deep"
    beside.mkdir(parents=True)
    (beside / "part").write_bytes(bytes(500))
    room = Room(600, [tmp_path / "segments", tmp_path / "archive"])
    writer = SegmentWriter(tmp_path / "segments", "w", room=room)
    assert writer.append([(2, bytes(100))])
    writer.sync()
    assert writer.append([(1, b"lost"), (1, b"lost")], entries=7) is False
    assert writer.append([(1, b"lost")]) is False
    assert writer.dropped == 8
    (beside / "part").unlink()
    writer.sync()
    assert kinds(tmp_path / "segments") == [2, KIND_GAP]
    assert writer.append([(2, b"kept")])
    assert kinds(tmp_path / "segments") == [2, KIND_GAP, 2]
    assert read_entries(tmp_path / "segments", {}).dropped == 8
    assert writer.dropped == 8
    writer.close()


def test_a_writer_nobody_syncs_sees_the_room_when_a_file_begins(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w", max_bytes=50, room=Room(100, [tmp_path]))
    kept = [writer.append([(1, bytes(30))]) for _ in range(5)]
    assert kept == [True, True, True, False, False]
    writer.close()


def test_a_gap_is_told_once_by_the_next_append(tmp_path: Path) -> None:
    (tmp_path / "segments").write_bytes(b"in the way")
    writer = SegmentWriter(tmp_path / "segments", "w")
    assert writer.append([(1, b"lost")], entries=3) is False
    (tmp_path / "segments").unlink()
    assert writer.append([(2, b"kept")])
    assert writer.append([(2, b"kept")])
    writer.close()
    assert kinds(tmp_path / "segments") == [KIND_GAP, 2, 2]
    (path,) = files(tmp_path / "segments")
    gap = msgspec.msgpack.decode(next(read_segment(path))[1], type=Gap)
    assert gap.dropped == 3
    assert 0.0 < gap.first <= gap.last


def test_room_without_a_limit_is_never_full(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1000))
    free_, bound = Room(0, [tmp_path]), Room(1000, [tmp_path, tmp_path / "none"])
    assert (free_.measure(), free_.full) == (0, False)
    assert (bound.measure(), bound.full) == (1000, True)
