"""A process that predicts a folder and is killed in the middle of a file: its model says so, and never ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.loop.project import Project
from boucle.loop.watched import WatchedFolder

TEXTS = Signature((Field("text", "text"),), outputs_of(None))
IMAGES = Signature((Field("image", "image"),), outputs_of(None))


class Lengths:
    """Answers with the length of a text or a file; a text of ``wait`` makes it stop there until it is killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0

    def predict(self, batch: Batch) -> Batch:
        self.calls += 1
        values = list(batch[self.name])
        if "wait" in values:
            Path(sys.argv[1], ".waiting").touch()
            time.sleep(60)
        return {"prediction": np.array([float(len(value)) for value in values])}


def project(root: Path, signature: Signature, predictor: Any) -> Project:
    """Return as much of a project as a watched folder needs."""
    info = BundleInfo("m", signature, "fake", 0.0)
    version = SimpleNamespace(ref="m/1")
    found = SimpleNamespace(
        root=root, directory=root, resolve=lambda ref: version, predictor=lambda version: (predictor, info)
    )
    return cast("Project", found)


def written(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of answers."""
    frame = pd.read_json(path, lines=True) if path.suffix == ".jsonl" else pd.read_csv(path)
    return cast("list[dict[str, Any]]", frame.astype(object).where(frame.notna(), None).to_dict("records"))


if __name__ == "__main__":
    watched = WatchedFolder(project(Path(sys.argv[2]), TEXTS, Lengths("text")), "m", Path(sys.argv[1]))
    with watched.held():
        watched.step()
        watched.step()
