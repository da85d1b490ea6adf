"""What comes back about answers: checked against what is remembered of them, appended, told what was joined.

An id this worker does not remember is pending: the keeper joins it later, whatever worker answered it, and when.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from boucle.core.errors import RequestError, suggest
from boucle.core.observation import Feedback
from boucle.serving.capture import Capture, Recent
from boucle.serving.codec import malformed
from boucle.serving.columns import fault, shown
from boucle.serving.messages import check_id

_KEYS = {"id", "truth", "event", "value", "time"}
_VALUES = (str, int, float, bool, list, dict)
_TEXTS = {"text": "a text", "json": "a list or an object"}


@dataclass(frozen=True, slots=True)
class Received:
    """How much was taken in; ``refused`` says for each entry left out where it stood and why."""

    received: int = 0
    joined: int = 0
    pending: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


def receive(data: Any, capture: Capture, max_entries: int = 10_000) -> Received:
    """Take in one entry or a list of them. Wrong ones are refused one by one, the others are kept.

    Raises RequestError when there is nothing right in it, or when it could not be written.
    """
    entries = data if type(data) is list else [data]
    if not entries:
        raise RequestError("There is no feedback in the list.", code="empty")
    if len(entries) > max_entries:
        raise RequestError(f"The list has {len(entries)} entries, the limit is {max_entries}.", code="too_many_rows")
    now, kept, joined, refused, last = time.time(), [], 0, [], None
    for place, entry in enumerate(entries):
        try:
            feedback, known = _read(entry, capture, now)
        except RequestError as error:
            last = error
            refused.append({"index": place, "id": _id_of(entry), "error": str(error)} | _code(error))
        else:
            kept.append(feedback)
            joined += known
    if last is not None and not kept:
        raise last
    if not capture.feed_back(kept):
        raise RequestError("The feedback could not be written.", hint="send it again later", code="not_kept")
    return Received(len(kept), joined, len(kept) - joined, refused)


def _read(entry: Any, capture: Capture, now: float) -> tuple[Feedback, bool]:
    if type(entry) is not dict:
        raise malformed(f'Feedback is an object such as {{"id": "…", "truth": 1}}, not {shown(entry)}.')
    for name in entry.keys() - _KEYS:
        raise fault("unknown_key", f"Feedback has no '{name[:100]}'.", name[:100], hint=suggest(name, _KEYS))
    if type(entry.get("id")) is not str:
        raise fault("missing_id", "Feedback needs the id of the answer it is about, as text.", "id")
    name, when = check_id(entry["id"], "id"), entry.get("time", now)
    if type(when) not in (int, float) or not 0 <= when <= now + 86400:
        raise fault("wrong_type", "time is in Unix seconds, and not to come.", "time", got=when)
    recent = capture.recent(name)
    if "truth" in entry:
        if "event" in entry or "value" in entry:
            raise fault("malformed", "Feedback is a truth or an event, not both.", "event")
        return Feedback(name, float(when), _truth(entry["truth"], recent)), recent is not None
    return Feedback(name, float(when), None, *_event(entry)), recent is not None


def _event(entry: dict[str, Any]) -> tuple[str, float | None]:
    event, value = entry.get("event"), entry.get("value")
    if type(event) is not str or not 0 < len(event) <= 100:
        raise fault(
            "malformed", 'Feedback needs "truth", or "event" (a name of up to 100 characters).', "event", got=event
        )
    try:
        if value is not None and (type(value) not in (int, float) or abs(float(value)) == float("inf")):
            raise OverflowError
    except OverflowError:
        raise fault("wrong_type", f"value takes a number or null, not {shown(value)}.", "value", got=value) from None
    return event, None if value is None else float(value)


def _truth(truth: Any, recent: Recent | None) -> list[Any]:
    """Check a truth: one value a row, null where it is not known yet."""
    values = truth if type(truth) is list else [truth]
    if not values or type(truth) is dict or not all(value is None or type(value) in _VALUES for value in values):
        raise fault("wrong_type", "truth is one value, or a list with one value a row.", "truth", got=truth)
    if all(value is None for value in values):
        raise fault("missing_value", "truth is null.", "truth")
    if recent is None:
        return values
    if len(values) != recent.rows:
        raise fault(
            "wrong_shape", f"The request had {recent.rows} rows, truth has {len(values)} values.", "truth", got=truth
        )
    return [_checked(value, row, recent) for row, value in enumerate(values)]


def _checked(value: Any, row: int, recent: Recent) -> Any:
    classes = recent.prediction.categories
    if value is None:
        return None
    if classes is None and recent.prediction.dtype in _TEXTS:
        if isinstance(value, str) != (recent.prediction.dtype == "text") or type(value) not in (str, list, dict):
            told = _TEXTS[recent.prediction.dtype]
            raise fault("wrong_type", f"truth takes {told} a row, not {shown(value)}.", "truth", row, value)
        return value
    if classes is None:
        if type(value) not in (int, float):
            raise fault("wrong_type", f"truth takes a number, not {shown(value)}.", "truth", row, value)
        return value
    matching = next((label for label in classes if type(label) is type(value) and label == value), None)
    if matching is None:
        near = suggest(str(value), map(str, classes))
        known = ", ".join(map(shown, classes[:12]))
        raise fault(
            "unknown_category", f"{shown(value)} is none of the classes: {known}.", "truth", row, value, hint=near
        )
    return value


def _id_of(entry: Any) -> str | None:
    found = entry.get("id") if type(entry) is dict else None
    return found if type(found) is str else None


def _code(error: RequestError) -> dict[str, Any]:
    return {"code": error.facts.get("code", error.code), "field": error.facts.get("field", "")}
