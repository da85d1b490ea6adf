"""A model of text-generation takes lists of messages where it takes a text; no other model does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from boucle.core.errors import RequestError
from boucle.core.signature import Field, Signature, Task
from boucle.serving.codec import TableReader
from boucle.serving.media import MediaLimits
from boucle.serving.protocols.friendly import table

HELLO = [{"role": "user", "content": "Hello"}]
LONGER = [{"role": "system", "content": "Be brief."}, *HELLO]


def reader(task: Task = "text-generation", *more: Field, **limits: int) -> TableReader:
    signature = Signature((Field("text", "text"), *more), (Field("prediction", "text"),), task)
    return TableReader(signature, 10, limits=MediaLimits(**limits))


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (HELLO, [HELLO]),
        ([HELLO, LONGER], [HELLO, LONGER]),
        ({"text": LONGER}, [LONGER]),
        ({"text": [HELLO, LONGER]}, [HELLO, LONGER]),
        ([{"text": HELLO}, {"text": LONGER}], [HELLO, LONGER]),
        ({"inputs": [LONGER]}, [LONGER]),
        ({"inputs": {"text": HELLO}}, [HELLO]),
        ([HELLO, "a prompt"], [HELLO, "a prompt"]),
        ([{"text": "a prompt"}, {"text": HELLO}], ["a prompt", HELLO]),
        ({"text": json.dumps(LONGER)}, [LONGER]),
    ],
)
def test_a_conversation_is_taken_in_every_form_and_kept_as_its_json(body: Any, rows: list[Any]) -> None:
    kept = table(body, reader())["text"].tolist()
    assert [json.loads(text) if text[0] == "[" else text for text in kept] == rows


@pytest.mark.parametrize("task", ["summarization", "text-classification"])
@pytest.mark.parametrize("body", [HELLO, [HELLO], {"text": HELLO}, [{"text": HELLO}]])
def test_no_other_model_takes_one(task: Task, body: Any) -> None:
    with pytest.raises(RequestError):
        table(body, reader(task))


@pytest.mark.parametrize("body", [[], [[]], {"text": []}, [{"content": "x"}], [HELLO, 3], [[1, 2]], {"text": [{}]}])
def test_lists_that_are_no_conversations_are_refused(body: Any) -> None:
    with pytest.raises(RequestError):
        table(body, reader())


def test_a_conversation_is_held_to_the_limit_of_texts() -> None:
    with pytest.raises(RequestError, match="the limit is 50"):
        table([{"role": "user", "content": "x" * 60}], reader(characters=50))
