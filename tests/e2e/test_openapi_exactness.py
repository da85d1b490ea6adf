"""The description of the data plane says what is true: Schemathesis makes right and wrong requests from it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.waiting import PATIENCE

from boucle.core.access import Key, Role
from boucle.formats.access import Access, digest_of
from boucle.loop.service import address
from boucle.measures.pictures import blank

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"
EXAMPLES = int(os.environ.get("BOUCLE_SCHEMATHESIS_EXAMPLES", "8"))
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]


KEY = "a-key-of-the-shop"
SHOP = Key("shop", digest_of(KEY.encode()), Role.VIEWER)


def described(url: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(f"{url}/openapi.json", headers={"x-api-key": KEY})) as response:
        return json.loads(response.read())


def without_csv(description: Any) -> Any:
    """Take out what JSON Schema has no words for: the cells of CSV."""
    for methods in description["paths"].values():
        methods.get("post", {}).get("requestBody", {}).get("content", {}).pop("text/csv", None)
    return description


def tried(url: str, clients: Path, folder: Path, *arguments: str, path: str = "") -> None:
    """Let Schemathesis try the description."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(without_csv(described(url + path))))
    program, settings = clients / "bin" / "schemathesis", Path(__file__).with_name("schemathesis.toml")
    command = [str(program), "--config-file", str(settings), "run", str(file), "--url", url, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_the_data_plane_is_as_it_is_described(start: Callable[..., Any], clients: Path, tmp_path: Path) -> None:
    served = start(["wine", "visits"], max_rows=5)
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES))


def test_the_application_alone_is_as_it_is_described(start: Callable[..., Any], clients: Path, tmp_path: Path) -> None:
    served = start(["visits"], quick=False, max_rows=5)
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage")


def test_where_there_is_one_model_the_paths_without_a_name_are_described(
    start: Callable[..., Any], clients: Path, tmp_path: Path
) -> None:
    served = start(["visits"], max_rows=5, refuse=["range", "category"])
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
          "--include-path-regex", "^/(predict|invocations)$")  # fmt: skip


def test_texts_are_as_they_are_described(start: Callable[..., Any], clients: Path, tmp_path: Path) -> None:
    served = start(["mood", "words"], max_rows=5, max_characters=200)
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
          "--include-path-regex", "^/(predict|v1|v2/models)")  # fmt: skip


def test_images_are_as_they_are_described(start: Callable[..., Any], clients: Path, tmp_path: Path) -> None:
    """But JSON Schema cannot say which bytes are an image."""
    served = start(["shapes"], max_rows=5)
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
          "--exclude-checks", "positive_data_acceptance")  # fmt: skip


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    page.close()


def test_the_page_uploads_a_file(start: Callable[..., Any], page: Page, tmp_path: Path) -> None:
    url = start(["shapes"]).url
    (tmp_path / "a.png").write_bytes(blank(24))
    page.goto(f"{url}/docs")
    asked = page.locator(".opblock", has=page.locator('[data-path="/predict/shapes"]')).first
    asked.locator(".opblock-summary-control").click()
    asked.get_by_role("button", name="Try it out").click()
    asked.locator(".opblock-section-request-body select").first.select_option("multipart/form-data")
    asked.locator("input[type=file]").set_input_files(tmp_path / "a.png")
    asked.get_by_role("button", name="Execute").click()
    expect(asked.locator(".live-responses-table")).to_contain_text('"tall"', timeout=PATIENCE * 1000)


def test_where_keys_are_asked_for_the_description_says_so(
    start: Callable[..., Any], clients: Path, tmp_path: Path
) -> None:
    served = start(["wine"], max_rows=5, access=Access(required=True, keys=(SHOP,)))
    assert "securitySchemes" in described(served.url)["components"]
    tried(served.url, clients, tmp_path, "--phases", "coverage", "-H", f"x-api-key: {KEY}")


@pytest.fixture
def control_plane(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    command = [sys.executable, "-m", "boucle.api.server", "--project", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command)
    try:
        url = address(tmp_path / ".boucle" / "serving" / "control.json", PATIENCE)
        assert url is not None
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_the_control_plane_is_as_it_is_described(control_plane: str, clients: Path, tmp_path: Path) -> None:
    """But for what only the state knows, which names and versions there are; and Allow names one route's method."""
    tried(control_plane, clients, tmp_path, "--phases", "coverage", "--exclude-path-regex", "turns",
          "--exclude-checks", "positive_data_acceptance,allow_header_conformance", path="/api")  # fmt: skip


def fetched(url: str, **headers: str) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers))


def test_the_page_comes_out_of_the_package_with_all_it_needs(start: Callable[..., Any]) -> None:
    url = start(["wine"], access=Access(required=True, keys=(SHOP,))).url
    with fetched(f"{url}/docs") as page:
        assert page.headers["content-type"].startswith("text/html")
        text = page.read().decode()
    parts = re.findall(r'(?:src|href)="(docs/[^"]+)"', text)
    assert len(parts) == 3
    assert "//" not in text.replace("<!doctype", "")
    for part in parts:
        with fetched(f"{url}/{part}") as plain, fetched(f"{url}/{part}", **{"accept-encoding": "gzip"}) as packed:
            raw = packed.read()
            assert plain.read() == (gzip.decompress(raw) if packed.headers["content-encoding"] == "gzip" else raw)
