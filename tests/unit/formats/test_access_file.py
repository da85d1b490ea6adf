"""The access file comes back as it was written, and is nobody else's to read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from boucle.core.access import Key, Rate, Role
from boucle.core.errors import StoreError
from boucle.formats.access import Access, TokenRules, digest_of, read_access, write_access

WHOLE = Access(
    True,
    True,
    (Key("ci", digest_of(b"secret"), Role.OPERATOR, ("wine",), Rate(5, 60), 1.0, 2.0),),
    TokenRules("https://id", "boucle", ("ES256",), ({"kty": "EC"},), "sub", "a.b", {"ops": Role.ADMIN}, "models", 5.0),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_access(tmp_path / "access.json", WHOLE)
    assert read_access(tmp_path / "access.json") == WHOLE


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    path.write_text("old")
    path.chmod(0o644)
    write_access(path, WHOLE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_absent_file_is_told_from_one_that_requires_nothing(tmp_path: Path) -> None:
    assert read_access(tmp_path / "access.json") is None


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"required": "yes"}', b'{"keys": [{"name": "x"}]}', b"[]"])
def test_a_damaged_file_is_refused_whole(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "access.json").write_bytes(damaged)
    with pytest.raises(StoreError, match="cannot be read"):
        read_access(tmp_path / "access.json")
