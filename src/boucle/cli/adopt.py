"""boucle adopt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.cli.train import show
from boucle.core.errors import RequestError, suggest
from boucle.core.signature import KINDS, Task
from boucle.data import read
from boucle.loop.adoption import adopt_model
from boucle.loop.project import Project
from boucle.project.values import FILE


def adopt(
    model: Annotated[
        str,
        typer.Argument(
            metavar="PATH|URI", help="A saved model, a checkpoint's folder, hf://NAME, an MLflow folder, models:/…"
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Rows it can predict, with their truth; default: the project's.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the model, when there is no project yet.")] = None,
    target: Annotated[str | None, typer.Option(help="The column of truth, when there is no project yet.")] = None,
    allow_pickle: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="Load the pickle whose file has this hash: it can run any code."),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Of a checkpoint that can do several, when there is no project yet.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="What zero-shot-classification chooses from: sport,money,weather. May be said again."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of a checkpoint, for good: target_language=fr, max_length=128, …"),
    ] = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Take in a model trained elsewhere: a checkpoint, skops, ONNX, MLflow, XGBoost, LightGBM; a pickle by its hash."""
    output = Output(json)
    begun = project is None and name is not None and not (Path.cwd() / FILE).exists()
    folder = Path.cwd() if begun else Project.open(project).directory
    if data is None:
        settings = Project.open(folder).settings
        sample = read.read_table(settings.data, folder)
    else:
        sample = read.read_path(data, folder)
    result = adopt_model(
        folder,
        model,
        sample,
        name=name,
        target=target,
        allow_pickle=allow_pickle,
        task=known_task(task),
        labels=[label for said in labels or () for one in said.split(",") if (label := one.strip())],
        options=dict(named(said) for said in option or ()),
        progress=output.progress,
    )
    output.result(result, lambda: show(output, result))
    raise typer.Exit(0 if result.verdict.status == "pass" else 1)


def named(said: str) -> tuple[str, Any]:
    """Return the name and the value of ``NAME=VALUE``, which is read as YAML; raises RequestError."""
    name, sign, value = said.partition("=")
    try:
        found = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RequestError(f"'{value}' cannot be read: {error}", field="option") from error
    if not sign or not name:
        raise RequestError(f"'{said}' is no option.", hint="write NAME=VALUE: max_length=128", field="option")
    return name, found


def known_task(name: str | None) -> Task | None:
    """Return the task of this name; raises RequestError for one that there is not."""
    for task in KINDS:
        if task == name:
            return task
    if name is None:
        return None
    raise RequestError(
        f"'{name}' is no task.", hint=f"{suggest(name, KINDS)}the tasks are: {', '.join(KINDS)}", field="task"
    )
