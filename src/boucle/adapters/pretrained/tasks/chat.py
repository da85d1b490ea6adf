"""Conversations: messages to tokens in the form a checkpoint was taught, and which turns of a long one are left."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import numpy as np
from tokenizers import Encoding

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.tasks import templates
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.conversations import is_written
from boucle.core.errors import BundleError, RequestError

ROLES = ("system", "user", "assistant")
SEND = 'send a text, or a list of messages: [{"role": "user", "content": "..."}]'
_TAUGHT = "take a checkpoint that was taught to converse (its name often ends in Instruct)"
_JOINER = "\N{WORD JOINER}"
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
Message = dict[str, str]


class Chat:
    """The template of a checkpoint; one without may be asked, and refuses.

    ``system``, an option, stands before what the system says in each conversation. A mark of the model's own that
    somebody writes in a message, such as ``<|im_end|>``, is taken apart: nobody speaks in the role of another.
    """

    def __init__(self, checkpoint: Checkpoint, tokens: Tokens) -> None:
        self._tokens, self._name = tokens, checkpoint.origin or str(checkpoint.folder)
        self._system = str(checkpoint.options.get("system", ""))
        text = templates.source(checkpoint.folder)
        self.settings = (self._system, text)
        self._template = None if text is None else templates.compiled(text, checkpoint.folder)
        if self._system and self._template is None:
            raise BundleError(
                f"`system` is for conversations; {self._name} has no chat template.",
                hint=f"leave it out, or {_TAUGHT}",
            )
        marks = sorted((mark for mark in tokens.marks() if len(mark) > 1), key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, marks))) if marks else None

    def read(self, value: Any, field: str, row: int) -> list[Message] | None:
        """Return the messages of a row, a list or its JSON text; None for a text; raises RequestError."""
        if isinstance(value, str):
            if not is_written(value):
                return None
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise self._error(f"begins as a conversation and is no JSON: {error}", field, row) from error
        value = value.tolist() if isinstance(value, np.ndarray) else value  # a list column of Arrow
        if not isinstance(value, list):
            return None
        if self._template is None:
            raise RequestError(
                f"Row {row} of '{field}' is a conversation; {self._name} has no chat template, it continues texts.",
                hint=f"send a text; or {_TAUGHT}",
                field=field,
                row=row,
            )
        messages = [self._message(one, place, field, row) for place, one in enumerate(value)]
        if not messages or messages[-1]["role"] != "user":
            ends = f"ends with the {messages[-1]['role']}" if messages else "has no messages"
            raise self._error(f"{ends}: there is nothing to answer", field, row, "let the user speak last")
        return messages

    def encode(self, messages: Sequence[Message], field: str, row: int) -> Encoding:
        """Encode a conversation up to where the answer begins; of one too long the oldest turns are left out whole.

        What the system says and the last turn always stay. Raises RequestError when these alone are too long, or when
        the template refuses the messages.
        """
        system, turns = _turns(self._told(messages))
        low, high = 0, len(turns) - 1
        found = self._encoded([*system, *_flat(turns)], field, row)
        while found is None and low < high:  # the longest end that fits; each turn less is shorter
            middle = (low + high) // 2
            if self._encoded([*system, *_flat(turns[middle:])], field, row) is None:
                low = middle + 1
            else:
                high = middle
        if found is None and low:
            found = self._encoded([*system, *_flat(turns[low:])], field, row)
        if found is None:
            why = f"has more than {self._tokens.limit} tokens in its last turn, with what the system says"
            raise self._error(why, field, row, "shorten it, or lower max_new_tokens", code="too_long")
        return found

    def _encoded(self, messages: Sequence[Message], field: str, row: int) -> Encoding | None:
        """Render and encode; None when it does not fit."""
        return self._tokens.whole(self._rendered(messages, field, row), field=field, row=row)

    def _rendered(self, messages: Sequence[Message], field: str, row: int) -> str:
        assert self._template is not None
        given: dict[str, Any] = {**self._tokens.named, "tools": None, "documents": None}
        try:
            return self._template.render(messages=list(messages), add_generation_prompt=True, **given)
        except templates.Refused as error:
            raise self._error(f"is not what the model was taught: {error}", field, row, "mend the messages") from error
        except (jinja2.TemplateError, *_BROKEN) as error:
            why = f"cannot be written by the chat template of {self._name}: {error}"
            raise self._error(why, field, row, "send texts in the form the model was taught") from error

    def _message(self, one: Any, place: int, field: str, row: int) -> Message:
        where = f"Message {place} of row {row}"
        if not isinstance(one, Mapping) or not isinstance(one.get("content"), str):
            raise RequestError(f"{where} of '{field}' has no text as its content.", hint=SEND, field=field, row=row)
        role = one.get("role")
        if role not in ROLES or (role == "system" and place):
            told = "is of the system, which speaks first" if role == "system" else f"is of the role {str(role)[:40]!r}"
            raise RequestError(
                f"{where} of '{field}' {told}.", hint=f"the roles are {', '.join(ROLES)}", field=field, row=row
            )
        return {"role": role, "content": self._harmless(one["content"])}

    def _told(self, messages: Sequence[Message]) -> list[Message]:
        """Put the option ``system`` before what the system says."""
        if not self._system:
            return list(messages)
        own = messages[0]["content"] if messages[0]["role"] == "system" else ""
        first = {"role": "system", "content": "\n\n".join(filter(None, (self._system, own)))}
        return [first, *(one for one in messages if one["role"] != "system")]

    def _harmless(self, text: str) -> str:
        """Return a text in which no mark of the model's own stands: each gets a character that is not seen."""
        found = self._marks is not None
        while found and self._marks is not None:
            text, count = self._marks.subn(lambda mark: mark[0][0] + _JOINER + mark[0][1:], text)
            found = count > 0
        return text

    def _error(self, why: str, field: str, row: int, hint: str = SEND, **facts: Any) -> RequestError:
        return RequestError(f"Row {row} of '{field}' {why}.", hint=hint, field=field, row=row, **facts)


def _turns(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """Part messages into what the system says, and turns: each begins with the user, or at the begin."""
    system = [one for one in messages[:1] if one["role"] == "system"]
    turns: list[list[Message]] = []
    for one in messages[len(system) :]:
        if one["role"] == "user" or not turns:
            turns.append([])
        turns[-1].append(one)
    return system, turns


def _flat(turns: Sequence[Sequence[Message]]) -> list[Message]:
    return [one for turn in turns for one in turn]
