"""``boucle distill``: a smaller model that learned what a version answers, from labelled rows and others."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.errors import DataError, RequestError
from boucle.core.signature import Signature
from boucle.data import fields, pictures
from boucle.data.read import folders_of, read_path
from boucle.evaluation.evaluate import chosen_metrics
from boucle.evaluation.scored import labelled_rows, truth_of
from boucle.loop.deriving import Derived, Parent, derive
from boucle.loop.project import Project
from boucle.ports.exporter import Distiller, Exported, Lessons
from boucle.ports.frames import to_batch
from boucle.ports.trainer import Progress

AT_ONCE = 512
_KEY = 16


def distill(
    project: Project,
    ref: str,
    student: str,
    unlabelled: str | None = None,
    progress: Progress = lambda text, share: None,
    *,
    epochs: int | None = None,
) -> Derived:
    """Teach ``student`` what the version ``ref`` answers, and register it, judged beside its teacher.

    ``student`` is ``layers=0,5`` or a checkpoint, ``unlabelled`` a file with more rows of the same column. The
    teacher's answers are kept, so a second student costs no second reading. Raises RequestError for a version that
    answers no classes, TrainingError or BundleError.
    """
    if epochs is not None and epochs < 1:
        raise RequestError(f"{epochs} epochs are none.", hint="give 1 or more", field="epochs")
    distiller: Distiller = plugins.load("distillers", "pretrained")()

    def make(parent: Parent, folder: Path) -> Exported:
        signature = parent.info.signature
        inputs, labels = _rows(project, parent, unlabelled)
        lessons = Lessons(inputs, labels, _told(project, parent, inputs, progress))
        settings = {
            "metric": chosen_metrics(project.settings.evaluate, signature.task)[0],
            "seed": project.settings.model.seed,
            "epochs": epochs,
            "directory": str(project.directory),
        }
        return distiller.distill(
            parent.directory, parent.info, student, lessons, folder, settings,
            lambda text, share: progress(text, 0.25 + 0.35 * share),
        )  # fmt: skip

    return derive(project, ref, "distilled", f"student {student}", make, progress)


def _rows(project: Project, parent: Parent, unlabelled: str | None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return what is learned from: the labelled rows, and the others with the label -1."""
    signature, target = parent.info.signature, project.settings.data.target
    if not signature.classes or len(signature.names) != 1:
        raise RequestError(
            f"{parent.version.ref} does {signature.task}: only classifiers of one text or image are taught.",
            hint="make it smaller with: boucle optimize",
        )
    if parent.train is None:
        raise DataError(f"The rows of {parent.version.ref} have no column '{target}' to judge a student by.")
    name, known = signature.names[0], labelled_rows(parent.train, target)
    inputs = _inputs(known, signature)
    places = {label: place for place, label in enumerate(signature.classes)}
    labels = [places.get(label, -1) for label in truth_of(known, target, signature).tolist()]
    if unlabelled is not None:
        frame = read_path(unlabelled, project.directory)
        if name not in frame.columns:
            raise RequestError(
                f"{unlabelled} has no column '{name}'.", hint=f"its columns are: {', '.join(map(str, frame.columns))}"
            )
        seen = [field.name for field in signature.inputs if field.dtype == "image"]
        frame = pictures.brought_in(frame[frame[name].notna()], seen, folders_of(unlabelled, project.directory))
        # A row it is judged by is no row to learn from, also without its label.
        judged = set() if parent.test is None else set(_inputs(parent.test, signature))
        more = [value for value in _inputs(frame, signature) if value not in judged]
        inputs, labels = [*inputs, *more], [*labels, *[-1] * len(more)]
    column = np.empty(len(inputs), dtype=object)
    column[:] = inputs
    return column, np.array(labels, dtype=np.int64)


def _inputs(frame: Any, signature: Signature) -> list[Any]:
    batch = to_batch(fields.conform(frame, signature.inputs), signature.inputs)
    return list(batch[signature.names[0]])


def _told(project: Project, parent: Parent, inputs: NDArray[Any], progress: Progress) -> NDArray[np.float64]:
    """Return the teacher's probabilities, shape (rows, classes); what it was asked before is not computed again."""
    file = project.root / "training" / "teachers" / f"{parent.version.digest[:16]}.npz"
    keys = [_key(value) for value in inputs]
    kept = _kept(file)
    asked = [row for row, key in enumerate(keys) if key not in kept]
    if asked:
        teacher = project.runtime(parent.info.runtime).load(parent.directory, parent.info)
        name = parent.info.signature.names[0]
        for start in range(0, len(asked), AT_ONCE):
            progress(f"asking the teacher {len(asked):,} rows", 0.05 + 0.2 * start / len(asked))
            some = asked[start : start + AT_ONCE]
            shares = np.asarray(teacher.predict({name: inputs[some]})["probabilities"])
            kept |= {keys[row]: share for row, share in zip(some, shares, strict=True)}
        _keep(file, kept)
    return np.array([kept[key] for key in keys], dtype=np.float64)


def _key(value: Any) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=_KEY).digest()


def _kept(file: Path) -> dict[bytes, NDArray[np.float64]]:
    """Return what is kept; a file that cannot be read is computed anew."""
    try:
        with np.load(file, allow_pickle=False) as found:
            keys, shares = found["keys"], found["shares"]
        return {keys[row].tobytes(): shares[row] for row in range(len(keys))}
    except (OSError, ValueError, KeyError, EOFError):
        return {}


def _keep(file: Path, kept: dict[bytes, NDArray[np.float64]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        keys = np.frombuffer(b"".join(kept), dtype=np.uint8).reshape(-1, _KEY)
        np.savez(stream, keys=keys, shares=np.array(list(kept.values()), dtype=np.float64))
    os.replace(part, file)
