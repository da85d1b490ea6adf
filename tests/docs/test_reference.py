"""The pages of the reference say what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.loop.project import Project
from boucle.serving.app import App
from boucle.serving.options import ServeOptions
from boucle.serving.plane import assemble

ROOT = Path(__file__).parents[2]
DATA_PLANE, _, CONTROL_PLANE = (ROOT / "docs" / "reference" / "http.md").read_text().partition("\n## The control plane")
PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"


def documented(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^\| (GET|POST|DELETE) \| `([^`]+)` \|", text, re.MULTILINE))


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "make_reference.py"))


def test_the_page_of_the_project_file_is_current(made: dict[str, Any]) -> None:
    assert made["PAGE"].read_text() == made["page"](), "run: make docs"


def test_the_page_of_the_commands_is_current(made: dict[str, Any]) -> None:
    assert made["COMMANDS_PAGE"].read_text() == made["commands_page"](), "run: make docs"


def test_every_key_says_what_it_means(made: dict[str, Any]) -> None:
    silent = [line for line in made["page"]().splitlines() if line.endswith("|  |") and "| section |" not in line]
    assert silent == []


def test_every_documented_path_of_the_data_plane_is_there(tmp_path: Path) -> None:
    plane = assemble(ServeOptions(str(tmp_path)), "test")
    with TestClient(App(plane)) as client:
        for method, path in sorted(documented(DATA_PLANE)):
            answer = client.request(method, re.sub(r"\{version\}", "1", path))
            assert "There is nothing at" not in answer.text, path
            assert answer.status_code != 405, path
    plane.close()


def test_every_page_of_the_data_plane_is_documented(tmp_path: Path) -> None:
    plane = assemble(ServeOptions(str(tmp_path)), "test")
    assert set(App(plane)._pages) <= {path for _, path in documented(DATA_PLANE)}
    plane.close()


def test_the_routes_of_the_control_plane_are_the_documented_ones(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path)
    paths = create_app(project).openapi()["paths"]
    assert documented(CONTROL_PLANE) == {(method.upper(), path) for path in paths for method in paths[path]}
    project.close()
