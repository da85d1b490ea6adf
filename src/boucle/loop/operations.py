"""What people and the keeper may do to the loop by hand: promote, evaluate, predict, feed back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from boucle.core.deployment import Strategy
from boucle.core.errors import BoucleError, Conflict, RequestError, SourceError
from boucle.core.ground import UNSAID, against
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback
from boucle.core.signature import KINDS
from boucle.core.verdict import Verdict
from boucle.data import fields, pictures, split
from boucle.data.pictures import MOST_OF_ONE
from boucle.data.read import folders_of, read_path
from boucle.delivery.release import Change
from boucle.evaluation import report
from boucle.evaluation.evaluate import evaluate
from boucle.evaluation.result import Evaluation
from boucle.formats.files import write_atomic
from boucle.loop import rollouts
from boucle.loop.batches import media_frames
from boucle.loop.project import Project
from boucle.loop.registering import known_metrics
from boucle.ports.frames import readable, to_batch
from boucle.ports.runtime import Predictor
from boucle.serving.media import MediaLimits, to_media

CHUNK = 10_000
SHORTEST_REASON = 15


def promote(
    project: Project, ref: str, strategy: Strategy | None = None, reason: str = UNSAID, override: bool = False
) -> Change:
    """Roll a version out by ``strategy`` (default: the project's).

    A version whose gate did not pass, or that fails on requests the champion answered, is refused with Conflict, unless
    ``override`` and a reason of its own say so.
    """
    version = project.resolve(ref)
    if not version.passed and not override:
        raise Conflict(
            f"{version.ref} did not pass its gate.",
            hint=f"see why with: boucle show {version.ref}; to release it all the same: --override --reason WHY",
            version=version.ref,
        )
    if override and len(reason) < SHORTEST_REASON:
        raise RequestError(
            f"An override needs a reason of at least {SHORTEST_REASON} characters.",
            hint="say why with --reason",
            field="reason",
        )
    why = against(reason) if override else reason
    return rollouts.begin(project, version, strategy, why, override=override)


@dataclass(frozen=True, slots=True)
class Measured:
    version: ModelVersion
    evaluation: Evaluation
    metrics: dict[str, float]
    verdict: Verdict
    report: str = ""
    against: str | None = None


def measure(
    project: Project, ref: str, data: str | None = None, against: str | None = None, page: Path | None = None
) -> Measured:
    """Evaluate a version on its test rows or on ``data``, against another version or the champion."""
    settings = project.settings
    version = project.resolve(ref)
    predictor, info = project.predictor(version)
    if data is not None:
        frame = fields.conform(read_path(data, project.directory), info.signature.inputs, target=settings.data.target)
        train_frame = None
    else:
        parts = split.split(project.snapshots.load(version.fingerprint), settings.data, KINDS[settings.task] == "class")
        frame, train_frame = parts.test, parts.train
    rival = _rival(project, version, against)
    loaded = project.predictor(rival) if rival else None
    outcome = evaluate(
        version.ref,
        predictor,
        info.signature,
        frame,
        settings.data.target,
        settings.evaluate,
        champion=loaded[0] if loaded else None,
        champion_ref=rival.ref if rival else None,
        champion_signature=loaded[1].signature if loaded else None,
        train_frame=train_frame,
        seed=settings.model.seed,
    )
    if page is not None:
        context = report.Context(
            project=project.name,
            subject=version.ref,
            fingerprint=version.fingerprint,
            run=version.run_id,
            created=project.clock.now(),
        )
        write_atomic(page, report.report_html(outcome, context).encode())
    metrics = known_metrics(outcome)
    return Measured(version, outcome, metrics, outcome.verdict, str(page) if page else "", rival.ref if rival else None)


def _rival(project: Project, version: ModelVersion, against: str | None) -> ModelVersion | None:
    if against is not None:
        return project.resolve(against)
    with project.state.begin(write=False) as tx:
        champion = tx.deployments.get(version.name).champion
    if champion is None or champion == version.number:
        return None
    return project.registry.version(version.name, champion)


def predict_file(
    project: Project,
    ref: str,
    source: str,
    write: Callable[[pd.DataFrame], None],
    progress: Callable[[int], None],
) -> int:
    """Predict every row of the file ``source``, in chunks; returns the number of rows.

    Each row is written with its predictions beside its own columns. Tables are taken whole or refused; of a folder of
    images, one that cannot be read has its reason in the column ``error``.
    """
    predictor, info = project.predictor(project.resolve(ref))
    return predict_with(predictor, info, source, project.directory, write, progress)


def predict_with(
    predictor: Predictor,
    info: BundleInfo,
    source: str,
    directory: Path,
    write: Callable[[pd.DataFrame], None],
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Do what ``predict_file`` does with a model that is loaded already."""
    parts = media_frames(source, info.signature) or _chunks(read_path(source, directory))
    seen = [field.name for field in info.signature.inputs if field.dtype == "image"]
    done = 0
    for part in map(readable, parts):
        _require_columns(part, info)
        known = pictures.brought_in(part, seen, folders_of(source, directory))
        own = part if known is not part else part.drop(columns=_bytes(part, seen))
        answers = _each(predictor, info, known) if "file" in part else predict_frame(predictor, info, known)
        write(pd.concat([own, answers], axis=1))
        done += len(part)
        progress(done)
    return done


def _each(predictor: Predictor, info: BundleInfo, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict files; those that are refused are tried by themselves, and say why."""
    try:
        return predict_frame(predictor, info, frame).assign(error=None)
    except BoucleError as error:
        if len(frame) == 1:
            return pd.DataFrame({"prediction": [None], "error": [error.message]}, index=frame.index, dtype=object)
    return pd.concat([_each(predictor, info, frame.iloc[[row]]) for row in range(len(frame))])


def _bytes(part: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Return the columns that hold image files themselves: no table of answers repeats them."""
    return [name for name in columns if any(isinstance(value, bytes) for value in part[name].head(1))]


def predict_frame(predictor: Predictor, info: BundleInfo, frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame``'s predictions beside its rows' index: ``prediction``, and ``probability_<label>`` per class."""
    batch = to_batch(fields.conform(frame, info.signature.inputs), info.signature.inputs)
    limits = MediaLimits(characters=10_000_000, bytes=MOST_OF_ONE)
    for field in info.signature.inputs:
        if field.dtype in ("text", "image"):
            to_media(field, batch[field.name].tolist(), limits)
    problems = info.signature.problems(batch)
    if problems:
        raise RequestError(f"The rows cannot be predicted: {'; '.join(problems)}.", hint=f"boucle show {info.name}")
    answer = predictor.predict(batch)
    told = {name: column for name, column in answer.items() if name != "probabilities"}
    plain = {name: column if column.ndim == 1 else list(column) for name, column in told.items()}
    result = pd.DataFrame(plain, index=frame.index)
    if info.signature.classes and "probabilities" in answer:
        for position, label in enumerate(info.signature.classes):
            result[f"probability_{label}"] = np.asarray(answer["probabilities"])[:, position]
    return result


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), CHUNK):
        yield frame.iloc[start : start + CHUNK]


def _require_columns(frame: pd.DataFrame, info: BundleInfo) -> None:
    absent = [f.name for f in info.signature.inputs if f.name not in frame.columns and not f.optional]
    if absent:
        raise RequestError(
            f"The file has no column '{absent[0]}'" + (f" (and {len(absent) - 1} more)" if absent[1:] else "") + ".",
            hint=f"{info.name} takes: {', '.join(info.signature.names)}",
            field=absent[0],
        )


def import_feedback(project: Project, path: Path) -> dict[str, int]:
    """Keep the ground truth or events of a file with columns ``id`` and ``truth``, or ``id``, ``event``, ``value``.

    With a column ``row`` a truth is of that row of its request, the first being 0. Lines that say nothing are left out.
    Raises SourceError for other columns and for rows that no request can have; then nothing is kept.
    """
    frame = read_path(str(path), project.directory)
    if "id" not in frame.columns or not ({"truth", "event"} & set(frame.columns)):
        raise SourceError(
            f"{path} has the columns {', '.join(map(str, frame.columns[:8]))}.",
            hint="feedback needs `id` and `truth`, or `id`, `event` and (optionally) `value`",
        )
    now = project.clock.now()
    as_json = KINDS[project.settings.task] != "text"
    most = project.settings.serve.max_rows
    read = [_feedback(line, now, as_json, most) for line in frame.to_dict("records")]
    entries = [one for one in read if one.truth is not None or one.event]
    with project.state.begin() as tx:
        known = tx.observations.known(sorted({e.id for e in entries}))
        tx.observations.ingest((), entries, {})
    joined = sum(e.id in known for e in entries)
    return {"received": len(entries), "joined": joined, "unknown": len(entries) - joined}


def _feedback(line: dict[Any, Any], now: float, as_json: bool, most: int) -> Feedback:
    """Read a line; with ``as_json`` a truth that begins as a JSON list is one."""
    given = {k: v for k, v in line.items() if not (v is None or v is pd.NaT or v != v)}
    truth = given.get("truth")
    if as_json and isinstance(truth, str) and truth.startswith("["):
        truth = json.loads(truth)
    if isinstance(truth, np.generic):
        truth = truth.item()
    if truth is None or (isinstance(truth, list) and "row" not in given):
        listed = truth
    else:
        listed = [*[None] * _place(given, most), truth]  # nothing is said of the rows before it
    value = given.get("value")
    when = float(given["time"]) if "time" in given else now
    return Feedback(
        str(given.get("id")), when, listed, str(given.get("event", "")), None if value is None else float(value)
    )


def _place(given: dict[Any, Any], most: int) -> int:
    """Return the row of its request that a line is about."""
    row = given.get("row", 0)
    if not isinstance(row, int | float) or row != int(row) or not 0 <= row < most:
        raise SourceError(
            f"'{row}' is no row of a request, for {given.get('id')}.",
            hint=f"the column `row` counts from 0 to {most - 1}, as boucle label writes it",
        )
    return int(row)
