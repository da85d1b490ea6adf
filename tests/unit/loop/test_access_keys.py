"""Keys are made, rotated and revoked with a trace, and what both planes read follows at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boucle.core.access import Caller, Rate, Role
from boucle.core.errors import Conflict, NotFound, ProjectError, RequestError, Unauthenticated
from boucle.formats.access import read_access
from boucle.loop import access
from boucle.loop.project import Project
from boucle.serving.guard import Followed
from boucle.testing.clock import FakeClock

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\nserve: {auth: {required: true}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path, actor="cli:ada", clock=FakeClock(1_800_000_000.0))
    project.prepare()
    yield project
    project.close()


def admit(project: Project, secret: str, model: str = "wine") -> Caller:
    return Followed(access.file_of(project)).guard.admit(b"", secret.encode(), model, project.clock.now())


def events(project: Project) -> list[Any]:
    with project.state.begin(write=False) as tx:
        return tx.journal.events()


def test_a_key_that_was_made_opens_the_door(project: Project) -> None:
    made = access.add(project, "ci", Role.OPERATOR, ["wine"], Rate(5, 1))
    caller = admit(project, made.secret)
    assert (caller.name, caller.role, caller.models) == ("ci", Role.OPERATOR, frozenset({"wine"}))
    assert re.fullmatch(r"boucle_[\w-]{43}", made.secret)  # 32 random bytes


def test_the_secret_is_kept_nowhere(project: Project) -> None:
    made = access.add(project, "ci", Role.VIEWER)
    kept = b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    assert made.key.digest.encode() in kept
    assert made.secret.encode() not in kept


def test_every_change_is_an_event_with_who_did_it(project: Project) -> None:
    access.add(project, "ci", Role.VIEWER)
    access.rotate(project, "ci", grace=60)
    access.revoke(project, "ci")
    assert [(one.kind, one.actor) for one in events(project)] == [
        ("key_added", "cli:ada"), ("key_rotated", "cli:ada"), ("key_revoked", "cli:ada"),
    ]  # fmt: skip
    assert {one.data["name"] for one in events(project)} == {"ci"}


def test_a_name_has_one_key(project: Project) -> None:
    access.add(project, "ci", Role.VIEWER)
    with pytest.raises(Conflict, match="already"):
        access.add(project, "ci", Role.ADMIN)
    access.revoke(project, "ci")
    assert access.add(project, "ci", Role.ADMIN).key.role is Role.ADMIN


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "keeper", "local", "ada (token)", "a\n"])
def test_a_key_cannot_take_a_name_that_misleads(project: Project, name: str) -> None:
    with pytest.raises(RequestError, match="cannot be called"):
        access.add(project, name, Role.VIEWER)
    assert events(project) == []


def test_both_secrets_work_through_the_grace_and_then_the_new_one_only(project: Project) -> None:
    old = access.add(project, "ci", Role.VIEWER)
    new = access.rotate(project, "ci", grace=3600)
    assert admit(project, old.secret).name == admit(project, new.secret).name == "ci"
    assert isinstance(project.clock, FakeClock)
    project.clock.advance(3600)
    with pytest.raises(Unauthenticated, match="expired"):
        admit(project, old.secret)
    assert admit(project, new.secret)


def test_a_rotation_never_makes_a_secret_last_longer_and_keeps_the_span(project: Project) -> None:
    old = access.add(project, "ci", Role.VIEWER, lasts=100)
    assert isinstance(project.clock, FakeClock)
    project.clock.advance(90)
    new = access.rotate(project, "ci", grace=3600)
    with project.state.begin(write=False) as tx:
        ends = {key.digest: key.expires for key in tx.keys.all()}
    assert ends == {old.key.digest: 1_800_000_100.0, new.key.digest: 1_800_000_190.0}


def test_a_revoked_key_and_its_rotated_secrets_are_gone(project: Project) -> None:
    secrets = [access.add(project, "ci", Role.VIEWER).secret, access.rotate(project, "ci", grace=3600).secret]
    access.revoke(project, "ci")
    for secret in secrets:
        with pytest.raises(Unauthenticated):
            admit(project, secret)
    assert access.listing(project) == []
    assert len(access.listing(project, every=True)) == 2


@pytest.mark.parametrize("change", [access.rotate, access.revoke])
def test_an_unknown_key_brings_near_names(project: Project, change: Any) -> None:
    access.add(project, "grafana", Role.VIEWER)
    with pytest.raises(NotFound, match="grafana"):
        change(project, "graphana")


def test_publishing_says_whether_there_was_news_and_mends_what_is_damaged(project: Project) -> None:
    access.add(project, "ci", Role.VIEWER)
    assert not access.publish(project)
    access.file_of(project).write_text("{")
    assert access.publish(project)
    found = read_access(access.file_of(project))
    assert found is not None
    assert (found.required, len(found.keys)) == (True, 1)


def test_expired_keys_leave_the_file(project: Project) -> None:
    access.add(project, "ci", Role.VIEWER, lasts=10)
    assert isinstance(project.clock, FakeClock)
    project.clock.advance(10)
    assert access.publish(project)
    found = read_access(access.file_of(project))
    assert found is not None
    assert found.keys == ()


def test_keys_may_be_turned_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOUCLE_SERVE__AUTH__KEYS", "false")
    without = Project.open(project.directory)
    secret = access.add(without, "ci", Role.VIEWER).secret
    with pytest.raises(Unauthenticated):
        admit(without, secret)
    without.close()


def test_keys_that_cannot_be_read_stop_the_start_and_not_what_runs(project: Project, tmp_path: Path) -> None:
    jwt = "{issuer: i, audience: a, jwks: jwks.json}"
    (tmp_path / "boucle.yaml").write_text(PROJECT.replace("required: true", f"jwt: {jwt}"))
    with_tokens = Project.open(tmp_path)
    with pytest.raises(ProjectError, match=r"jwks\.json"):
        access.publish(with_tokens)
    (tmp_path / "jwks.json").write_text('{"keys": [{"kty": "EC", "d": "private"}]}')
    access.publish(with_tokens)
    (tmp_path / "jwks.json").write_text("{")
    access.publish(with_tokens)
    found = read_access(access.file_of(with_tokens))
    assert found is not None
    assert found.tokens is not None
    assert found.tokens.jwks == ({"kty": "EC"},)
    with_tokens.close()
