"""Make a version from another one: quicker, smaller or taught by it; judged beside it and gated like any challenger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pandas as pd

from boucle.core.dataset import Snapshot
from boucle.core.json import to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.run import Environment, Run
from boucle.core.signature import KINDS, Signature
from boucle.core.verdict import Check, Status
from boucle.data import fields, split
from boucle.evaluation import comparison
from boucle.evaluation.beside import Beside, beside
from boucle.evaluation.evaluate import chosen_metrics
from boucle.evaluation.result import Comparison
from boucle.evaluation.scored import Scored, labelled_rows, prepare
from boucle.formats.bundle import verify
from boucle.formats.files import exclusive
from boucle.loop.project import Project
from boucle.loop.registering import Candidate, TurnResult, judge_and_register
from boucle.ports.exporter import Exported
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor
from boucle.ports.trainer import Fitted, Progress
from boucle.training import bundling, environment
from boucle.training.train import Trained, described

Kind = Literal["optimized", "distilled"]
_RUNS: dict[Kind, Literal["optimize", "distill"]] = {"optimized": "optimize", "distilled": "distill"}


@dataclass(frozen=True, slots=True)
class Parent:
    """The version something is made from: its verified bundle, and the rows it is known by.

    ``test`` are rows with their truth that it has not learned from, None where no truth is known.
    """

    version: ModelVersion
    info: BundleInfo
    directory: Path
    snapshot: Snapshot
    rows: pd.DataFrame
    train: pd.DataFrame | None
    test: pd.DataFrame | None

    @classmethod
    def of(cls, project: Project, ref: str, kind: Kind) -> Parent:
        """Open the version ``ref`` names; raises NotFound, BundleError for one of another tool.

        What was adopted has learned from none of the rows here, but a student of it does.
        """
        version = project.resolve(ref)
        directory = project.bundle(version)
        info = verify(directory, version.digest)
        rows = project.snapshots.load(version.fingerprint)
        snapshot = Snapshot(version.fingerprint, len(rows), tuple(map(str, rows.columns)), version.ref, version.created)
        target = project.settings.data.target
        if target not in rows.columns:
            return cls(version, info, directory, snapshot, rows, None, None)
        if "adopted" in info.lineage and kind == "optimized":
            return cls(version, info, directory, snapshot, rows, None, rows)
        parts = split.split(rows, project.settings.data, KINDS[project.settings.task] == "class")
        return cls(version, info, directory, snapshot, rows, parts.train, parts.test)

    @property
    def judging(self) -> pd.DataFrame:
        """The rows both are asked: unseen ones where there are some."""
        return self.rows if self.test is None else self.test


@dataclass(frozen=True, slots=True)
class Derived:
    """What came of it: the registered version, and how it stands beside its parent.

    ``against`` compares metrics on the same rows, None where no truth is known.
    """

    turn: TurnResult
    parent: str
    beside: Beside
    against: Comparison | None
    notes: tuple[str, ...] = ()


def derive(
    project: Project,
    ref: str,
    kind: Kind,
    what: str,
    make: Callable[[Parent, Path], Exported],
    progress: Progress,
    *,
    agreement: float | None = None,
) -> Derived:
    """Have ``make`` build a model from the version ``ref``, keep it as a bundle, judge it and register it.

    ``what`` names it in the history. With ``agreement`` its gate also asks that so large a share of the rows is
    answered as by its parent. Raises Conflict when a training is under way.
    """
    project.prepare()
    with (
        exclusive(project.root / "locks" / "train.lock", f"A training of {project.name}"),
        TemporaryDirectory(dir=project.root) as place,
    ):
        started = time.perf_counter()
        parent = Parent.of(project, ref, kind)
        surroundings = environment.capture(project.directory)
        run = _begin(project, parent, kind, what, surroundings)
        try:
            made = make(parent, Path(place))
            progress("saving the model and checking that it answers the same", 0.6)
            trained = _kept(project, parent, made, run, kind, what, surroundings)
            progress("asking both the same rows", 0.7)
            found, against = _judged(project, parent, trained)
            checks = _checks(found, None if _is_champion(project, parent) else against, agreement, parent)
            candidate = Candidate(
                trained, run, parent.snapshot, parent.test, parent.train, f"{what} of {parent.version.ref}",
                kind=kind, warnings=made.notes, checks=checks,
                facts={"parent": parent.version.ref, "beside": to_data(found)},
            )  # fmt: skip
            turn = judge_and_register(project, candidate, progress, started)
        except BaseException as error:
            project.registry.finish(run.id, "failed" if isinstance(error, Exception) else "killed", {})
            raise
        return Derived(turn, parent.version.ref, found, against, made.notes)


def _begin(project: Project, parent: Parent, kind: Kind, what: str, surroundings: Environment) -> Run:
    return project.registry.begin(
        Run(
            experiment=project.settings.tracking.experiment or project.name,
            kind=_RUNS[kind],
            started=project.clock.now(),
            params={"parent": parent.version.ref, "made": what},
            environment=surroundings,
        ),
        parent.snapshot,
    )


def _kept(
    project: Project, parent: Parent, made: Exported, run: Run, kind: Kind, what: str, surroundings: Environment
) -> Trained:
    """Publish the bundle. Its reference profile holds its own answers to rows its parent had not learned from."""
    runtime, info, signature = project.runtime(made.runtime), parent.info, parent.info.signature
    rows = fields.conform(parent.judging, signature.inputs, target=project.settings.data.target)
    fitted = Fitted(made.model, made.runtime, signature, params=made.params, chosen=what, warnings=made.notes)
    lineage = {"fingerprint": parent.version.fingerprint, "run": run.id, "parent": parent.version.ref}
    told: dict[str, Any] = {kind: {"parent": parent.version.ref, "digest": parent.version.digest, **made.params}}
    if kind == "optimized" and "adopted" in info.lineage:
        told["adopted"] = info.lineage["adopted"]
    plan = bundling.Plan(
        name=project.name,
        model=made.model,
        signature=signature,
        sample=to_batch(rows, signature.inputs),
        lineage={**described(lineage, surroundings, fitted), **told},
        threshold=info.threshold,
    )
    if parent.test is not None:
        known = labelled_rows(rows, project.settings.data.target)
        scored = prepare(runtime.wrap(made.model, signature), signature, known, project.settings.data.target)
        plan = replace(plan, sample=scored.batch, answers=scored.output, truth=scored.truth)
    info, directory, digest = bundling.make(plan, runtime, project.root)
    return Trained(fitted, info, directory, digest)


def _judged(project: Project, parent: Parent, trained: Trained) -> tuple[Beside, Comparison | None]:
    """Ask parent and child the same rows, as they are loaded where they are served."""
    settings, target = project.settings, project.settings.data.target
    before = project.runtime(parent.info.runtime).load(parent.directory, parent.info)
    after = project.runtime(trained.info.runtime).load(trained.directory, trained.info)
    sizes = (size_of(parent.directory), size_of(trained.directory))
    pair = [_scored(project, parent, one, parent.info.signature) for one in (before, after)]
    found = beside(parent.version.ref, pair[0], pair[1], sizes)
    if parent.test is None or target not in parent.judging.columns:
        return found, None
    metrics = chosen_metrics(settings.evaluate, parent.info.signature.task)
    margin = settings.evaluate.champion.margin
    told = comparison.compare(
        parent.version.ref, metrics, pair[0].answers, pair[1].answers, margin, settings.model.seed
    )
    return found, told


def _scored(project: Project, parent: Parent, predictor: Predictor, signature: Signature) -> Scored:
    target = project.settings.data.target
    rows = parent.judging
    if parent.test is not None:
        return prepare(predictor, signature, labelled_rows(rows, target), target)
    batch = to_batch(rows, signature.inputs)
    first = batch[signature.names[0]]
    return Scored(predictor, signature, batch, first)


def _is_champion(project: Project, parent: Parent) -> bool:
    """Say whether the gate compares with the parent anyway."""
    with project.state.begin(write=False) as tx:
        return tx.deployments.get(project.name).champion == parent.version.number


def _checks(found: Beside, against: Comparison | None, agreement: float | None, parent: Parent) -> tuple[Check, ...]:
    """Return what the gate asks besides: answers as its parent's, and, against it, no worse."""
    checks = []
    if agreement is not None:
        same = found.agreement
        enough: Status = "pass" if same.value >= agreement else "fail"
        checks.append(
            Check(
                "agreement", enough, same.value, f">= {agreement:g}", same.low, same.high, same.n,
                f"rows answered as by {parent.version.ref}",
            )
        )  # fmt: skip
    if against is not None:
        checks.append(comparison.check(against, "parent"))
    return tuple(checks)


def size_of(directory: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
