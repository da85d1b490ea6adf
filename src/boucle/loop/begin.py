"""Begin a project: read the contract off the data and write boucle.yaml."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from boucle.core.errors import Conflict, ProjectError
from boucle.core.json import to_data
from boucle.core.signature import KINDS, Task
from boucle.data import infer, pictures, read
from boucle.formats.files import write_atomic
from boucle.measures.metrics import default_metrics
from boucle.project import schema, template
from boucle.project.values import FILE

BEATS_THE_MEAN = 0.95
BALANCED = 0.35


@dataclass(frozen=True, slots=True)
class Begun:
    """The file that was written, and what was read off the data."""

    project: str
    path: str
    task: str
    target: str
    fields: list[dict[str, Any]]
    dropped: dict[str, str]
    notes: list[str]


def begin(directory: Path, data: str, target: str, name: str | None = None, force: bool = False) -> Begun:
    """Write ``directory/boucle.yaml`` from the table ``data`` (a path seen from the working directory, or a URL).

    Raises Conflict when there is one already, SourceError or DataError when the data cannot be used.
    """
    path = directory / FILE
    if path.exists() and not force:
        raise Conflict(f"{path} is there already.", hint="edit it, or write it anew with --force")
    frame = read.read_path(data, Path.cwd())
    read.require_target(frame, target)
    images = pictures.path_columns(frame.drop(columns=target))
    frame = pictures.brought_in(frame, images, read.folders_of(data, Path.cwd()))
    frame = read.flat(frame, target)
    contract = infer.infer(frame, target)
    metric, require, why = _gate(frame[target].dropna(), contract.task)
    chosen = name or _slug(Path(data).stem if "://" not in data else directory.resolve().name)
    text = template.render(
        name=chosen,
        task=contract.task,
        source=_seen_from(directory, data),
        target=target,
        fields=contract.fields,
        dropped=contract.dropped,
        id=contract.id,
        notes=[*contract.notes, why],
        metric=metric,
        require=require,
    )
    write_atomic(directory / template.SCHEMA, schema.SHIPPED.read_bytes())
    write_atomic(path, text.encode())
    return Begun(
        chosen, str(path), contract.task, target, [to_data(f) for f in contract.fields], dict(contract.dropped),
        [*contract.notes, why],
    )  # fmt: skip


def _gate(target: pd.Series[Any], task: Task) -> tuple[str, dict[str, str], str]:
    """Choose the primary metric and a bound any model worth releasing meets: better than not looking at the inputs."""
    kind = KINDS[task]
    if kind not in ("class", "quantity"):
        metric = default_metrics(task)[0]
        return metric, {metric: ">= 0.3"}, f"the bound on {metric} is a first guess: raise it to what the use needs"
    if kind == "quantity":
        deviation = float(target.astype("float64").std(ddof=0))
        bound = f"<= {BEATS_THE_MEAN * deviation:.4g}"
        return (
            "rmse",
            {"rmse": bound},
            f"always answering the mean has an RMSE of {deviation:.4g}; the gate asks for less",
        )
    shares = target.value_counts(normalize=True)
    if len(shares) == 2 and float(shares.iloc[-1]) < BALANCED:
        text = f"the rarer class has {float(shares.iloc[-1]):.1%} of the rows, so the gate is on ROC-AUC, not accuracy"
        return "roc_auc", {"roc_auc": ">= 0.6"}, text
    most = float(shares.iloc[0])
    bound = f">= {min(0.99, most + 0.02):.3g}"
    return "accuracy", {"accuracy": bound}, f"always answering the commonest class is right in {most:.1%} of the rows"


def _seen_from(directory: Path, data: str) -> str:
    if "://" in data or (":" in data and not Path(data).exists()):
        return data
    return Path(os.path.relpath(Path(data).resolve(), directory.resolve())).as_posix()


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not slug:
        raise ProjectError("No name for the project could be made from the file's.", hint="give one with --name")
    return slug[:60]
