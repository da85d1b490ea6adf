"""Texts as they come in from the world: every one is answered, or refused with its row; and how rows are batched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assets import asset
from tests.checkpoints import MINILM

import boucle
from boucle.adapters.pretrained.batches import MOST_PADDING, by_length
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.errors import RequestError

Tiny = Callable[[str], Path]


@pytest.fixture(scope="module")
def model(tiny: Tiny) -> Any:
    return boucle.load(tiny("classifier"), task="text-classification")


ODD = (
    "", " ", "\n\t\r", "\x00\x01\x02", "\ufeff", "\ufffd" * 50, "a" * 100_000, " " * 100_000, "é" * 3_000, "🎬中" * 500,
    "Ã©tÃ© mal lu", "\u202eright to left", "[MASK] [SEP] [CLS] [PAD]", bytes(range(256)).decode("latin-1") * 20,
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_any_text_is_answered(model: Any, text: str) -> None:
    together = model.predict([text, "a fine day"], scores=True)
    assert sum(together[0].values()) == pytest.approx(1.0)
    assert together[1] == pytest.approx(model.predict("a fine day", scores=True), abs=1e-5)


@pytest.mark.parametrize("text", ["\ud800", "cut in half: \udc80", "\udfff\ud800"])
def test_half_a_character_is_refused_with_its_row(model: Any, text: str) -> None:
    with pytest.raises(RequestError, match=r"Row 2 of 'text' cannot be read as text.*wrong encoding") as refused:
        model.predict(["fine", "fine too", text])
    assert refused.value.facts == {"field": "text", "row": 2}


@pytest.mark.parametrize(
    ("row", "what"), [(None, "missing"), (b"bytes", "a bytes"), (7, "a int"), (float("nan"), "missing")]
)
def test_what_is_no_text_is_refused_with_its_row(model: Any, row: Any, what: str) -> None:
    with pytest.raises(RequestError, match=f"Row 1 of 'text' is {what}, not a text"):
        model.predict(["fine", row])


def test_a_row_needs_the_columns_of_the_task(tiny: Tiny, model: Any) -> None:
    with pytest.raises(RequestError, match="Row 0 has no 'text'"):
        model.predict({"texte": "fine"})
    with pytest.raises(RequestError, match="Row 1 is no mapping with 'question', 'context'"):
        boucle.load(tiny("answers"), task="question-answering").predict([{"question": "q", "context": "c"}, "who?"])


def test_no_rows_get_no_answers(model: Any, tiny: Tiny) -> None:
    assert model.predict([]) == []
    assert boucle.load(tiny("vit"), task="image-classification").predict([]) == []
    assert boucle.load(tiny("encoder"), task="feature-extraction").predict([]) == []


def test_a_huge_text_costs_no_more_than_what_is_kept_of_it(tiny: Tiny) -> None:
    tokens = Tokens(resolve(tiny("classifier")))
    short, huge = tokens.encode(["word " * 62, "word " * 2_000_000])
    assert short.ids == huge.ids
    assert len(huge) == tokens.limit == 64


def test_a_text_is_cut_at_the_length_that_is_asked_for(tiny: Tiny) -> None:
    tokens = Tokens(resolve(tiny("classifier"), options={"max_length": 16}))
    assert [len(one) for one in tokens.encode(["word " * 90, "word"])] == [16, 3]


def test_sentence_vectors_are_cut_where_they_were_trained() -> None:
    assert Tokens(resolve(asset(*MINILM))).limit == 256


LENGTHS = st.lists(st.integers(1, 400), min_size=1, max_size=200)


@given(lengths=LENGTHS, budget=st.integers(1, 2000), slack=st.integers(0, 100))
def test_every_row_is_in_one_batch_within_the_budget_and_next_to_nothing_is_padded(
    lengths: list[int], budget: int, slack: int
) -> None:
    batches = by_length(lengths, budget, slack)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        longest, real = max(lengths[r] for r in rows), sum(lengths[r] for r in rows)
        assert len(rows) == 1 or longest * len(rows) <= budget
        assert longest * len(rows) - real <= max(slack, MOST_PADDING * longest * len(rows))
    if slack == 0:
        computed = sum(max(lengths[row] for row in rows) * len(rows) for rows in batches)
        assert computed / max(1, sum(lengths)) <= 1 / (1 - MOST_PADDING) + 1e-9


def test_nothing_is_parted_into_no_batches() -> None:
    assert by_length([], 100) == []
