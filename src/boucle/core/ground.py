"""Why somebody did something: the text that stands in the history, and the code by which any language tells it."""

from __future__ import annotations

UNSAID = "asked for"
"""The reason of a deed for which nobody gave one."""
_AGAINST = "override: "


def in_console(actor: str) -> str:
    """Return the reason of what ``actor`` did with a button of the console."""
    return f"asked for by {actor} in the console"


def against(words: str) -> str:
    """Return the reason of what was done against a verdict, with the words of who did it."""
    return _AGAINST + words


def ground_of(reason: str, actor: str) -> dict[str, str]:
    """Return how a reason is told: its ``code``, and the ``words`` that somebody gave against a verdict.

    Codes: ``console``, ``unsaid``, ``by`` (the actor alone is known), ``against``, and ``words`` for any other text.
    """
    if reason == in_console(actor):
        return {"code": "console"}
    if reason == UNSAID:
        return {"code": "unsaid"}
    if reason in (f"by {actor}", f"promoted by {actor}", f"rolled back by {actor}"):
        return {"code": "by"}
    if reason.startswith(_AGAINST):
        return {"code": "against", "words": reason.removeprefix(_AGAINST)}
    return {"code": "words"}
