"""The loop in Python: what ``boucle.open`` and ``boucle.load`` return, for notebooks and applications."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.conversations import is_conversation
from boucle.core.deployment import Strategy
from boucle.core.errors import RequestError
from boucle.core.event import Event
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.signature import KINDS, Column, Signature, Task
from boucle.delivery.release import Change
from boucle.loop import operations, optimizing
from boucle.loop.adoption import adopt_model
from boucle.loop.deriving import Derived
from boucle.loop.distilling import distill as teach
from boucle.loop.project import Project
from boucle.loop.registering import TurnResult
from boucle.loop.turn import run_turn
from boucle.ports.runtime import Predictor
from boucle.ports.trainer import Progress
from boucle.views import models as views
from boucle.views import sentences

Rows = pd.DataFrame | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def open_loop(directory: str | Path | None = None) -> Loop:
    """Open the project in ``directory``, or in the nearest folder upward that has a boucle.yaml.

    Raises ProjectError when there is none or it is wrong.

    >>> loop = boucle.open("wine")          # doctest: +SKIP
    >>> loop.train().verdict.status         # doctest: +SKIP
    'pass'
    """
    return Loop(Project.open(directory, actor="python"))


@overload
def load(ref: str | Path, *, task: Task, labels: Sequence[str] | None = None, **options: Any) -> LoadedCheckpoint: ...
@overload
def load(ref: str | Path, directory: str | Path | None = None) -> LoadedModel: ...
def load(
    ref: str | Path,
    directory: str | Path | None = None,
    *,
    task: Task | None = None,
    labels: Sequence[str] | None = None,
    **options: Any,
) -> LoadedModel | LoadedCheckpoint:
    """Load ``NAME``, ``NAME/7`` or ``NAME@champion`` from the project's registry, verified.

    ``hf://org/name``, ``hf://org/name@revision`` and a folder are checkpoints of texts or images, which need no
    project. ``task`` is said where they can do several, ``labels`` are the candidates of zero-shot-classification,
    ``options`` such as ``max_length`` or ``max_new_tokens`` are described in docs/how-to/pretrained-models.md. Raises
    NotFound, BundleCorrupt, BundleError or UnsafeBundle.

    >>> boucle.load("wine-quality@champion").predict(frame)          # doctest: +SKIP
    >>> boucle.load("hf://org/name", task="text-classification").predict(["a lovely film"])  # doctest: +SKIP
    ['POSITIVE']
    """
    if task or labels or options or _is_checkpoint(ref):
        return _checkpoint(ref, task, labels, options)
    project = Project.open(directory, actor="python")
    version = project.resolve(str(ref))
    predictor, info = project.predictor(version)
    return LoadedModel(version, predictor, info)


def _is_checkpoint(ref: str | Path) -> bool:
    if isinstance(ref, str) and ref.startswith("hf://"):
        return True
    return Path(ref).is_dir() and bool(plugins.load("importers", "pretrained")().accepts(Path(ref)))


def _checkpoint(
    ref: str | Path, task: Task | None, labels: Sequence[str] | None, options: Mapping[str, Any]
) -> LoadedCheckpoint:
    importer = plugins.load("importers", "pretrained")(task, labels, options)
    opened = importer.open(ref, None)
    signature = importer.signature(opened.model)
    return LoadedCheckpoint(
        str(ref), plugins.load("runtimes", opened.runtime)().wrap(opened.model, signature), signature
    )


def adopt(
    model: Any,
    *,
    sample: pd.DataFrame,
    name: str,
    target: str | None = None,
    directory: str | Path = ".",
    allow_pickle: str | None = None,
    task: Task | None = None,
    labels: Sequence[str] = (),
    **options: Any,
) -> TurnResult:
    """Take in a model trained elsewhere: a fitted estimator, the path of a saved one, or a checkpoint's name.

    ``sample`` are rows it can predict, shape (rows, columns); the signature is read off them, and when they have the
    column ``target`` the model is measured on them. A folder without a boucle.yaml gets one. A pickle needs the
    sha256 of its file in ``allow_pickle``. ``task`` is said for a checkpoint of texts that can do several,
    ``labels`` and ``options`` as for ``load``. Raises UnsafeBundle without consent to a pickle.
    """
    return adopt_model(
        Path(directory), model, sample, name=name, target=target, allow_pickle=allow_pickle, task=task,
        labels=labels, options=options,
    )  # fmt: skip


def optimize(
    ref: str,
    target: str = optimizing.DEFAULT,
    directory: str | Path | None = None,
    *,
    agreement: float = optimizing.AGREEMENT,
) -> Derived:
    """Make a quicker version of the version ``ref`` of a project's model of texts or images, as ``boucle optimize``.

    Returns the version and how it stands beside its parent: answers, time and size. Raises as ``Loop.optimize``.

    >>> made = boucle.optimize("reviews/1", "int8")                  # doctest: +SKIP
    >>> made.beside.agreement.value, made.beside.faster              # doctest: +SKIP
    (0.98, 4.7)
    """
    with open_loop(directory) as loop:
        return loop.optimize(ref, target, agreement=agreement)


def distill(
    ref: str,
    student: str,
    directory: str | Path | None = None,
    *,
    unlabelled: str | Path | None = None,
    epochs: int | None = None,
) -> Derived:
    """Teach a smaller model what the version ``ref`` answers, as ``boucle distill``; raises as ``Loop.distill``.

    >>> boucle.distill("reviews/1", "layers=0,5", unlabelled="more.csv")      # doctest: +SKIP
    """
    with open_loop(directory) as loop:
        return loop.distill(student, ref, unlabelled=unlabelled, epochs=epochs)


def silent(text: str, share: float) -> None:
    """Show no progress."""


class Loop:
    """One project. Closing it closes its stores; as a context manager it does so itself."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def train(
        self, frame: pd.DataFrame | None = None, *, with_feedback: bool = False, reason: str = "asked for"
    ) -> TurnResult:
        """Do one turn on the project's data, or on ``frame``; returns what was registered and its verdict."""
        return run_turn(self.project, silent, frame=frame, with_feedback=with_feedback, reason=reason)

    def promote(
        self, ref: str | int, strategy: Strategy | None = None, *, override: bool = False, reason: str = "asked for"
    ) -> Change:
        """Roll a version out: its number or a reference such as ``NAME@challenger``.

        A version whose gate did not pass needs ``override`` and a ``reason`` of at least 15 characters.
        """
        named = f"{self.project.name}/{ref}" if isinstance(ref, int) else ref
        return operations.promote(self.project, named, strategy, reason, override)

    def rollback(self, reason: str = "asked for") -> Change:
        """End the rollout under way, or let the previous champion answer again."""
        return self.project.delivery.rollback(self.project.name, reason)

    def evaluate(self, ref: str, data: str | None = None, against: str | None = None) -> operations.Measured:
        """Measure a version on its test rows or on the file ``data``."""
        return operations.measure(self.project, ref, data, against)

    def optimize(
        self,
        ref: str | None = None,
        target: str = optimizing.DEFAULT,
        *,
        agreement: float = optimizing.AGREEMENT,
        progress: Progress = silent,
    ) -> Derived:
        """Make a quicker version of a model of texts or images, judged beside the one it is made from.

        ``ref`` is the champion unless said, ``target`` as for ``boucle optimize``, ``agreement`` the share of rows
        that have to be answered as before. Raises BundleError saying what can be made instead.
        """
        return optimizing.optimize(self.project, self._named(ref), target, progress, agreement=agreement)

    def distill(
        self,
        student: str,
        ref: str | None = None,
        *,
        unlabelled: str | Path | None = None,
        epochs: int | None = None,
        progress: Progress = silent,
    ) -> Derived:
        """Teach ``student`` (``layers=0,5`` of the teacher, or a checkpoint) what a version answers, and register it.

        ``ref`` is the champion unless said, ``unlabelled`` a file with more rows of the same column. Raises
        RequestError for layers there are not, TrainingError for a teacher of another task.
        """
        more = None if unlabelled is None else str(unlabelled)
        return teach(self.project, self._named(ref), student, more, progress, epochs=epochs)

    def _named(self, ref: str | None) -> str:
        return ref or f"{self.project.name}@champion"

    def load(self, ref: str | None = None) -> LoadedModel:
        """Load a version; default: the champion."""
        return load(self._named(ref), self.project.directory)

    def status(self) -> views.Status:
        return views.status(self.project)

    def history(self, limit: int = 0) -> list[Event]:
        return views.history(self.project, None, [], limit)

    def close(self) -> None:
        self.project.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "\n".join(sentences.headline(m) for m in self.status().models)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(m.name)}</td><td>{html.escape(sentences.headline(m))}</td>"
            f"<td>{html.escape(m.quality['reason'])}</td></tr>"
            for m in self.status().models
        )
        return f"<table><tr><th>model</th><th>state</th><th>quality</th></tr>{rows}</table>"


class LoadedModel:
    """A verified version in memory. It captures nothing: answers that count come from a server or ``boucle.attach``."""

    def __init__(self, version: ModelVersion, predictor: Predictor, info: BundleInfo) -> None:
        self.version = version
        self.signature = info.signature
        self._predictor = predictor
        self._info = info

    def predict(self, rows: Rows) -> NDArray[Any]:
        """Predict; returns shape (rows,). ``rows`` is a frame, one row as a mapping, or a list of those."""
        return np.asarray(self._table(rows)["prediction"])

    def predict_proba(self, rows: Rows) -> pd.DataFrame:
        """Return the probabilities, one column a class; raises AttributeError for a model that gives none."""
        if self.signature.classes is None or len(self.signature.outputs) == 1:
            raise AttributeError(f"{self.version.ref} gives no probabilities")
        table = self._table(rows).drop(columns="prediction")
        table.columns = pd.Index(self.signature.classes)
        return table

    def _table(self, rows: Rows) -> pd.DataFrame:
        if isinstance(rows, Mapping):
            rows = [rows]
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
        return operations.predict_frame(self._predictor, self._info, frame)

    def __repr__(self) -> str:
        told = [self.signature.task, f"{len(self.signature.inputs)} inputs"]
        told += [f"{k} {v:.4g}" for k, v in self.version.metrics.items()]
        return f"<{self.version.ref}: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        cells = [(f.name, f.dtype, _range(f.minimum, f.maximum, f.categories)) for f in self.signature.inputs]
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in row)}</tr>" for row in cells)
        return (
            f"<p>{html.escape(repr(self))}</p><table><tr><th>input</th><th>type</th><th>range</th></tr>{rows}</table>"
        )


class LoadedCheckpoint:
    """A pretrained model in memory, without a project: plain values in, plain values out."""

    def __init__(self, ref: str, predictor: Predictor, signature: Signature) -> None:
        self.ref = ref
        self.signature = signature
        self._predictor = predictor

    def predict(self, rows: Any, *, scores: bool = False) -> Any:
        """Predict on one row or a list of them; returns one answer, or a list in the same order.

        A row is a text; the path, the bytes or the PIL image of a picture; or a mapping by the names of the inputs, as
        question-answering needs. For text-generation a list of messages is a row as well: a conversation. With
        ``scores`` an answer is a dictionary: of a classifier label to probability, the likeliest first; else all it
        gives. Raises RequestError naming the row that cannot be read.
        """
        single = isinstance(rows, str | bytes | Path | Mapping) or hasattr(rows, "save")
        single = single or (self.signature.task == "text-generation" and is_conversation(rows))
        listed = [rows] if single else rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
        table = self._predictor.predict(self._batch(listed))
        answers = [self._answer(table, place, scores) for place in range(len(listed))]
        return answers[0] if single else answers

    def _batch(self, rows: Sequence[Any]) -> dict[str, Column]:
        names = self.signature.names
        made: dict[str, Column] = {name: np.empty(len(rows), dtype=object) for name in names}
        for place, row in enumerate(rows):
            if not isinstance(row, Mapping):
                if len(names) > 1:
                    wanted = ", ".join(f"'{name}'" for name in names)
                    raise RequestError(f"Row {place} is no mapping with {wanted}.", field=names[0], row=place)
                row = {names[0]: row}
            for field in self.signature.inputs:
                if field.name not in row:
                    raise RequestError(f"Row {place} has no '{field.name}'.", field=field.name, row=place)
                value = row[field.name]
                made[field.name][place] = _picture(value, place) if field.dtype == "image" else value
        return made

    def _answer(self, table: Mapping[str, Column], place: int, scores: bool) -> Any:
        classes = self.signature.classes
        if scores and classes is not None:
            pairs = zip(classes, table["probabilities"][place].tolist(), strict=True)
            return dict(sorted(pairs, key=lambda pair: -pair[1]))
        if scores and KINDS[self.signature.task] == "text":
            return {field.name: _plain(table[field.name][place]) for field in self.signature.outputs}
        return _plain(table["prediction"][place])

    def __repr__(self) -> str:
        classes = self.signature.classes
        return f"<{self.ref}: {self.signature.task}{f', {len(classes)} classes' if classes else ''}>"


def _picture(value: Any, place: int) -> Any:
    """Return the bytes of a picture given as a path, as bytes, or as an image of PIL."""
    if isinstance(value, str | Path):
        try:
            return Path(value).read_bytes()
        except OSError as error:
            raise RequestError(f"Row {place}: {value} cannot be read: {error.strerror}.", row=place) from error
    if hasattr(value, "save"):
        kept = io.BytesIO()
        value.save(kept, "PNG")
        return kept.getvalue()
    return value


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _range(low: float | None, high: float | None, categories: Sequence[Any] | None) -> str:
    if categories is not None:
        return ", ".join(map(str, categories))
    return (
        "" if low is None and high is None else f"{low:g} … {high:g}" if None not in (low, high) else f"{low} … {high}"
    )
