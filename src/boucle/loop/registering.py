"""Judge a bundle, register it, and let it compete: what a turn and an adoption end with."""

from __future__ import annotations

import html
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.core.dataset import Snapshot
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.model import ModelVersion
from boucle.core.run import Run
from boucle.core.verdict import Check, Verdict
from boucle.evaluation import report
from boucle.evaluation.evaluate import evaluate
from boucle.evaluation.result import Evaluation
from boucle.formats.files import write_atomic
from boucle.loop.project import Project
from boucle.ports.trainer import Progress
from boucle.registry import versions
from boucle.training.train import Trained


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
    report: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    chosen: str = ""
    warnings: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """Show the report with its plots in a notebook, walled off from the page around it."""
        line = (
            f"<p>{html.escape(f'{self.model}/{self.version}: gate {self.verdict.status}, {self.verdict.reason}')}</p>"
        )
        if not self.report or not Path(self.report).exists():
            return line
        page = html.escape(Path(self.report).read_text(encoding="utf-8"), quote=True)
        return f'{line}<iframe sandbox srcdoc="{page}" style="width:100%;height:600px;border:0"></iframe>'


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle on its way to be a version. ``test`` is None when nothing is known to measure it on.

    ``checks`` are asked of it besides those of the project's gate; ``facts`` are kept in the history with them.
    """

    trained: Trained
    run: Run
    snapshot: Snapshot
    test: pd.DataFrame | None
    train: pd.DataFrame | None
    reason: str
    labelled: int = 0
    kind: str = "trained"
    warnings: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def judge_and_register(project: Project, candidate: Candidate, progress: Progress, started: float) -> TurnResult:
    """Evaluate, write the report, register, record, and admit the version if it is the first that passed.

    ``started`` is the ``time.perf_counter`` value the turn began at.
    """
    progress("evaluating", 0.75)
    evaluation = _evaluate(project, candidate) if candidate.test is not None else None
    verdict = evaluation.verdict if evaluation else _unmeasured(project, candidate)
    if candidate.checks:
        verdict = Verdict.of(verdict.subject, verdict.kind, (*verdict.checks, *candidate.checks), **verdict.inputs)
    metrics = known_metrics(evaluation)
    progress("registering", 0.92)
    pages = _report(project, candidate, evaluation) if evaluation else ()
    version = versions.register(
        project.registry, candidate.trained.directory, _version(project, candidate, verdict, metrics)
    )
    project.registry.finish(candidate.run.id, "finished", metrics, pages)
    verdict = replace(verdict, subject=version.ref)
    _record(project, candidate, version, verdict, pages)
    alias = _admit(project, version, verdict)
    progress("done", 1.0)
    fitted = candidate.trained.fitted
    return TurnResult(
        model=project.name,
        version=version.number,
        run=candidate.run.id,
        metrics=metrics,
        verdict=verdict,
        data=candidate.snapshot,
        runtime=version.runtime,
        seconds=round(time.perf_counter() - started, 3),
        digest=version.digest,
        alias=alias,
        report=str(pages[0]) if pages else "",
        scores=dict(fitted.scores),
        chosen=fitted.chosen,
        warnings=candidate.warnings,
    )


def known_metrics(evaluation: Evaluation | None) -> dict[str, float]:
    """Return the measured values; what is not defined on these rows is left out."""
    found = evaluation.metrics.items() if evaluation else ()
    return {name: estimate.value for name, estimate in found if math.isfinite(estimate.value)}


def _evaluate(project: Project, candidate: Candidate) -> Evaluation:
    trained, settings = candidate.trained, project.settings
    with project.state.begin(write=False) as tx:
        champion = tx.deployments.get(project.name).champion
    rival = project.predictor(project.registry.version(project.name, champion)) if champion else None
    assert candidate.test is not None
    return evaluate(
        f"{project.name} challenger",
        project.runtime(trained.info.runtime).load(trained.directory, trained.info),
        trained.info.signature,
        candidate.test,
        settings.data.target,
        settings.evaluate,
        champion=rival[0] if rival else None,
        champion_ref=f"{project.name}/{champion}" if champion else None,
        champion_signature=rival[1].signature if rival else None,
        train_frame=candidate.train,
        seed=settings.model.seed,
        size_bytes=sum(f.stat().st_size for f in trained.directory.rglob("*") if f.is_file()),
    )


def _unmeasured(project: Project, candidate: Candidate) -> Verdict:
    note = f"the rows have no column '{project.settings.data.target}' to measure against"
    return Verdict.of(f"{project.name} challenger", "gate", [Check("ground truth", "inconclusive", note=note, n=0)])


def _report(project: Project, candidate: Candidate, evaluation: Evaluation) -> tuple[Path, Path]:
    """Write the page and its data under ``reports/``; returns both paths."""
    trained = candidate.trained
    context = report.Context(
        project=project.name,
        subject=f"{project.name} challenger",
        fingerprint=candidate.snapshot.fingerprint,
        run=candidate.run.id,
        created=project.clock.now(),
        scores=dict(trained.fitted.scores),
        chosen=trained.fitted.chosen,
        reason=candidate.reason,
        curves=trained.fitted.curves,
    )
    page = project.root / "reports" / f"{trained.digest[:16]}.html"
    details = page.with_suffix(".json")
    write_atomic(page, report.report_html(evaluation, context).encode())
    write_atomic(details, report.report_json(evaluation, context))
    return page, details


def _version(project: Project, candidate: Candidate, verdict: Verdict, metrics: dict[str, float]) -> ModelVersion:
    return ModelVersion(
        name=project.name,
        number=0,
        digest=candidate.trained.digest,
        run_id=candidate.run.id,
        created=project.clock.now(),
        passed=verdict.status == "pass",
        fingerprint=candidate.snapshot.fingerprint,
        runtime=candidate.trained.info.runtime,
        metrics=metrics,
    )


def _record(
    project: Project, candidate: Candidate, version: ModelVersion, verdict: Verdict, pages: tuple[Path, ...]
) -> None:
    data: dict[str, Any] = {
        "metrics": version.metrics,
        "verdict": to_data(verdict),
        "fingerprint": version.fingerprint,
        "rows": candidate.snapshot.rows,
        "labelled_rows": candidate.labelled,
        "run": version.run_id,
        "digest": version.digest,
        "report": str(pages[0].relative_to(project.root)) if pages else "",
        **candidate.facts,
    }
    text = f"{version.ref} was {candidate.kind} ({candidate.reason}): gate {verdict.status}, {verdict.reason}"
    event = Event(candidate.kind, project.clock.now(), text, version.name, version.number, project.actor, data)
    with project.state.begin() as tx:
        tx.journal.append(event)


def _admit(project: Project, version: ModelVersion, verdict: Verdict) -> str:
    """Return the alias the version got: champion for the first that passed, challenger for a later one, else none."""
    if verdict.status != "pass":
        return ""
    if project.delivery.admit(project.name, version.number, verdict) is not None:
        return "champion"
    with project.state.begin(write=False) as tx:
        held = tx.deployments.get(project.name)
    if held.challenger is None:
        versions.sync_aliases(
            project.registry,
            project.name,
            champion=held.champion,
            challenger=version.number,
            previous=held.previous,
        )
    return "challenger"
