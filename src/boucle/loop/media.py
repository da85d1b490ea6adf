"""Texts and images that were captured, back as rows to learn from: those whose content the project keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.data.read import flat
from boucle.loop.project import Project
from boucle.serving.options import ServeOptions
from boucle.serving.pictures import path_of

_KEPT = ("keep", "redact")


def learnable(project: Project, rows: pd.DataFrame, base: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return captured rows in the columns of ``base``, without those whose text or image is not there any more.

    Also returns how many these are. What was derived for watching is left out; an image is read from the folder of
    kept ones.
    """
    if not len(rows):
        return rows, 0
    rows = rows[[name for name in rows.columns if name in base.columns]]
    pictures = ServeOptions(str(project.root)).pictures
    texts = project.settings.serve.capture.texts in _KEPT
    lost = pd.Series(False, index=rows.index)
    for name in map(str, rows.columns):
        checks = project.settings.data.checks.get(name)
        if name == project.settings.data.target:
            continue
        if _holds_bytes(base[name]):
            rows = rows.assign(**{name: pd.Series([_image(v, pictures) for v in rows[name]], rows.index, object)})
            lost |= rows[name].isna()
        elif checks is not None and checks.type == "text":
            lost |= rows[name].isna() | (not texts) | checks.pii  # personal texts are hashed
    return flat(rows[~lost].reset_index(drop=True), project.settings.data.target), int(lost.sum())


def _holds_bytes(column: pd.Series[Any]) -> bool:
    return any(isinstance(value, bytes) for value in column.dropna().head(1))


def _image(record: Any, folder: Path) -> bytes | None:
    """Return the file of a captured image, None when it was not kept; the archive holds its record as JSON."""
    found = json.loads(record) if isinstance(record, str) else record
    name = found.get("sha256") if isinstance(found, dict) else None
    try:
        return path_of(folder, name).read_bytes() if isinstance(name, str) and name.isalnum() else None
    except OSError:
        return None
