"""The description of the data plane says what is true: Schemathesis makes right and wrong requests from it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boucle.core.access import Key, Role
from boucle.formats.access import Access, digest_of

EXAMPLES = int(os.environ.get("BOUCLE_SCHEMATHESIS_EXAMPLES", "8"))
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("services"), pytest.mark.slow]


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


def tried(url: str, clients: Path, folder: Path, *arguments: str) -> None:
    """Let Schemathesis try the description."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(without_csv(described(url))))
    program, settings = clients / "bin" / "schemathesis", Path(__file__).with_name("schemathesis.toml")
    command = [str(program), "--config-file", str(settings), "run", str(file), "--url", url, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


@pytest.mark.parametrize(("quick", "models"), [(True, ["wine", "visits"]), (False, ["wine"])], ids=["quick", "asgi"])
def test_the_data_plane_is_as_it_is_described(
    start: Callable[..., Any], clients: Path, tmp_path: Path, quick: bool, models: list[str]
) -> None:
    served = start(models, quick=quick, max_rows=5)
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES))


def test_where_there_is_one_model_the_paths_without_a_name_are_described(
    start: Callable[..., Any], clients: Path, tmp_path: Path
) -> None:
    served = start(["visits"], max_rows=5, refuse=["range", "category"])
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
          "--include-path-regex", "^/(predict|invocations)$")  # fmt: skip


def test_where_keys_are_asked_for_the_description_says_so(
    start: Callable[..., Any], clients: Path, tmp_path: Path
) -> None:
    served = start(["wine"], max_rows=5, access=Access(required=True, keys=(SHOP,)))
    assert "securitySchemes" in described(served.url)["components"]
    tried(served.url, clients, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", "1",
          "-H", f"x-api-key: {KEY}")  # fmt: skip


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
