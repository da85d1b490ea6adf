"""Take in a model trained elsewhere, as a version like any other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from boucle.core.errors import DataError, RequestError
from boucle.core.model import ModelRef
from boucle.core.run import Run
from boucle.core.signature import Field, Task
from boucle.data import infer
from boucle.formats.files import exclusive, write_atomic
from boucle.loop.project import Project
from boucle.loop.registering import Candidate, TurnResult, judge_and_register
from boucle.measures.metrics import default_metrics
from boucle.ports.frames import readable
from boucle.ports.importer import Asked
from boucle.ports.trainer import Progress
from boucle.project import template
from boucle.project.settings import Settings
from boucle.project.values import FILE
from boucle.registry import versions
from boucle.training import adopt as adopting
from boucle.training import environment

SAMPLE = "sample.parquet"
URI = "models:/"
UNKNOWN_TARGET = "truth"


def adopt_model(
    directory: Path,
    model: Any,
    sample: pd.DataFrame,
    *,
    name: str | None = None,
    target: str | None = None,
    allow_pickle: str | None = None,
    task: Task | None = None,
    labels: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    progress: Progress = lambda text, share: None,
) -> TurnResult:
    """Adopt ``model`` into the project in ``directory``; without a boucle.yaml there, one is written for it.

    ``model`` is a fitted object, a path, ``hf://org/name``, or a ``models:/`` URI of the registry. ``task`` is said for
    a checkpoint that can do several, where there is no project yet; ``labels`` are the candidates of
    zero-shot-classification, ``options`` those of docs/how-to/pretrained-models.md. Raises UnsafeBundle for a pickle
    without consent, RequestError when a project is there under another name.
    """
    if _is_uri(model) and not (directory / FILE).exists():
        raise RequestError(f"{model} is looked up in a project's registry.", hint="begin one with: boucle init")
    asked = Asked(task, tuple(labels), options or {})
    sample = readable(sample)
    project = _opened(directory, model, sample, name, target, allow_pickle, asked)
    project.prepare()
    with (
        exclusive(project.root / "locks" / "train.lock", f"A training of {project.name}"),
        TemporaryDirectory(dir=project.root) as folder,
    ):
        source = _fetched(project, model, Path(folder)) if _is_uri(model) else model
        origin = str(model) if isinstance(model, str | Path) else ""
        return _adopt(project, source, sample, allow_pickle, asked, progress, origin)


def _adopt(
    project: Project,
    model: Any,
    sample: pd.DataFrame,
    allow_pickle: str | None,
    asked: Asked,
    progress: Progress,
    origin: str,
) -> TurnResult:
    started = time.perf_counter()
    settings = project.settings
    target = settings.data.target
    fields = _fields(sample, settings)
    snapshot = project.snapshots.keep(sample, source=origin or "the sample", time=project.clock.now())
    surroundings = environment.capture(project.directory)
    run = project.registry.begin(
        Run(
            experiment=settings.tracking.experiment or project.name,
            kind="adopt",
            started=project.clock.now(),
            params={"origin": origin or type(model).__name__},
            environment=surroundings,
        ),
        snapshot,
    )
    try:
        trained = adopting.adopt(
            model,
            sample,
            fields,
            project.runtime,
            project.root,
            name=project.name,
            task=settings.task,
            asked=asked,
            allow_pickle=allow_pickle,
            lineage={"fingerprint": snapshot.fingerprint, "run": run.id},
            environment=surroundings,
            progress=lambda text, share: progress(text, 0.7 * share),
        )
        test = sample if target in sample.columns else None
        reason = f"adopted from {origin}" if origin else "adopted"
        candidate = Candidate(trained, run, snapshot, test, None, reason, kind="adopted")
        return judge_and_register(project, candidate, progress, started)
    except BaseException as error:
        project.registry.finish(run.id, "failed" if isinstance(error, Exception) else "killed", {})
        raise


def _opened(
    directory: Path,
    model: Any,
    sample: pd.DataFrame,
    name: str | None,
    target: str | None,
    allow_pickle: str | None,
    asked: Asked,
) -> Project:
    if not (directory / FILE).exists():
        if name is None:
            raise RequestError("A model needs a name.", hint="give one with --name", field="name")
        _write_project(directory, model, sample, name, target, allow_pickle, asked)
    project = Project.open(directory, actor="python")
    if name is not None and name != project.name:
        raise RequestError(
            f"The project in {directory} is '{project.name}', not '{name}'.",
            hint="adopt into a folder of its own",
            field="name",
        )
    return project


def _write_project(
    directory: Path,
    model: Any,
    sample: pd.DataFrame,
    name: str,
    target: str | None,
    allow_pickle: str | None,
    asked: Asked,
) -> None:
    """Write a boucle.yaml for a model that brings no project: its contract is read off the sample."""
    if target is not None and target not in sample.columns:
        raise DataError(
            f"The sample has no column '{target}'.", hint="leave the target out if you have none", field=target
        )
    found = {str(c): infer.infer_field(str(c), sample[c]) for c in sample.columns if c != target}
    fields = [f for f in found.values() if isinstance(f, Field)]
    if target is None or adopting.knows_task(model):
        task = adopting.task_of(model, sample, fields, allow_pickle, asked)
    else:
        task = infer.infer_target(sample[target])[0]
    directory.mkdir(parents=True, exist_ok=True)
    sample.to_parquet(directory / SAMPLE, index=False)
    text = template.render(
        name=name,
        task=task,
        source=SAMPLE,
        target=target or UNKNOWN_TARGET,
        fields=fields,
        dropped={c: why for c, why in found.items() if isinstance(why, str)},
        id=None,
        notes=["the model was trained elsewhere; these rows are the sample it was adopted with"],
        metric=default_metrics(task)[0],
        require={},
    )
    write_atomic(directory / FILE, text.encode())


def _fields(sample: pd.DataFrame, settings: Settings) -> tuple[Field, ...]:
    """Return every column of the sample that can be an input; the model picks those it knows."""
    found = (infer.infer_field(str(c), sample[c]) for c in sample.columns if c != settings.data.target)
    return tuple(f for f in found if isinstance(f, Field))


def _is_uri(model: Any) -> bool:
    return isinstance(model, str) and model.startswith(URI)


def _fetched(project: Project, uri: str, folder: Path) -> Path:
    """Fetch ``models:/NAME/7`` or ``models:/NAME@alias`` from the registry; raises NotFound."""
    version = versions.resolve(project.registry, ModelRef.parse(uri.removeprefix(URI)))
    return project.registry.fetch(version, folder / "model")
