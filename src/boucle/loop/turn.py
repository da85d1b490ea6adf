"""One turn of the loop up to registration: data, train, evaluate, register."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.dataset import Snapshot
from boucle.core.errors import BoucleError, ContractError
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.run import Run, RunStatus
from boucle.core.signature import KINDS, Field
from boucle.data import check, fields, read, split
from boucle.formats.files import exclusive
from boucle.loop import lessons
from boucle.loop.lessons import Span
from boucle.loop.project import Project
from boucle.loop.registering import Candidate, TurnResult, judge_and_register
from boucle.measures.metrics import default_metrics
from boucle.ports.trainer import Job, Progress, Trainer
from boucle.project.values import seconds
from boucle.training import environment
from boucle.training.train import Trained, train

Times = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows of a turn, checked, kept by content and parted."""

    snapshot: Snapshot
    fields: tuple[Field, ...]
    train: pd.DataFrame
    test: pd.DataFrame
    labelled: int
    warnings: tuple[str, ...]


def run_turn(
    project: Project,
    progress: Progress,
    *,
    with_feedback: bool = False,
    since: float = 0.0,
    until: float | None = None,
    alone: bool = False,
    reason: str = "asked for",
    frame: pd.DataFrame | None = None,
) -> TurnResult:
    """Do one turn; a version that fails its gate is registered and marked, and answers nothing.

    ``with_feedback`` adds the labelled rows the service has seen from ``since`` to ``until`` (Unix seconds) to the
    data, save those of windows with a data fault. With ``alone`` the model learns from them only if there are enough,
    else from all rows, whatever ``since``. Raises ContractError when the data breaks its contract, Conflict when
    another turn is under way.
    """
    project.prepare()
    with exclusive(project.root / "locks" / "train.lock", f"A training of {project.name}"):
        span = Span(since, until, alone) if with_feedback else None
        return _Turn(project, progress, reason).go(span, frame)


class _Turn:
    def __init__(self, project: Project, progress: Progress, reason: str) -> None:
        self.project = project
        self.settings = project.settings
        self.progress = progress
        self.reason = reason
        self.started = time.perf_counter()

    def go(self, span: Span | None, frame: pd.DataFrame | None) -> TurnResult:
        gathered = self._gather(span, frame)
        read.release()  # the table as it was read is gone: its parts are left
        # Before the run: what is not installed is no failed run. And before MLflow's modules, a thousand, in each of
        # which skops would look for every function of SciPy: half a second.
        trainer = self.project.trainer()
        run = self._begin(gathered)
        try:
            rows = fields.conform(gathered.train, gathered.fields, target=self.settings.data.target)
            times = split.times_of(gathered.train, self.settings.data)
            gathered = replace(gathered, train=gathered.train[[self.settings.data.target]])
            trained = self._train(gathered, rows, run, trainer, times)
            candidate = Candidate(
                trained, run, gathered.snapshot, gathered.test, gathered.train, self.reason, gathered.labelled,
                warnings=(*gathered.warnings, *trained.fitted.warnings),
            )  # fmt: skip
            return judge_and_register(self.project, candidate, self.progress, self.started)
        except BaseException as error:
            status: RunStatus = "failed" if isinstance(error, Exception) else "killed"
            self.project.registry.finish(run.id, status, {})
            if isinstance(error, BoucleError):
                self._event("training_failed", error.message, data={"run": run.id, "code": error.code})
            raise

    def _gather(self, span: Span | None, frame: pd.DataFrame | None) -> Gathered:
        data, directory = self.settings.data, self.project.directory
        self.progress("reading the data", 0.0)
        base = frame if frame is not None else read.read_table(data, directory)
        self.progress("checking it against the contract", 0.05)
        verdict, violations = check.check(base, self.settings)
        if verdict.status == "fail":
            self._event("data_refused", verdict.reason, data={"violations": to_data(violations)})
            raise ContractError(
                f"The data breaks its contract: {verdict.reason}.",
                hint="boucle check lists every violation; mend the data or the contract in boucle.yaml",
                violations=violations,
            )
        warnings = tuple(f"{v.column}: {v.rule} ({v.count} rows)" for v in violations)
        learned = lessons.gather(self.project, span, base)
        inputs = fields.input_fields(learned.known, self.settings)
        if span is not None:
            inputs = fields.widened(inputs, learned.known)
        base, warnings = learned.frame, warnings + learned.warnings
        snapshot = self.project.snapshots.keep(base, source=str(data.source), time=self.project.clock.now())
        parts = split.split(base, data, KINDS[self.settings.task] == "class")
        return Gathered(snapshot, inputs, parts.train, parts.test, learned.labelled, warnings)

    def _begin(self, gathered: Gathered) -> Run:
        self.progress("recording the run", 0.1)
        params: dict[str, Any] = {
            "estimator": self.settings.model.estimator,
            "seed": self.settings.model.seed,
            "reason": self.reason,
            "labelled_rows": gathered.labelled,
            "rows_train": len(gathered.train),
            "rows_test": len(gathered.test),
            **{f"params.{k}": v for k, v in self.settings.model.params.items()},
        }
        return self.project.registry.begin(
            Run(
                experiment=self.settings.tracking.experiment or self.project.name,
                kind="train",
                started=self.project.clock.now(),
                params=params,
                environment=environment.capture(self.project.directory),
            ),
            gathered.snapshot,
        )

    def _train(self, gathered: Gathered, rows: pd.DataFrame, run: Run, trainer: Trainer, times: Times) -> Trained:
        model, data = self.settings.model, self.settings.data
        search = model.search
        estimator = model.estimator if isinstance(model.estimator, str) else tuple(model.estimator)
        job = Job(
            task=self.settings.task,
            fields=gathered.fields,
            target=data.target,
            frame=rows,
            estimator=estimator,
            params=dict(model.params),
            metric=(search.metric if search and search.metric else None) or self.metrics[0],
            trials=search.trials if search else 0,
            timeout=seconds(search.timeout) if search and search.timeout else None,
            folds=model.folds,
            seed=model.seed,
            class_weight=model.class_weight,
            threshold=model.threshold,
            directory=str(self.project.directory),
            pretrained=model.tuning,
            workspace=str(self.project.root / "training") if model.tuning else "",
        )
        lineage = {
            "fingerprint": gathered.snapshot.fingerprint,
            "run": run.id,
            "commit": run.environment.git_commit if run.environment else None,
            "reason": self.reason,
        }
        return train(
            job,
            trainer,
            self.project.runtime,
            self.project.root,
            name=self.project.name,
            lineage=lineage,
            environment=run.environment,
            progress=lambda text, share: self.progress(text, 0.1 + 0.6 * share),
            times=times,
            window=self._window(times),
        )

    def _window(self, times: Times) -> int | None:
        """Return about how many of the data's rows a window of the monitors holds; None without times."""
        window = self.settings.monitor.window
        if times is None or len(times) < 2:
            return None
        if isinstance(window, int):
            return window
        span = max(float(times.max() - times.min()), 1e-9)
        return max(1, round(len(times) * seconds(window) / span))

    @property
    def metrics(self) -> list[str]:
        return list(self.settings.evaluate.metrics or default_metrics(self.settings.task))

    def _event(self, kind: str, reason: str, version: int | None = None, data: dict[str, Any] | None = None) -> None:
        project = self.project
        with project.state.begin() as tx:
            tx.journal.append(
                Event(kind, project.clock.now(), reason, project.name, version, project.actor, data or {})
            )
