"""Say what pydantic found wrong in a project in the words of the file, at the place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from boucle.core.errors import suggest
from boucle.project import keys
from boucle.project.document import Document
from boucle.project.faults import Fault, dotted
from boucle.project.masking import STARS, Path
from boucle.project.overrides import Override

_WANTED = {
    "string_type": "text", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "float_type": "a number", "float_parsing": "a number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "list_type": "a list", "dict_type": "keys with values",
    "model_type": "a section of keys", "model_attributes_type": "a section of keys", "finite_number": "a finite number",
}  # fmt: skip
_BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}


def explain(problem: ValidationError, document: Document, origins: Mapping[Path, Override]) -> list[Fault]:
    """Return one fault per place; alternatives of one place are told together, places already faulty are left out."""
    told = {fault.key for fault in document.faults}
    groups: dict[Path, list[ErrorDetails]] = {}
    for detail in problem.errors(include_url=False):
        groups.setdefault(_written(detail, document.value), []).append(detail)
    faults = []
    for path, details in groups.items():
        if dotted(path) in told:
            continue
        text, hint = _told(path, details, document)
        origin = next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)
        faults.append(origin.fault(f"{dotted(path)}: {text}", hint) if origin else document.fault(path, text, hint))
    return faults


def _written(detail: ErrorDetails, tree: Any) -> Path:
    """Cut pydantic's location down to what the file knows: it holds names of union members as well."""
    path: Path = ()
    for part in detail["loc"]:
        if _holds(tree, part):
            tree = tree[part]
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            return (*path, part)
        else:
            break
        path = (*path, part)
    return path


def _holds(tree: Any, part: str | int) -> bool:
    return (
        part in tree
        if isinstance(tree, dict)
        else isinstance(tree, list) and isinstance(part, int) and part < len(tree)
    )


def _told(path: Path, details: list[ErrorDetails], document: Document) -> tuple[str, str]:
    kinds = {detail["type"] for detail in details}
    if "extra_forbidden" in kinds:
        return _unknown(path)
    if "missing" in kinds:
        found = keys.section(keys.at(path[:-1]))
        field = found.model_fields.get(str(path[-1])) if found else None
        return f"this key is missing: {field.description}" if field and field.description else "this key is missing", ""
    found_value = _found(path, document)
    if kinds <= set(_WANTED):
        wanted = " or ".join(dict.fromkeys(_WANTED[detail["type"]] for detail in details))
        return f"should be {wanted}, is {found_value}", _quotes(wanted, path, document)
    telling = [detail for detail in details if detail["type"] not in _WANTED] or details
    told = [_one(detail, found_value, document) for detail in telling]
    return "; ".join(dict.fromkeys(text for text, _ in told)), next((hint for _, hint in told if hint), "")


def _one(detail: ErrorDetails, found: str, document: Document) -> tuple[str, str]:
    kind, facts = detail["type"], detail.get("ctx", {})
    if kind in _BOUNDS:
        sign, name = _BOUNDS[kind]
        return f"should be {sign} {facts[name]}, is {found}", ""
    if kind == "literal_error":
        expected = str(facts["expected"])
        names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
        return f"should be one of {', '.join(names)}, is {found}", suggest(found.strip("'"), names).strip()
    if kind == "string_pattern_mismatch":
        return f"should be letters, digits, '.', '_' and '-', starting with a letter or digit, is {found}", ""
    if kind == "too_short":
        return "should not be empty", ""
    return _scrubbed(str(facts["error"]) if kind == "value_error" else detail["msg"], document), ""


def _unknown(path: Path) -> tuple[str, str]:
    word, known = str(path[-1]), keys.known(path[:-1])
    if elsewhere := [name for name in keys.known(()) if word in keys.known((name,))]:
        return "there is no such key", f"it belongs below {' or '.join(elsewhere)}"
    return "there is no such key", suggest(word, known) + f"known here: {', '.join(known)}"


def _found(path: Path, document: Document) -> str:
    """Show the value at ``path``, or its reference: a secret is never shown."""
    value: Any = document.value
    for depth, part in enumerate(path):
        if path[: depth + 1] in document.references:
            return document.references[path[: depth + 1]]
        value = value[part]
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a section of keys"
    if isinstance(value, list):
        return "a list"
    text = _scrubbed({True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value), document)
    return text if len(text) <= 80 else text[:77] + "..."


def _quotes(wanted: str, path: Path, document: Document) -> str:
    value: Any = document.value
    for part in path:
        value = value[part]
    if wanted.startswith("text") and isinstance(value, bool | int | float):
        text = _found(path, document)
        kind = "true or false" if isinstance(value, bool) else "a number"
        return f"YAML reads {text} as {kind}; for text write '{text}' in quotes"
    return ""


def _scrubbed(text: str, document: Document) -> str:
    for secret in sorted((s for s in document.secrets if s), key=len, reverse=True):
        text = text.replace(secret, STARS)
    return text
