"""Every writer of cards leaves a folder with the card and safe weights, proved on the rows it was given."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contracts.tiny_bundles import TEXTS, bundle

from boucle import plugins
from boucle.ports.exporter import Card


@pytest.fixture(params=plugins.names("cards"))
def writer(request: pytest.FixtureRequest) -> Card:
    made: Card = plugins.load("cards", request.param)()
    assert made.name == request.param
    return made


def test_the_folder_holds_the_card_and_safe_weights_and_is_proved(writer: Card, tmp_path: Path) -> None:
    directory, info, rows = bundle(tmp_path)
    (tmp_path / "written").mkdir()
    proof = writer.write(directory, info, "# tone\n", tmp_path / "written", rows)
    assert proof["rows"] == len(TEXTS)
    assert (tmp_path / "written" / "README.md").read_text() == "# tone\n"
    names = {path.suffix for path in (tmp_path / "written").rglob("*")}
    assert ".safetensors" in names
    assert not names & {".bin", ".pt", ".pth", ".pkl"}
