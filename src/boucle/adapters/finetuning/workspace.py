"""The folder a training works in: by what is trained, so that a run that was killed finds its own again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from boucle.adapters.finetuning.examples import Examples
from boucle.ports.trainer import Job

MODEL = "model"
_STALE = 86_400.0


def opened(job: Job, examples: Examples, digest: str) -> Path:
    """Return the folder of this job, made if need be; those of others, a day old, are removed.

    Without a workspace it is a new temporary folder, and nothing can go on.
    """
    if not job.workspace:
        return Path(tempfile.mkdtemp(prefix="boucle-finetuning-"))
    root = Path(job.workspace) / "finetuning"
    folder = root / _name(job, examples, digest)
    folder.mkdir(parents=True, exist_ok=True)
    for other in root.iterdir():
        if other != folder and time.time() - _touched(other) > _STALE:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def cleared(folder: Path) -> None:
    """Remove what a training that is done no longer needs; the model stays until another day."""
    for left in folder.iterdir():
        if left.is_dir() and not left.name.startswith(MODEL):
            shutil.rmtree(left, ignore_errors=True)
        elif left.is_file():
            left.unlink(missing_ok=True)


def fresh_model(folder: Path) -> Path:
    """Return a folder for a model that is not there yet."""
    number = 1
    while (folder / f"{MODEL}-{number}").exists():
        number += 1
    made = folder / f"{MODEL}-{number}"
    made.mkdir()
    return made


def _name(job: Job, examples: Examples, digest: str) -> str:
    total = hashlib.sha256(digest.encode())
    asked: dict[str, Any] = {
        "task": job.task, "asked": dict(job.pretrained or {}), "seed": job.seed, "weight": job.class_weight,
        "classes": examples.names,
    }  # fmt: skip
    total.update(json.dumps(asked, sort_keys=True, default=str).encode())
    for value, code in zip(examples.inputs, examples.codes.tolist(), strict=True):
        given = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        total.update(f"{code} {len(given)} ".encode() + given)
    others = [values for name, values in examples.columns.items() if name != examples.field.name]
    total.update(repr([examples.truths.tolist(), *others]).encode())
    return total.hexdigest()[:16]


def _touched(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()
