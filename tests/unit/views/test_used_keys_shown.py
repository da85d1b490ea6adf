"""When a key was last used is told of both planes: whichever saw it last."""

from __future__ import annotations

from boucle.core.access import Role
from boucle.formats.used import folder_of, mark
from boucle.loop import access
from boucle.loop.usage import Usage
from boucle.views.access import keys

from .conftest import NOW, Written


def test_the_newest_use_at_either_plane_is_shown(written: Written) -> None:
    project = written.project
    key = access.add(project, "ci", Role.VIEWER).key
    assert keys(project).rows[0].used is None
    mark(folder_of(access.file_of(project).parent), key.digest, NOW + 30.0)
    assert keys(project).rows[0].used == NOW + 30.0
    Usage(project).note("ci", NOW + 90.0)
    assert keys(project).rows[0].used == NOW + 90.0


def test_a_new_secret_has_not_been_used_though_the_old_one_has(written: Written) -> None:
    old = access.add(written.project, "ci", Role.VIEWER).key
    mark(folder_of(access.file_of(written.project).parent), old.digest, NOW)
    new = access.rotate(written.project, "ci", grace=600.0).key
    used = {row.fingerprint: row.used for row in keys(written.project).rows}
    assert used == {old.about()["fingerprint"]: NOW, new.about()["fingerprint"]: None}
