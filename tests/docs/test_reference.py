"""The generated pages say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_project_file_is_current() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "make_reference.py"))
    assert made["PAGE"].read_text() == made["page"](), "run: make docs"


def test_every_key_says_what_it_means() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "make_reference.py"))
    silent = [line for line in made["page"]().splitlines() if line.endswith("|  |") and "| section |" not in line]
    assert silent == []
