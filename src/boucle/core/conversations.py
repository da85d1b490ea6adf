"""A conversation: a list of messages, each with a role and what was said; where texts are kept, it is their JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_BEGINS = re.compile(r'\s*\[\s*\{\s*"(?:role|content)"\s*:')


def is_conversation(value: Any) -> bool:
    """Say whether a value is meant as one: a list, or an array, whose first element names a role."""
    listed = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim == 1)
    return listed and len(value) > 0 and isinstance(value[0], Mapping) and "role" in value[0]


def is_written(text: str) -> bool:
    """Say whether a text is meant as the JSON of one, well formed or not."""
    return text.lstrip()[:1] == "[" and _BEGINS.match(text) is not None


def written(value: Any) -> Any:
    """Return a conversation as JSON text; whatever else as it is."""
    if not is_conversation(value):
        return value
    first = [{"role": one.get("role"), **one} if isinstance(one, Mapping) else one for one in value]
    return json.dumps(first, ensure_ascii=False, default=str)


def within(text: str, change: Callable[[str], str]) -> str:
    """Change a text; of a conversation what is said in it, and neither roles nor what holds it together."""
    messages = _messages(text)
    if messages is None:
        return change(text)
    return json.dumps([{**one, "content": change(one["content"])} for one in messages], ensure_ascii=False)


def spoken(text: str) -> str:
    """Return what is said in a conversation, a line a message; another text as it is."""
    messages = _messages(text)
    return text if messages is None else "\n".join(one["content"] for one in messages)


def _messages(text: str) -> list[dict[str, Any]] | None:
    """Return the messages of a conversation that can be read, None for another text."""
    if not is_written(text):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    right = all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in found)
    return found if right else None
