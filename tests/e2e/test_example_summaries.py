"""The example of a generator: SmolLM2 sums up articles from a file and over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.e2e.example_pages import walked

GENERATING = ("torch", "peft", "transformers.models.llama.modeling_llama")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walked("summaries", tmp_path_factory.mktemp("examples"), GENERATING)


def test_a_summary_is_shorter_than_its_article_and_about_it(folder: Path) -> None:
    written = pd.read_csv(folder / "summaries.csv")
    assert (written["prediction"].str.len() < written["text"].str.len() / 2).all()
    assert "Yukos" in written["prediction"][0]
    assert "British Airways" in written["prediction"][1]


def test_it_is_served_as_well(folder: Path) -> None:
    [told] = json.loads((folder / "bridge.json").read_text())["predictions"]
    assert "bridge" in told
    assert "<|im_end|>" not in told
