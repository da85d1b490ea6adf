"""Read YAML into plain values and remember where each one stands.

Plain scalars follow YAML 1.2: ``no`` and ``on`` are words, ``1e-3`` is a number, ``2024-01-01`` and ``12:30`` are
text. Keys are always text, so a column may be called ``2020`` or ``yes``. A key that stands twice is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from boucle.project.faults import Fault, dotted, error
from boucle.project.masking import Path
from boucle.project.references import fetch

_LARGEST = 10_000_000
_MOST_NODES = 500_000
_DEEPEST = 50
_WRITTEN = "tag:yaml.org,2002:str"  # `!!str`, the one tag a user may write
_TEXT = "text"
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where PyYAML has it: 10x
    """Composes nodes only, with no resolver: a plain scalar keeps its text until ``scalar`` reads it."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to configure a loader
    DEFAULT_SCALAR_TAG = _TEXT
    DEFAULT_SEQUENCE_TAG = _TEXT
    DEFAULT_MAPPING_TAG = _TEXT


@dataclass
class Document:
    """``places`` holds (line, column) per path, counted from 1; ``references`` the text of values fetched elsewhere."""

    file: str
    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    references: dict[Path, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: Path, text: str, hint: str = "") -> Fault:
        """Make a fault at ``path``, or at the nearest place above it that is written."""
        near = path
        while near and near not in self.places:
            near = near[:-1]
        line, column = self.places.get(near, (0, 0))
        return Fault(self.file, line, column, dotted(path), text, hint)


def read(data: bytes, file: str, environ: Mapping[str, str]) -> Document:
    """Read a project file; raises ProjectError when it is no mapping at all, else collects ``faults``."""
    document = Document(file)
    if len(data) > _LARGEST:
        raise error(
            [Fault(file, 0, 0, "", f"the file has {len(data):,} bytes; a project file has at most {_LARGEST:,}")]
        )
    node = compose(_text(data, file), file)
    if node is None:
        raise error([Fault(file, 1, 1, "", "the file is empty", "boucle init writes a good one from the data")])
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
        raise error([Fault(file, 1, 1, "", f"the file holds {kind}; it should hold keys such as `name: wine-quality`")])
    document.value = _Reader(document, environ).build(node, ())
    return document


def compose(text: str, file: str) -> Any:
    """Parse ``text`` into PyYAML nodes, None for nothing; raises ProjectError with line and column."""
    try:
        _refuse_depth(text, file)
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = " ".join(filter(None, (problem.context, problem.problem)))
        raise error([Fault(file, line, column, "", f"this is not YAML: {said}", _advice(text, line, said))]) from None
    except yaml.YAMLError as problem:
        raise error([Fault(file, 0, 0, "", f"this is not YAML: {' '.join(str(problem).split())}")]) from None


def scalar(text: str) -> Any:
    """Read a plain scalar by the core schema of YAML 1.2: null, bool, int, float or text."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 400 else text
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if found := _INFINITE.fullmatch(text):
        return float("nan") if found[3] else float(f"{found[1]}inf")
    return text


def value(text: str) -> Any:
    """Read one YAML value out of any text, such as an environment variable's; raises ProjectError."""
    document = Document("value")
    node = compose(text, "value")
    built = None if node is None else _Reader(document, None).build(node, ())
    if document.faults:
        raise error(document.faults)
    return built


class _Reader:
    """Builds values from nodes. Without an environment, references stay as they are."""

    def __init__(self, document: Document, environ: Mapping[str, str] | None) -> None:
        self.document, self.environ, self.nodes = document, environ, 0

    def build(self, node: Any, path: Path) -> Any:
        self.document.places.setdefault(path, _place(node))
        self.nodes += 1
        if self.nodes > _MOST_NODES or len(path) > _DEEPEST:  # an alias may contain itself, or grow without end
            raise error([self.document.fault(path[:3], "the file unfolds without end; look at its aliases (*name)")])
        if node.tag not in (_TEXT, _WRITTEN):
            self.document.faults.append(self.document.fault(path, f"the YAML tag {node.tag} is not allowed here"))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        plain = node.value if node.style or node.tag == _WRITTEN else scalar(node.value)
        return self._fetched(plain, path) if isinstance(plain, str) else plain

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.document.places[(*path, "?")] = _place(key)
                self.document.faults.append(self.document.fault((*path, "?"), "a key is one word or text, not a list"))
                continue
            here = (*path, key.value)
            if key.value in built:
                line = self.document.places[here][0]
                fault = Fault(
                    self.document.file, *_place(key), dotted(here), f"this key stands twice, first in line {line}"
                )
                self.document.faults.append(fault)
                continue
            self.document.places[here] = _place(key)
            built[key.value] = self.build(item, here)
        return built

    def _fetched(self, plain: str, path: Path) -> str | None:
        if self.environ is None:
            return plain
        try:
            text, found = fetch(plain, self.environ)
        except ValueError as problem:
            self.document.faults.append(self.document.fault(path, str(problem)))
            return None
        if found:
            self.document.references[path] = plain
            self.document.secrets.add(text)
        return text


def _refuse_depth(text: str, file: str) -> None:
    """Look at the events first: composing recurses in C, and deep nesting would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise error([Fault(file, *_place(event), "", "the YAML is nested too deep")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _text(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        column = problem.start - data.rfind(b"\n", 0, problem.start)
        raise error([Fault(file, line, column, "", "the file is not UTF-8 text", "save it as UTF-8")]) from None


def _advice(text: str, line: int, said: str) -> str:
    lines = text.splitlines()
    there = lines[line - 1] if 0 < line <= len(lines) else ""
    if there.lstrip(" ").startswith("\t") or there.startswith("\t"):
        return "indent with spaces, YAML allows no tab there"
    if "mapping values are not allowed" in said:
        return "put text that holds ': ' in quotes"
    return ""
