"""Nobody listens where strangers can call by accident, and TLS files are tried before anything starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from boucle.core.access import Role
from boucle.core.errors import MissingExtra, ProjectError
from boucle.loop import access, exposure, service
from boucle.loop.checks import run_checks
from boucle.loop.project import Project

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\n"


def opened(folder: Path, serve: str = "{}") -> Project:
    (folder / "boucle.yaml").write_text(PROJECT + f"serve: {serve}\n")
    return Project.open(folder)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_authentication(tmp_path: Path, host: str) -> None:
    assert exposure.is_loopback(host)
    exposure.check(opened(tmp_path), host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org", "localhost.example.org", "0"])
def test_any_other_address_needs_it(tmp_path: Path, host: str) -> None:
    project = opened(tmp_path)
    with pytest.raises(ProjectError, match=r"boucle keys add.*--insecure"):
        exposure.check(project, host)
    exposure.check(project, host, insecure=True)


@pytest.mark.parametrize("serve", ["{auth: {required: true}}", "{insecure: true}"])
def test_authentication_or_consent_opens_it(tmp_path: Path, serve: str) -> None:
    exposure.check(opened(tmp_path, serve), "0.0.0.0")


@pytest.mark.parametrize("plane", [service.data_plane, service.control_plane])
def test_both_planes_refuse_before_they_start(tmp_path: Path, plane: object) -> None:
    assert callable(plane)
    arguments = (None, None) if plane is service.control_plane else (None, None, None)
    with pytest.raises(ProjectError, match="anybody"):
        plane(opened(tmp_path, "{host: 0.0.0.0}"), *arguments)


def test_tokens_without_their_package_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "find_spec", lambda _: None)
    project = opened(tmp_path, "{auth: {jwt: {issuer: i, audience: a, jwks: k.json}}}")
    with pytest.raises(MissingExtra, match=r"boucle\[jwt\]"):
        exposure.check(project, "127.0.0.1")


def test_tls_files_are_tried_first(tmp_path: Path) -> None:
    project = opened(tmp_path, "{tls: {certificate: c.pem, key: k.pem}}")
    with pytest.raises(ProjectError, match=r"c\.pem.*No such file"):
        exposure.check(project, "127.0.0.1")
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("nonsense")
    with pytest.raises(ProjectError, match="belong together"):
        exposure.check(project, "127.0.0.1")


@pytest.mark.parametrize(
    ("serve", "ok", "told"),
    [
        ("{}", True, "this machine only, without authentication"),
        ("{host: 0.0.0.0}", False, "anybody"),
        ("{host: 0.0.0.0, insecure: true}", True, r"whoever can reach 0\.0\.0\.0, without authentication"),
        ("{auth: {required: true}}", False, "there is none"),
    ],
)
def test_the_check_says_who_could_call(tmp_path: Path, serve: str, ok: bool, told: str) -> None:
    project = opened(tmp_path, serve)
    found = next(one for one in run_checks(project) if one.name == "access")
    assert found.ok is ok
    assert re.search(told, found.note)
    project.close()


def test_the_check_counts_keys_and_says_whether_they_travel_in_clear(tmp_path: Path) -> None:
    project = opened(tmp_path, "{auth: {required: true}}")
    access.add(project, "ci", Role.VIEWER)
    found = next(one for one in run_checks(project) if one.name == "access")
    assert (found.ok, found.note) == (True, "1 key, asked of this machine only; not encrypted")
    project.close()
