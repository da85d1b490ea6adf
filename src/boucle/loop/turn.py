"""One turn of the loop up to registration: data, train, evaluate, register."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.core.dataset import Snapshot
from boucle.core.errors import BoucleError, ContractError
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.model import ModelVersion
from boucle.core.run import Run
from boucle.core.signature import Field
from boucle.core.verdict import Verdict
from boucle.data import check, fields, read, split
from boucle.evaluation import report
from boucle.evaluation.evaluate import Evaluation, evaluate
from boucle.formats.files import exclusive, write_atomic
from boucle.loop.project import Project
from boucle.measures.metrics import default_metrics
from boucle.ports.trainer import Job, Progress
from boucle.registry import versions
from boucle.training import environment
from boucle.training.train import Trained, train


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn left behind: the registered version, its gate's verdict, and whether it answers already."""

    model: str
    version: int
    run: str
    metrics: dict[str, float]
    verdict: Verdict
    data: Snapshot
    runtime: str
    seconds: float
    digest: str
    alias: str
    report: str
    scores: dict[str, float] = field(default_factory=dict)
    chosen: str = ""
    warnings: tuple[str, ...] = ()


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
    reason: str = "asked for",
    frame: pd.DataFrame | None = None,
) -> TurnResult:
    """Do one turn; a version that fails its gate is registered and marked, and answers nothing.

    ``with_feedback`` adds the labelled rows the service has seen since ``since`` (Unix seconds) to the data.
    Raises ContractError when the data breaks its contract, Conflict when another turn is under way.
    """
    project.prepare()
    with exclusive(project.root / "locks" / "train.lock", f"A training of {project.name}"):
        return _Turn(project, progress, reason).go(with_feedback, since, frame)


class _Turn:
    def __init__(self, project: Project, progress: Progress, reason: str) -> None:
        self.project = project
        self.settings = project.settings
        self.progress = progress
        self.reason = reason
        self.started = time.perf_counter()

    def go(self, with_feedback: bool, since: float, frame: pd.DataFrame | None) -> TurnResult:
        gathered = self._gather(with_feedback, since, frame)
        run = self._begin(gathered)
        try:
            trained = self._train(gathered, run)
            evaluation, champion = self._evaluate(gathered, trained)
            return self._register(gathered, run, trained, evaluation, champion)
        except BaseException as error:
            status = "failed" if isinstance(error, Exception) else "killed"
            self.project.registry.finish(run.id, status, {})  # type: ignore[arg-type]
            if isinstance(error, BoucleError):
                self._event("training_failed", error.message, data={"run": run.id, "code": error.code})
            raise

    def _gather(self, with_feedback: bool, since: float, frame: pd.DataFrame | None) -> Gathered:
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
        labelled = self._feedback_rows(since) if with_feedback else None
        if labelled is not None and len(labelled):
            base = pd.concat([base, labelled], ignore_index=True)
        inputs = fields.input_fields(base, self.settings)
        if labelled is not None:
            inputs = fields.widened(inputs, base)
        snapshot = self.project.snapshots.keep(base, source=str(data.source), time=self.project.clock.now())
        classification = self.settings.task == "tabular-classification"
        parts = split.split(base, data, classification)
        return Gathered(snapshot, inputs, parts.train, parts.test, 0 if labelled is None else len(labelled), warnings)

    def _feedback_rows(self, since: float) -> pd.DataFrame:
        """Labelled rows as the service saw them, one per answered row, in the data's own columns."""
        with self.project.state.begin() as tx:
            joined = tx.observations.joined(self.project.name, since=since, inputs=True)
        answered = [i for i, role in enumerate(joined.roles) if role != "shadow" and joined.truths[i] is not None]
        columns = {name: [values[i] for i in answered] for name, values in joined.inputs.items()}
        columns[self.settings.data.target] = [joined.truths[i] for i in answered]
        return pd.DataFrame(columns)

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

    def _train(self, gathered: Gathered, run: Run) -> Trained:
        model, data = self.settings.model, self.settings.data
        search = model.search
        estimator = model.estimator if isinstance(model.estimator, str) else tuple(model.estimator)
        job = Job(
            task=self.settings.task,
            fields=gathered.fields,
            target=data.target,
            frame=fields.conform(gathered.train, gathered.fields, target=data.target),
            estimator=estimator,
            params=dict(model.params),
            metric=(search.metric if search and search.metric else None) or self.metrics[0],
            trials=search.trials if search else 0,
            timeout=fields.seconds_or_none(search.timeout) if search else None,
            folds=model.folds,
            seed=model.seed,
            class_weight=model.class_weight,
            threshold=model.threshold,
            directory=str(self.project.directory),
        )
        lineage = {
            "fingerprint": gathered.snapshot.fingerprint,
            "run": run.id,
            "commit": run.environment.git_commit if run.environment else None,
            "reason": self.reason,
        }
        trainer = self.project.trainer()
        return train(
            job,
            trainer,
            self.project.runtime,
            self.project.root,
            name=self.project.name,
            lineage=lineage,
            environment=run.environment,
            progress=lambda text, share: self.progress(text, 0.1 + 0.6 * share),
        )

    @property
    def metrics(self) -> list[str]:
        return list(self.settings.evaluate.metrics or default_metrics(self.settings.task))

    def _evaluate(self, gathered: Gathered, trained: Trained) -> tuple[Evaluation, int | None]:
        self.progress("evaluating", 0.75)
        runtime = self.project.runtime(trained.info.runtime)
        with self.project.state.begin() as tx:
            champion = tx.deployments.get(self.project.name).champion
        rival = (
            self.project.predictor(self.project.registry.version(self.project.name, champion))[0] if champion else None
        )
        outcome = evaluate(
            f"{self.project.name} challenger",
            runtime.load(trained.directory, trained.info),
            trained.info.signature,
            gathered.test,
            self.settings.data.target,
            self.settings.evaluate,
            champion=rival,
            champion_ref=f"{self.project.name}/{champion}" if champion else None,
            train_frame=gathered.train,
            seed=self.settings.model.seed,
            size_bytes=_size(trained.directory),
        )
        return outcome, champion

    def _register(
        self, gathered: Gathered, run: Run, trained: Trained, evaluation: Evaluation, champion: int | None
    ) -> TurnResult:
        self.progress("registering", 0.92)
        project, verdict = self.project, evaluation.verdict
        metrics = {name: estimate.value for name, estimate in evaluation.metrics.items()}
        page = project.root / "reports" / f"{trained.digest[:16]}.html"
        context = report.Context(
            project=project.name,
            subject=f"{project.name} challenger",
            fingerprint=gathered.snapshot.fingerprint,
            run=run.id,
            created=project.clock.now(),
            scores=dict(trained.fitted.scores),
            chosen=trained.fitted.chosen,
            reason=self.reason,
        )
        write_atomic(page, report.report_html(evaluation, context).encode())
        details = page.with_suffix(".json")
        write_atomic(details, report.report_json(evaluation, context))
        version = versions.register(
            project.registry,
            trained.directory,
            ModelVersion(
                name=project.name,
                number=0,
                digest=trained.digest,
                run_id=run.id,
                created=project.clock.now(),
                passed=verdict.status == "pass",
                fingerprint=gathered.snapshot.fingerprint,
                runtime=trained.info.runtime,
                metrics=metrics,
            ),
        )
        project.registry.finish(run.id, "finished", metrics, (page, details))
        verdict = replace(verdict, subject=version.ref)
        alias = self._admit(version, verdict, metrics, gathered, page)
        self.progress("done", 1.0)
        return TurnResult(
            model=project.name,
            version=version.number,
            run=run.id,
            metrics=metrics,
            verdict=verdict,
            data=gathered.snapshot,
            runtime=trained.info.runtime,
            seconds=round(time.perf_counter() - self.started, 3),
            digest=trained.digest,
            alias=alias,
            report=str(page),
            scores=dict(trained.fitted.scores),
            chosen=trained.fitted.chosen,
            warnings=gathered.warnings,
        )

    def _admit(
        self, version: ModelVersion, verdict: Verdict, metrics: dict[str, float], gathered: Gathered, page: Path
    ) -> str:
        project = self.project
        self._event(
            "trained",
            f"{version.ref} was trained ({self.reason}): gate {verdict.status}, {verdict.reason}",
            version=version.number,
            data={
                "metrics": metrics,
                "verdict": to_data(verdict),
                "fingerprint": gathered.snapshot.fingerprint,
                "rows": len(gathered.train) + len(gathered.test),
                "labelled_rows": gathered.labelled,
                "run": version.run_id,
                "digest": version.digest,
                "report": str(page.relative_to(project.root)),
            },
        )
        if verdict.status != "pass":
            return ""
        if project.delivery.admit(project.name, version.number, verdict) is not None:
            return "champion"
        with project.state.begin() as tx:
            held = tx.deployments.get(project.name)
        if held.champion == version.number:
            return "champion"  # the same data, project and seed gave the same bundle
        if held.challenger is None:
            versions.sync_aliases(
                project.registry,
                project.name,
                champion=held.champion,
                challenger=version.number,
                previous=held.previous,
            )
        return "challenger"

    def _event(self, kind: str, reason: str, version: int | None = None, data: dict[str, Any] | None = None) -> None:
        project = self.project
        with project.state.begin() as tx:
            tx.journal.append(
                Event(kind, project.clock.now(), reason, project.name, version, project.actor, data or {})
            )


def _size(directory: Path) -> int:
    return sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())
