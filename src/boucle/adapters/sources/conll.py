"""Sentences token by token in CoNLL's columns: a token a line, its tag last, a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.adapters.sources.delimited import find_encoding
from boucle.core.errors import SourceError
from boucle.measures.spans import Span, written

ENDINGS = (".conll", ".conll2003", ".conllu", ".bio", ".iob", ".iob2", ".bioes")


class ConllSource:
    """``spec`` is a file, or a folder of them; it gives ``text`` and ``spans``, a JSON list with label, start and end.

    Tags are IOB, IOB2 or BIOES. Tokens are joined by blanks: what stood between them is not in the file.
    """

    name = "conll"

    def accepts(self, spec: Any, directory: Path) -> bool:
        return bool(_found(spec, directory))

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Read all sentences; raises SourceError naming the line that has no tag."""
        encoding = spec.get("encoding") if isinstance(spec, dict) else None
        rows = [row for path in _found(spec, directory) for row in _rows(path, encoding)]
        if not rows:
            raise SourceError("There is no sentence in it.", hint="a token and its tag stand on each line")
        return pd.DataFrame(rows, columns=["text", "spans"], dtype=object)


def _found(spec: Any, directory: Path) -> list[Path]:
    place = spec.get("path") if isinstance(spec, dict) else spec
    if not isinstance(place, str) or "://" in place:
        return []
    path = directory / place
    if path.is_dir():
        return sorted(f for f in path.iterdir() if f.suffix.lower() in ENDINGS)
    return [path] if path.suffix.lower() in ENDINGS and path.is_file() else []


def _rows(path: Path, encoding: str | None) -> Iterator[tuple[str, str]]:
    raw = path.read_bytes()
    try:
        lines = raw.decode(encoding or find_encoding(raw)).splitlines()
    except (UnicodeError, LookupError) as error:
        raise SourceError(f"{path.name} cannot be read as text: {error}.", hint="name data.encoding") from error
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        columns = line.split("\t") if "\t" in line else line.split()
        if columns and not line.startswith(("-DOCSTART-", "#")):
            if len(columns) < 2:
                raise SourceError(f"{path.name}, line {number}: '{line[:40]}' has no tag.", line=number)
            tokens.append(columns[0].strip())
            tags.append(columns[-1].strip())
        elif tokens and not columns:
            yield sentence(tokens, tags)
            tokens, tags = [], []


def sentence(tokens: Sequence[str], tags: Sequence[str]) -> tuple[str, str]:
    """Return the tokens as a text, and the tagged ones as spans of it, in JSON."""
    starts: list[int] = []
    place = 0
    for token in tokens:
        starts.append(place)
        place += len(token) + 1
    ends = [start + len(token) for start, token in zip(starts, tokens, strict=True)]
    return " ".join(tokens), written(list(_spans(tags, starts, ends)))


def _spans(tags: Iterable[str], starts: Sequence[int], ends: Sequence[int]) -> Iterator[Span]:
    """Yield the spans of tags; one that goes on where none began begins one (IOB1)."""
    label, begun, last = "", 0, 0
    for place, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        inside = mark in ("I", "E", "M", "L") and kind == label
        if label and not inside:
            yield Span(starts[begun], ends[last], label)
            label = ""
        if kind and not inside:
            label, begun = kind, place
        if kind:
            last = place
    if label:
        yield Span(starts[begun], ends[last], label)
