"""``boucle export hub``: a version as a folder that the tools of the Hugging Face hub read, card included."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from boucle import plugins
from boucle.core.dataset import Snapshot
from boucle.core.errors import BoucleError, Conflict, RequestError, StoreError
from boucle.core.model import BundleInfo, ModelVersion
from boucle.data import fields
from boucle.formats.bundle import verify
from boucle.loop import card
from boucle.loop.project import Project
from boucle.ports.exporter import Card
from boucle.ports.frames import to_batch
from boucle.training.bundling import rows_of, spread

PROVED_ROWS = 24


@dataclass(frozen=True, slots=True)
class Written:
    """The folder that was written, and what was proved of it: ``rows`` answered as by the version itself."""

    version: str
    folder: str
    files: tuple[str, ...]
    proof: dict[str, Any]


def export_hub(project: Project, ref: str, folder: Path) -> Written:
    """Write the version ``ref`` into ``folder``, which must not be there or be empty; whole or not at all.

    Raises Conflict for a folder that holds something, BundleError for a version without weights that torch reads.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is there already.", hint="give a folder that is new or empty")
    version = project.resolve(ref)
    directory = project.bundle(version)
    info = verify(directory, version.digest)
    writer: Card = plugins.load("cards", "huggingface")()
    rows = fields.conform(project.snapshots.load(version.fingerprint), info.signature.inputs)
    batch = to_batch(rows, info.signature.inputs)
    examples = rows_of(batch, spread(len(rows), PROVED_ROWS)) if len(rows) else {k: np.array([]) for k in batch}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}.") from error
    try:
        place.chmod(0o755)
        proof = writer.write(directory, info, card.card(_facts(project, version, info, directory)), place, examples)
        if folder.exists():
            folder.rmdir()
        os.replace(place, folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    files = tuple(sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()))
    return Written(version.ref, str(folder), files, proof)


def _facts(project: Project, version: ModelVersion, info: BundleInfo, directory: Path) -> card.Facts:
    said = info.options
    name = str(said.get("file", "checkpoint"))
    known = card.Facts(
        version=version,
        info=info,
        target=project.settings.data.target,
        origin=str(said.get("origin", "")),
        revision=str(said.get("revision", "")),
        pooled=(directory / name / "head.safetensors").is_file(),
    )
    return replace(known, report=_report(project, version), snapshot=_snapshot(project, version))


def _report(project: Project, version: ModelVersion) -> dict[str, Any]:
    """Return the evaluation that was kept when the version was registered; {} where it is not on this machine."""
    try:
        text = (project.root / "reports" / f"{version.digest[:16]}.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return {}
    return found


def _snapshot(project: Project, version: ModelVersion) -> Snapshot | None:
    try:
        frame = project.snapshots.load(version.fingerprint)
    except BoucleError:
        return None
    return Snapshot(version.fingerprint, len(frame), tuple(map(str, frame.columns)), "", version.created)


def required_folder(text: str) -> Path:
    """Return a folder's path; raises RequestError for an address: nothing is sent anywhere from here."""
    if "://" in text:
        raise RequestError(
            f"{text} is an address, not a folder.", hint="export to a folder, then: hf upload ORG/NAME FOLDER"
        )
    return Path(text)
