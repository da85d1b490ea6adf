"""The environments of Evidently and NannyML: each its own, since neither can live with this project's pandas."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from benchmarks.serving.environments import Unavailable, default_cache, fresh, packages

__all__ = ["PEERS", "Unavailable", "default_cache", "environment", "packages"]

PEERS = Path(__file__).parent / "peers"
_STAMP = "installed"


def environment(cache: Path, name: str) -> Path:
    """Return the environment of a peer, installed when its requirements are not those of the last time."""
    folder, wanted = cache / "environments" / f"judging-{name}", PEERS / name / "requirements.txt"
    stamp, mark = folder / _STAMP, hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != mark:
        fresh(folder, ["--requirement", str(wanted)])
        stamp.write_text(mark)
    return folder
