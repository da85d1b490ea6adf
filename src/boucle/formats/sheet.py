"""Cells of a sheet that people open in a spreadsheet."""

from __future__ import annotations

import json
from typing import Any

_FORMULAS = ("=", "+", "-", "@")


def cell(value: Any) -> Any:
    """Return what is written for a value: nothing for None, JSON for lists and objects, other values as they are.

    A text that begins as a formula does is quoted, so that no spreadsheet computes it.
    """
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
