"""The loop in Python: what ``boucle.open`` and ``boucle.load`` return, for notebooks and applications."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.deployment import Strategy
from boucle.core.event import Event
from boucle.core.model import BundleInfo, ModelVersion
from boucle.delivery.release import Change
from boucle.loop import operations
from boucle.loop.adoption import adopt_model
from boucle.loop.project import Project
from boucle.loop.registering import TurnResult
from boucle.loop.turn import run_turn
from boucle.ports.runtime import Predictor
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


def load(ref: str, directory: str | Path | None = None) -> LoadedModel:
    """Load ``NAME``, ``NAME/7`` or ``NAME@champion`` from the project's registry, verified.

    Raises NotFound, BundleCorrupt or UnsafeBundle.

    >>> boucle.load("wine-quality@champion").predict(frame)          # doctest: +SKIP
    """
    project = Project.open(directory, actor="python")
    version = project.resolve(ref)
    predictor, info = project.predictor(version)
    return LoadedModel(version, predictor, info)


def adopt(
    model: Any,
    *,
    sample: pd.DataFrame,
    name: str,
    target: str | None = None,
    directory: str | Path = ".",
    allow_pickle: str | None = None,
) -> TurnResult:
    """Take in a model trained elsewhere: a fitted estimator or the path of a saved one.

    ``sample`` are rows it can predict, shape (rows, columns); the signature is read off them, and when they have the
    column ``target`` the model is measured on them. A folder without a boucle.yaml gets one. A pickle needs the
    sha256 of its file in ``allow_pickle``. Raises UnsafeBundle without it.
    """
    return adopt_model(Path(directory), model, sample, name=name, target=target, allow_pickle=allow_pickle)


class Loop:
    """One project. Closing it closes its stores; as a context manager it does so itself."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def train(
        self, frame: pd.DataFrame | None = None, *, with_feedback: bool = False, reason: str = "asked for"
    ) -> TurnResult:
        """Do one turn on the project's data, or on ``frame``; returns what was registered and its verdict."""
        return run_turn(self.project, lambda *_: None, frame=frame, with_feedback=with_feedback, reason=reason)

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

    def load(self, ref: str | None = None) -> LoadedModel:
        """Load a version; default: the champion."""
        return load(ref or f"{self.project.name}@champion", self.project.directory)

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


def _range(low: float | None, high: float | None, categories: Sequence[Any] | None) -> str:
    if categories is not None:
        return ", ".join(map(str, categories))
    return (
        "" if low is None and high is None else f"{low:g} … {high:g}" if None not in (low, high) else f"{low} … {high}"
    )
