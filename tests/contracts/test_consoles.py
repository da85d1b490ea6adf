"""A console's contract: it is mounted behind the API and takes nothing away from it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from boucle.loop.service import address

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Serve the control plane of a project without a model, in a process of its own."""
    folder = tmp_path_factory.mktemp("consoles")
    (folder / "boucle.yaml").write_text(PROJECT)
    command = [sys.executable, "-m", "boucle.api.server", "--port", "0", "--project", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    url = address(folder / ".boucle" / "serving" / "control.json", 120)
    assert url is not None
    with httpx.Client(base_url=url) as client:
        yield client
    process.terminate()
    assert process.wait(120) in (0, -15)


def test_the_first_page_is_a_page_with_a_policy(served: httpx.Client) -> None:
    answer = served.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("style-src")[0]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_api_answers_as_without_it(served: httpx.Client) -> None:
    assert served.get("/livez").text == "ok"
    assert served.get("/api/status").json()["project"] == "wine"
    for method in ("GET", "POST"):
        answer = served.request(method, "/api/there-is-no-such-route")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_page_that_is_not_there_is_404(served: httpx.Client) -> None:
    answer = served.get("/there/is/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_project_without_a_model_is_told_how_to_get_one(served: httpx.Client) -> None:
    assert "boucle train" in served.get("/").text


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_another_sites_page_opens_no_socket(served: httpx.Client, origin: str) -> None:
    asked = {
        "origin": origin, "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert served.get(path, headers=asked).status_code == 403
    with served.stream("GET", path, headers=asked | {"origin": str(served.base_url).rstrip("/")}) as answer:
        assert answer.status_code == 101


def test_a_name_that_is_not_this_machines_is_refused(served: httpx.Client) -> None:
    assert served.get("/", headers={"host": "evil.example"}).status_code == 421
