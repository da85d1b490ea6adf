"""The data plane notes when a key was used: once a minute, for those who were let in alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from boucle.core.access import Key, Role
from boucle.core.errors import Forbidden, Unauthenticated
from boucle.formats.access import Access, digest_of, write_access
from boucle.formats.used import EVERY, folder_of, mark, marked
from boucle.serving.guard import Followed

SECRET = b"boucle_" + b"k" * 43
KEY = Key("ci", digest_of(SECRET), Role.VIEWER, ("wine",))
NOW = 1_800_000_000.0


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    write_access(tmp_path / "access.json", Access(True, False, (KEY,)))
    return Followed(tmp_path / "access.json", True, tmp_path / "limits.bin")


def test_a_use_is_noted_to_the_minute_and_outlives_the_process(followed: Followed, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert marked(folder, KEY.digest) is None
    for after in (0.0, 1.0, EVERY - 1.0):
        followed.guard.admit(b"", SECRET, "wine", NOW + after)
        assert marked(folder, KEY.digest) == NOW
    followed.guard.admit(b"", SECRET, "wine", NOW + EVERY)
    followed.close()
    assert marked(folder, KEY.digest) == NOW + EVERY


def test_who_is_turned_away_has_used_nothing(followed: Followed, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        followed.guard.admit(b"", SECRET, "beer", NOW)
    with pytest.raises(Unauthenticated):
        followed.guard.admit(b"", SECRET + b"k", "wine", NOW)
    assert not folder_of(tmp_path).exists()
    followed.close()


def test_a_mark_that_cannot_be_written_keeps_nobody_out(followed: Followed, tmp_path: Path) -> None:
    folder_of(tmp_path).write_text("a file where the folder should be")
    assert followed.guard.admit(b"", SECRET, "wine", NOW).name == "ci"
    assert marked(folder_of(tmp_path), KEY.digest) is None
    followed.close()


def test_the_console_does_not_note_its_own_readers_as_callers(followed: Followed, tmp_path: Path) -> None:
    reader = Followed(tmp_path / "access.json", True)
    reader.guard.admit(b"", SECRET, "wine", NOW)
    assert marked(folder_of(tmp_path), KEY.digest) is None
    mark(folder_of(tmp_path), KEY.digest, NOW)
    assert marked(folder_of(tmp_path), KEY.digest) == NOW
    reader.close()
    followed.close()
