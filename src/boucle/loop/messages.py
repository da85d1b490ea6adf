"""What people are told about an alarm: what was found and since when, what was done, how to undo it, how to see more.

One message says the same as plain text and as HTML, with a picture where the evidence has bins. All names come from
data, so in the text they keep to one line and in the HTML they are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

from boucle.core.alarm import Alarm
from boucle.core.errors import BoucleError
from boucle.loop.pictures import histogram
from boucle.loop.project import Project
from boucle.loop.telling.reasons import done_about, named, why_alarm
from boucle.loop.telling.said import Said, say
from boucle.loop.wording import Language, title, word

MOST_SHOWN = 5
"""Failed checks written out; the rest are counted."""
_LONGEST_NAME, _LONGEST_TEXT = 80, 1000
_MEANS_SOMETHING = {"<": "‹", ">": "›", "@": "＠"}
"""Chats read ``<!channel>`` and ``@everyone`` as calls to all, wherever they stand."""


class Message(NamedTuple):
    """``html`` and ``picture`` (a PNG) are for receivers that can show them; "" and b"" without."""

    title: str
    text: str
    html: str = ""
    picture: bytes = b""


def compose(project: Project, alarm: Alarm) -> Message:
    """Write the message about an alarm of ``project``, in its language."""
    return write(alarm, project.settings.language)


def write(alarm: Alarm, language: Language = "en") -> Message:
    """Write the message about ``alarm``.

    Of ``alarm.data`` are read, each if it is there: ``verdict`` (as plain data), ``window`` (``start`` and ``end`` of
    the first that failed, Unix seconds), ``done`` (what was done), ``undo`` (the command that takes it back). What is
    not as it should be is left out: an odd alarm is told all the same.
    """
    verdict = _mapping(alarm.data.get("verdict"))
    failed = [c for c in map(_mapping, _list(verdict.get("checks"))) if c.get("status") == "fail"]
    heading = _heading(alarm, failed, language)
    measured = word("effect", language) + " " if alarm.cause == "drift" else ""
    findings = [_finding(c, measured, language) for c in failed[:MOST_SHOWN]]
    reason = _told(why_alarm, alarm, alarm.reason, language)
    if len(failed) > MOST_SHOWN:
        findings.append(word("more", language).format(len(failed) - MOST_SHOWN))
    findings = findings or [_line(reason, _LONGEST_TEXT)]
    facts = _facts(alarm, verdict, language)
    picture, pictured = _picture(failed)
    text = _text(findings, facts, language)
    return Message(heading, text, _html(heading, findings, facts, pictured, language), picture)


def _told(tell: Callable[[Alarm], Said | None], alarm: Alarm, text: str, language: Language) -> str:
    """Tell in another language what was kept as an English text, from what was kept beside it; else the text."""
    if language == "en":
        return text
    try:
        sentence = tell(alarm)
        return text if sentence is None else say(sentence, language)
    except (ArithmeticError, AttributeError, BoucleError, LookupError, TypeError, ValueError):
        return text  # an odd alarm is told all the same


def _heading(alarm: Alarm, failed: list[Mapping[str, Any]], language: Language) -> str:
    heading = f"{_line(alarm.model)}{word('colon', language)}{_line(title(alarm.cause, language))}"
    names = _columns(failed)
    if alarm.cause not in ("drift", "fault") or not names:
        return heading
    where = ", ".join(names) if len(names) <= 3 else word("columns", language).format(len(names))
    return f"{heading} {word('in', language)} {where}"


def _columns(failed: list[Mapping[str, Any]]) -> list[str]:
    """Return the columns that failed, once each; a fault's check names its column in the evidence."""
    names = [_mapping(c.get("evidence")).get("column") or c.get("name", "") for c in failed]
    return list(dict.fromkeys(_line(str(name)) for name in names))


def _finding(check: Mapping[str, Any], measured: str, language: Language) -> str:
    """Say one check in one line: name, what was seen with its interval, the bound, how many rows, the note."""
    said = _line(_named(check, language))
    low, high = (_number(check.get(key), language) for key in ("low", "high"))
    if seen := _number(check.get("observed"), language):
        said += f"{word('colon', language)}{measured}{seen}"
        said += f" [{low}{word('apart', language)}{high}]" if low and high else ""
    if check.get("bound"):
        said += f" ({word('bound', language)} {_decimal(_plain(str(check['bound']), _LONGEST_NAME), language)})"
    if isinstance(rows := check.get("n"), int):
        said += f", {rows} {word('rows', language)}"
    return said + (f"; {_line(str(check['note']), 300)}" if check.get("note") else "")


def _named(check: Mapping[str, Any], language: Language) -> str:
    """Name a check as pages do where the message is not in English: its own name is."""
    if language == "en":
        return str(check.get("name", ""))
    name = named(check)
    return name if isinstance(name, str) else say(name, language)


def _facts(alarm: Alarm, verdict: Mapping[str, Any], language: Language) -> list[tuple[str, str, bool]]:
    """Return what else is known, as name, text, and whether the text is a command."""
    found: list[tuple[str, str, bool]] = []
    window = _mapping(alarm.data.get("window"))
    start, end = _time(window.get("start")), _time(window.get("end"))
    if start:
        found.append(("window", f"{start} – {end}" if end else start, False))
    if changed := _time(_mapping(verdict.get("inputs")).get("changed")):
        found.append(("changed", changed, False))
    found.append(("opened", _time(alarm.opened) or "–", False))
    if alarm.version is not None:
        found.append(("version", f"{_line(alarm.model)}/{alarm.version}", False))
    done = str(alarm.data.get("done") or word("nothing", language))
    found.append(("done", _line(_told(done_about, alarm, done, language), _LONGEST_TEXT), False))
    if alarm.data.get("undo"):
        found.append(("undo", _line(str(alarm.data["undo"]), 300), True))
    found += [("see", f"boucle alarms {alarm.id}", True), ("ack", f"boucle ack {alarm.id}", True)]
    return [(word(name, language), said, command) for name, said, command in found]


def _text(findings: list[str], facts: list[tuple[str, str, bool]], language: Language) -> str:
    lines = [*findings, "", *(f"{name}{word('colon', language)}{said}" for name, said, _ in facts)]
    return "\n".join(lines) + "\n"


def _html(
    heading: str, findings: list[str], facts: list[tuple[str, str, bool]], pictured: str, language: Language
) -> str:
    items = "".join(f"<li>{escape(one)}</li>" for one in findings)
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{f'<code>{escape(said)}</code>' if command else escape(said)}</td></tr>"
        for name, said, command in facts
    )
    caption = f"<p>{escape(pictured)}{word('colon', language)}{word('plot', language)}</p>" if pictured else ""
    return f"<h3>{escape(heading)}</h3><ul>{items}</ul><table>{rows}</table>{caption}"


def _picture(failed: list[Mapping[str, Any]]) -> tuple[bytes, str]:
    """Draw the first check whose evidence has ``bins``: the counts ``reference`` and ``current``."""
    for check in failed:
        bins = _mapping(_mapping(check.get("evidence")).get("bins"))
        drawn = histogram(_list(bins.get("reference")), _list(bins.get("current")))
        if drawn:
            return drawn, _line(str(check.get("name", "")))
    return b"", ""


def _line(text: str, longest: int = _LONGEST_NAME) -> str:
    """Return text of data on one line, shortened, without what chats act on: no name is a line or a link."""
    return _plain("".join(_MEANS_SOMETHING.get(c, c) for c in text), longest)


def _plain(text: str, longest: int) -> str:
    one = "".join(c if c.isprintable() else " " for c in text)
    return one if len(one) <= longest else one[: longest - 1] + "…"


def _number(value: object, language: Language) -> str:
    try:
        return _decimal(f"{value:.4g}", language) if isinstance(value, int | float) else ""
    except OverflowError:  # an int beyond any float
        return ""


def _decimal(number: str, language: Language) -> str:
    return number.replace(".", ",") if language == "fr" else number


def _time(value: object) -> str:
    try:
        return datetime.fromtimestamp(float(value), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
