"""The JSON Schema of boucle.yaml, for editors. ``python -m boucle.project.schema`` writes it beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boucle.project.settings import Settings

FILE = "boucle.schema.json"
SHIPPED = Path(__file__).with_name(FILE)
_REFERENCE = {"type": "string", "pattern": r"\$\{"}


def json_schema() -> dict[str, Any]:
    """Return the schema as plain data: what ``load`` accepts, references such as ``${PORT}`` included."""
    made = Settings.model_json_schema()
    plain: dict[str, Any] = _plain(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **plain}


def text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _plain(node: Any) -> Any:
    """Drop pydantic's titles and the defaults of whole sections, and let a reference stand for any narrower value."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plain(item) for key, item in node.items() if key not in ("title", "properties", "$defs")}
    for key in ("properties", "$defs"):  # below these, names are the user's and not the schema's
        if key in node:
            made[key] = {name: _plain(item) for name, item in node[key].items()}
    if isinstance(made.get("default"), dict):
        del made["default"]  # each key below has its own
    if made.get("type") in ("number", "integer", "boolean") or "enum" in made or "pattern" in made:
        kept = {key: made.pop(key) for key in ("description", "default") if key in made}
        return {"anyOf": [made, _REFERENCE], **kept}
    return made


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
