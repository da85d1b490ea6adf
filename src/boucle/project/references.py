"""Fetch values that are named and not written: ``${NAME}``, ``${NAME:-default}``, and files named by ``*_FILE``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_REFERENCE = re.compile(r"\$(\$+\{)|\$\{([^}]*)(\}?)")
_INNER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_LARGEST = 1_000_000


def fetch(text: str, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Replace every reference in ``text``; return the result and whether there was one.

    ``${NAME:-default}`` takes the default where NAME is unset or empty. ``$${`` stands for ``${`` itself.
    Raises ValueError that says which reference cannot be fetched, and shows no value.
    """
    found = False

    def one(match: re.Match[str]) -> str:
        nonlocal found
        escaped, inner, closed = match.groups()
        if escaped:
            return str(escaped)
        parts = _INNER.fullmatch(inner) if closed else None
        if not parts:
            raise ValueError(
                f"'{match[0]}' is no reference; write ${{NAME}} or ${{NAME:-default}}, and $${{ for a plain ${{"
            )
        found = True
        name, default = parts.groups()
        value = environ.get(name) or default
        if value is None:
            state = "empty" if name in environ else "not set"
            raise ValueError(f"the environment variable {name} is {state}; set it, or write ${{{name}:-default}}")
        return value

    return _REFERENCE.sub(one, text), found


def escape(text: str) -> str:
    """Write ``text`` so that ``fetch`` gives it back."""
    return re.sub(r"(\$+\{)", r"$\1", text)


def read_secret(path: str) -> str:
    """Read the value that a ``*_FILE`` variable points to, without its last line break; raises ValueError."""
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError(f"the file {path} is too large for a setting")
        return content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not UTF-8 text") from None
