"""Take secrets out of what is shown: references stand for the values they fetched, passwords become stars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

STARS = "***"
Path = tuple[str | int, ...]
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):(?!\$\{[^}]*\}@)([^/@\s]+)@")
_PARAMETER = re.compile(r"(?i)([?&;](?:[\w-]*(?:password|passwd|pwd|secret|token|key|sig|signature))=)[^&;\s]+")
_SECRET_KEY = re.compile(r"(?i)(password|passwd|secret|token|api_?key|access_?key|credential)")


def masked(value: Any, key: str = "") -> Any:
    """Copy plain data with every password in a URL, every secret-looking key and every alert address hidden.

    References (``${NAME}``) are names, not values: they stay readable.
    """
    if isinstance(value, Mapping):
        return {name: masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, key) for item in value]
    if not isinstance(value, str) or re.fullmatch(r"\$\{[^}]*\}", value):
        return value
    if _SECRET_KEY.search(key):
        return STARS
    if key == "alerts":  # an Apprise address is a secret from end to end
        return value.partition("://")[0] + "://" + STARS if "://" in value else STARS
    return _PARAMETER.sub(rf"\1{STARS}", _PASSWORD.sub(rf"\1:{STARS}@", value))


def at(tree: Any, path: Path) -> Any:
    """Return what stands at ``path`` of nested dicts and lists, None where nothing does."""
    for part in path:
        if isinstance(tree, dict):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree


def put(tree: Any, path: Path, value: Any) -> None:
    """Set ``value`` at ``path`` of nested dicts and lists; a path that is not there is left alone."""
    above, last = at(tree, path[:-1]), path[-1]
    there = last in above if isinstance(above, dict) else isinstance(above, list) and isinstance(last, int)
    if there:
        above[last] = value
