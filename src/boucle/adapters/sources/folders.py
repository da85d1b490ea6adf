"""Images or texts in folders, one folder a class: ``photos/cat/1.jpg``, ``news/sport/001.txt``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.adapters.sources.delimited import find_encoding
from boucle.core.errors import SourceError

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
TABLES = (".csv", ".tsv", ".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".xlsx")
"""A folder that has one of these beside its folders is read as a table."""
MOST_BYTES, MOST_OF_ONE = 8_000_000_000, 200_000_000
"""Bytes of all files, and of one: they are held in memory."""


class FoldersSource:
    """``spec`` is a folder of folders of images or of .txt files; it gives ``image`` or ``text``, and ``label``.

    A file's label is the name of the folder it lies in, however deep: ``train/cat`` and ``test/cat`` are both cats.
    """

    name = "folders"

    def accepts(self, spec: Any, directory: Path) -> bool:
        root = directory / _place(spec)
        if not _place(spec) or not root.is_dir():
            return False
        return not any(f.suffix.lower() in TABLES for f in root.iterdir()) and _ending(root) is not None

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Read all files in sorted order; raises SourceError for one that cannot be read, or when they are too many."""
        root = directory / _place(spec)
        pictures = _ending(root) != ".txt"
        files = sorted(f for f in _files(root) if (f.suffix.lower() in PICTURES) == pictures)
        total = sum(f.stat().st_size for f in files)
        if total > MOST_BYTES:
            raise SourceError(
                f"The files of {root.name} have {total / 1e9:.1f} GB.",
                hint="a training holds them in memory: take fewer",
            )
        encoding = spec.get("encoding") if isinstance(spec, dict) else None
        contents = [_image(f) if pictures else _text(f, encoding) for f in files]
        column = "image" if pictures else "text"
        return pd.DataFrame(
            {
                column: pd.Series(contents, dtype=object),
                "label": pd.Series([f.parent.name for f in files], dtype=object),
            }
        )


def _place(spec: Any) -> str:
    place = spec.get("path") if isinstance(spec, dict) else spec
    return place if isinstance(place, str) and "://" not in place else ""


def _ending(root: Path) -> str | None:
    """Return the ending of the first image or text in the folders below ``root``; None when there is none."""
    return next((f.suffix.lower() for f in _files(root) if f.suffix.lower() in (*PICTURES, ".txt")), None)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of the folders below ``root``, not those of ``root`` itself."""
    for folder in sorted(f for f in root.iterdir() if f.is_dir() and f.name[0] not in "._"):
        yield from (f for f in folder.rglob("*") if f.is_file() and f.name[0] not in "._")


def _image(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_OF_ONE:
            raise SourceError(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB: too much for one image.")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error


def _text(path: Path, encoding: str | None) -> str:
    raw = _image(path)
    try:
        return raw.decode(encoding or find_encoding(raw)).removeprefix("\ufeff").strip()
    except (UnicodeError, LookupError) as error:
        raise SourceError(
            f"{path.name} is not {encoding or 'readable'} text: {error}.", hint="name the right one with data.encoding"
        ) from error
