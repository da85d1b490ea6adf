"""The example of named entities: what rules have marked is learned, and judged on marks made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.example_pages import FINE_TUNING, walked

from boucle.handle import open_loop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
TEXT = "Ana Costa said in Lisbon that Delta Motors had paid £3m."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walked("names", tmp_path_factory.mktemp("examples"), FINE_TUNING)


def test_the_rules_are_learned_and_the_gate_says_how_surely(folder: Path) -> None:
    with open_loop(folder) as loop:
        [trained] = [event for event in loop.history() if event.kind == "trained"]
    [check] = [check for check in trained.data["verdict"]["checks"] if check["name"] == "span_f1"]
    assert check["low"] < check["observed"] < check["high"]
    assert check["observed"] > 0.5


def test_a_sentence_of_somebody_else_is_marked(folder: Path) -> None:
    row = json.loads((folder / "found.jsonl").read_text().splitlines()[0])
    found = {(span["label"], TEXT[span["start"] : span["end"]]) for span in row["prediction"]}
    assert ("MONEY", "£3m") in found
    assert any(label == "PERSON" and "Ana" in text for label, text in found)


def test_it_finds_some_of_what_was_marked_by_hand(folder: Path) -> None:
    with open_loop(folder) as loop:
        assert loop.evaluate("names@champion", "gold.conll").metrics["span_f1"] > 0.3
