"""The processes as a user starts them: https with a real certificate, keys asked for, strangers kept out."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.waiting import PATIENCE, until

from boucle.core.access import Role
from boucle.core.errors import ProjectError
from boucle.loop import access, exposure, service
from boucle.loop.project import Project
from boucle.loop.service import address, is_ready

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
serve:
  control_port: 0
  auth: {required: true}
  tls: {certificate: cert.pem, key: key.pem}
"""
pytestmark = [pytest.mark.timeout(600)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    return tmp_path


@pytest.fixture
def control_plane(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "boucle.api.server", "--project", str(folder), "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    tls = (str(folder / "cert.pem"), str(folder / "key.pem"))
    try:
        url = address(folder / ".boucle" / "serving" / "control.json", PATIENCE, tls)
        assert url is not None, (folder / "log").read_text()
        yield url
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


@pytest.fixture
def data_plane(folder: Path) -> Iterator[str]:
    project = Project.open(folder)
    service.publish(project)
    plane = service.data_plane(project, None, 0, 1)
    project.close()
    place = folder / ".boucle" / "serving" / "address.json"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *plane.arguments], stdout=log, stderr=log)
    try:
        until(place.exists, process)
        yield str(json.loads(place.read_bytes())["url"])
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def ask(url: str, folder: Path, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Ask as a caller does who trusts the authority, host name checked."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            return answer.status, json.load(answer), {k.lower(): v for k, v in answer.headers.items()}
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused), {k.lower(): v for k, v in refused.headers.items()}


def test_the_control_plane_answers_https_and_asks_for_a_key(control_plane: str, folder: Path) -> None:
    assert control_plane.startswith("https://127.0.0.1:")
    project = Project.open(folder)
    secret = access.add(project, "ada", Role.VIEWER).secret
    assert ask(f"{control_plane}/api/me", folder)[0] == 401
    status, body, headers = ask(f"{control_plane}/api/me", folder, authorization=f"Bearer {secret}")
    assert (status, body["name"]) == (200, "ada")
    assert "max-age" in headers["strict-transport-security"]
    access.revoke(project, "ada")
    assert ask(f"{control_plane}/api/me", folder, authorization=f"Bearer {secret}")[0] == 401
    project.close()


def test_the_data_plane_follows_its_keys_without_a_restart(data_plane: str, folder: Path) -> None:
    assert data_plane.startswith("https://127.0.0.1:")
    project = Project.open(folder)
    assert ask(f"{data_plane}/livez", folder)[0] == 200
    assert ask(f"{data_plane}/v2/models/wine", folder)[0] == 401
    given = {"x-api-key": access.add(project, "shop", Role.VIEWER, ["wine"]).secret}
    asked(data_plane, folder, given, 404)  # let in; there is no model yet
    access.revoke(project, "shop")
    asked(data_plane, folder, given, 401)
    project.close()


def asked(url: str, folder: Path, given: dict[str, str], expected: int) -> None:
    """Ask for the model until the answer is the one expected."""
    until(lambda: ask(f"{url}/v2/models/wine", folder, **given)[0] == expected)


def test_readiness_is_believed_of_our_own_certificate_only(control_plane: str, folder: Path) -> None:
    assert is_ready(control_plane, str(folder / "cert.pem"))
    trustme.CA().issue_cert("127.0.0.1").cert_chain_pems[0].write_to_path(str(folder / "another.pem"))
    with pytest.raises(ssl.SSLCertVerificationError):
        is_ready(control_plane, str(folder / "another.pem"))


@pytest.mark.parametrize("command", ["serve", "up"])
def test_what_strangers_could_reach_does_not_start(folder: Path, command: str) -> None:
    (folder / "boucle.yaml").write_text(PROJECT.replace("required: true", "required: false"))
    words = [sys.executable, "-m", "boucle", command, "--host", "0.0.0.0", "--project", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "boucle keys add" in done.stderr
    assert "--insecure" in done.stderr
    assert not (folder / ".boucle" / "serving" / "address.json").exists()


def test_a_key_with_a_password_is_refused_instead_of_asked_for(folder: Path) -> None:
    plain, locked = folder / "key.pem", folder / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", plain, "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    locked.rename(plain)
    project = Project.open(folder)
    with pytest.raises(ProjectError, match="password"):
        exposure.tls_files(project)
    project.close()
