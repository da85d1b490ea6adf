"""When a key was last used at the data plane: an empty file a key, whose time says it to the minute.

The data plane writes them and has no database; the control plane shows them. A file outlives the process.
"""

from __future__ import annotations

import os
from pathlib import Path

EVERY = 60.0
"""Seconds between two marks of one process: what is told is wrong by as much, and no more."""


def folder_of(serving: Path) -> Path:
    """Return where the marks are, below the folder that both planes share."""
    return serving / "used"


def mark(folder: Path, digest: str, now: float) -> None:
    """Note that the key with this digest was used at ``now`` (Unix seconds); a disk that is full stops nobody."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / digest).touch()
        os.utime(folder / digest, (now, now))
    except OSError:
        return


def marked(folder: Path, digest: str) -> float | None:
    """Return when the key with this digest was last used (Unix seconds), None for one that never was."""
    try:
        return (folder / digest).stat().st_mtime
    except OSError:
        return None
