"""A page in French that begins with ``<!-- blocks of: PAGES -->`` has the blocks of those pages, which run there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.docs.test_snippets import ROOT, TWIN, Block, blocks

TWINS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if TWIN.match(path.read_text())]


def those_of(page: Path) -> list[Block]:
    return [replace(block, line=0) for block in blocks(page.read_text())]


@pytest.mark.parametrize("page", TWINS, ids=[path.name for path in TWINS])
def test_a_translated_page_has_the_blocks_of_its_original(page: Path) -> None:
    named = TWIN.match(page.read_text())
    assert named is not None
    originals = [block for name in named[1].split() for block in those_of(ROOT / "docs" / name)]
    assert those_of(page) == originals, f"{page.name}: bring its blocks to what {named[1]} says now"


def test_the_pages_translated_are_found() -> None:
    assert {page.name for page in TWINS} >= {"adopter-un-modele.md", "securite.md"}
