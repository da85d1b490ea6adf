"""A conversation is kept as the JSON of its messages, and told from other texts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.conversations import is_conversation, is_written, spoken, within, written
from boucle.core.signature import Field
from boucle.evaluation.disturbing import changes_of
from boucle.measures.derived import of_texts
from boucle.ports.frames import readable, to_batch

said = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text()})
talks = st.lists(said, min_size=1, max_size=4)
TEXT = Field("text", "text")


@given(talks)
def test_what_is_written_is_read_back(messages: list[dict[str, str]]) -> None:
    text = written(messages)
    assert is_written(text)
    assert json.loads(text) == messages
    assert spoken(text) == "\n".join(one["content"] for one in messages)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_what_is_no_conversation_stays_as_it_is(value: Any) -> None:
    assert not is_conversation(value)
    assert written(value) is value


@pytest.mark.parametrize(
    "text", ["", "[", "[1, 2]", '["role"]', '[{"name": "role"}]', 'say [{"role": "user"}]', "[{role}]", "[{'role': 1}]"]
)
def test_other_texts_are_not_taken_for_one(text: str) -> None:
    assert not is_written(text)
    assert spoken(text) == text
    assert within(text, str.upper) == text.upper()


def test_what_is_changed_is_what_was_said() -> None:
    text = json.dumps([{"content": "a small word", "role": "user"}])
    assert json.loads(within(text, str.upper)) == [{"content": "A SMALL WORD", "role": "user"}]
    assert is_written(text), "whichever of the two stands first"


@pytest.mark.parametrize("text", ['[{"role": "user", "content": "cut', '[{"role": "user"}]', '[{"role": 1}, 2]'])
def test_one_that_cannot_be_read_is_a_text(text: str) -> None:
    assert is_written(text)
    assert spoken(text) == text


def test_the_contents_count_when_texts_are_described() -> None:
    messages = [{"role": "user", "content": "Il fait beau et la mer est belle, mais les enfants sont dans la maison."}]
    known, expected = of_texts([written(messages)]), of_texts([messages[0]["content"]])
    assert {name: column.tolist() for name, column in known.items()} == {
        name: column.tolist() for name, column in expected.items()
    }


def test_a_disturbed_conversation_is_still_one() -> None:
    messages = [{"role": "user", "content": "Tell me about the bridges of Paris, please."}]
    changed = list(changes_of(TEXT, np.array([written(messages)], dtype=object), seed=0))
    assert len(changed) > 3
    for name, column in changed:
        (one,) = json.loads(str(column[0]))
        assert one["role"] == "user", name
        assert one["content"] != messages[0]["content"], name


@pytest.mark.parametrize("kind", [list, np.array], ids=["lists", "arrays"])
def test_a_column_of_lists_becomes_a_column_of_texts(kind: Any) -> None:
    messages = [{"content": "hello", "role": "user"}]
    frame = pd.DataFrame({"text": pd.Series([kind(messages), "a prompt", None], dtype=object)})
    expected = ['[{"role": "user", "content": "hello"}]', "a prompt", None]
    assert to_batch(frame, (TEXT,))["text"].tolist() == expected
    assert readable(frame)["text"].dropna().tolist() == expected[:2]
    assert readable(plain := pd.DataFrame({"text": ["a prompt"], "size": [1]})) is plain
