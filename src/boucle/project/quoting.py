"""Write single values as YAML that every reader reads alike, this package's and those of YAML 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from boucle.project.references import escape

_PLAIN = re.compile(r"[^\W\d](?:[\w./+-]| (?=[\w./+-]))*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def key(text: str) -> str:
    """Write a key; references mean nothing in keys, so ``${`` stays."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and len(text) < 100:
        return text
    return '"' + "".join(map(_character, text)) + '"'


def scalar(value: Any) -> str:
    """Write text, a number, a truth value or None."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return key(escape(str(value)))


def listing(values: Iterable[Any]) -> str:
    """Write a list on one line."""
    return "[" + ", ".join(scalar(value) for value in values) + "]"


def mapping(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a mapping on one line; the values are written already."""
    return "{" + ", ".join(f"{key(name)}: {value}" for name, value in pairs) + "}"


def comment(text: str) -> str:
    """Make ``text`` safe behind a ``#``: one line, printable."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))


def _character(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if char.isprintable() and char != "\ufeff":
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
