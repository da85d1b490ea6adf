"""Adopt: take in a model that was trained elsewhere and leave a bundle like any other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from boucle import plugins
from boucle.core.errors import BundleError, ContractError, MissingExtra, RequestError, suggest
from boucle.core.run import Environment
from boucle.core.signature import Batch, Field, Signature, Task
from boucle.ports.frames import to_batch
from boucle.ports.importer import Asked, Importer, Opened, Signing
from boucle.ports.runtime import Runtime
from boucle.ports.trainer import Fitted, Progress
from boucle.training import bundling
from boucle.training.train import Trained, described

FLAVORS = {"sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data", "onnx": "data"}
"""MLflow flavors that can be taken in, and the key that names their file."""
HUB = "hf://"
NOTHING = Asked()
FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*@.")
"""``module:function@WEIGHTS``: code of the user's own that makes a model, and the file of its weights."""


def adopt(
    model: Any,
    sample: pd.DataFrame,
    fields: Sequence[Field],
    runtime: Callable[[str], Runtime],
    root: Path,
    *,
    name: str,
    task: Task | None = None,
    asked: Asked = NOTHING,
    allow_pickle: str | None = None,
    lineage: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    progress: Progress = lambda text, share: None,
    importers: Iterable[Importer] | None = None,
) -> Trained:
    """Publish a bundle of ``model``: a fitted object, or the path of a file or of an MLflow model folder.

    ``sample`` are rows it can predict, ``fields`` its columns as inputs; columns the model was not trained on (an id,
    the target) are left out if it knows its own. ``task`` is what it has to do, ``asked`` what a checkpoint is told
    besides. ``allow_pickle`` is the sha256 of a pickle the operator trusts. The
    loaded bundle has to answer the sample as the original does.

    Raises UnsafeBundle for a pickle without consent, ContractError when the sample lacks a column, BundleError
    otherwise; then nothing is left behind.
    """
    progress("opening the model", 0.1)
    asked = replace(asked, task=task or asked.task)
    opened, batch, signature = _signed(model, sample, fields, allow_pickle, importers, asked)
    _require_task(signature, task)
    progress("saving the model and checking that it answers the same", 0.4)
    origin = {"adopted": str(model) if isinstance(model, str | Path) else type(model).__name__}
    fitted = Fitted(opened.model, opened.runtime, signature, chosen=type(opened.model).__name__)
    plan = bundling.Plan(
        name=name,
        model=opened.model,
        signature=signature,
        sample=batch,
        lineage={**described(lineage, environment, fitted), **origin},
        pickled=opened.pickled,
    )
    info, directory, digest = bundling.make(plan, runtime(opened.runtime), root)
    progress("the model is kept", 1.0)
    return Trained(fitted, info, directory, digest)


def task_of(
    model: Any,
    sample: pd.DataFrame,
    fields: Sequence[Field],
    allow_pickle: str | None = None,
    asked: Asked = NOTHING,
) -> Task:
    """Return what a model does, by what it says or by the answers it gives to the sample; raises as ``adopt`` does."""
    return _signed(model, sample, fields, allow_pickle, None, asked)[2].task


def knows_task(model: Any) -> bool:
    """Say whether a model tells its task by itself, without rows: a checkpoint of texts or images."""
    source = _source(model)
    return any(isinstance(one, Signing) and one.accepts(source) for one in _installed())


def _signed(
    model: Any,
    sample: pd.DataFrame,
    fields: Sequence[Field],
    allow_pickle: str | None,
    importers: Iterable[Importer] | None,
    asked: Asked,
) -> tuple[Opened, Batch, Signature]:
    known = list(_installed() if importers is None else importers)
    source = _source(model)
    signing = next((one for one in known if isinstance(one, Signing) and one.accepts(source)), None)
    if signing is not None:
        signing.asked = asked
        opened = signing.open(source, allow_pickle)
        signature = signing.signature(opened.model, fields)
        return opened, to_batch(sample, signature.inputs), signature
    if asked.labels or asked.options:
        raise RequestError(
            "Labels and options are for models of texts and images.", hint="leave them out", field="labels"
        )
    source = located(source) if isinstance(source, Path) else source
    importer = _importer(source, known)
    opened = importer.open(source, allow_pickle)
    inputs = _inputs(importer.inputs(opened.model), tuple(fields))
    batch = to_batch(sample, inputs)
    return opened, batch, Signature(inputs, importer.outputs(opened.model, inputs, batch))


def _source(model: Any) -> Any:
    """Return a path for what names one; a model of the hub and a factory with its weights keep their names."""
    named = isinstance(model, str) and (model.startswith(HUB) or FACTORY.match(model) is not None)
    return Path(model) if isinstance(model, str) and not named else model


def located(path: Path) -> Path:
    """Return the model's own file: ``path``, or the one its ``MLmodel`` names; raises BundleError."""
    if path.is_file():
        return path if path.name != "MLmodel" else located(path.parent)
    if not path.is_dir():
        raise BundleError(
            f"There is no model at {path}.",
            hint="give a file, a folder with an MLmodel or a checkpoint, hf://NAME, or models:/…",
        )
    try:
        described = yaml.safe_load((path / "MLmodel").read_text())
        flavors = {str(name): dict(value) for name, value in described["flavors"].items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"The folder {path} is no MLflow model: {error}.",
            hint="give the model's file, a folder with an MLmodel, or that of a checkpoint",
        ) from error
    known = [(name, key) for name, key in FLAVORS.items() if name in flavors]
    if not known:
        raise BundleError(
            f"The MLflow model {path} has the flavors {', '.join(sorted(flavors))}.",
            hint=f"one of these can be taken in: {', '.join(FLAVORS)}",
        )
    flavor, key = known[0]
    return _inside(path, str(flavors[flavor].get(key)))


def _inside(folder: Path, name: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.exists():
        raise BundleError(f"The MLflow model {folder} names the file '{name}', which is not in it.")
    if file.is_dir():  # the onnx flavor of old named a folder
        inner = sorted(file.glob("*.onnx"))
        if len(inner) != 1:
            raise BundleError(f"The MLflow model {folder} names '{name}', which holds {len(inner)} model files.")
        return inner[0]
    return file


def _importer(model: Any, importers: Iterable[Importer]) -> Importer:
    for importer in importers:
        if importer.accepts(model):
            return importer
    what = f"the file {model.name}" if isinstance(model, Path) else f"a {type(model).__name__}"
    raise BundleError(
        f"Nothing here can take in {what}.",
        hint="known are scikit-learn objects, skops, ONNX, pickle and joblib files, XGBoost's and LightGBM's own, and "
        "folders of checkpoints, where these packages are installed",
    )


def _installed() -> Iterable[Importer]:
    for name in plugins.names("importers"):
        try:
            yield plugins.load("importers", name)()
        except MissingExtra:
            continue


def _inputs(wanted: tuple[str, ...] | None, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the model's own columns in its order, or all fields if it does not know them."""
    if wanted is None:
        return fields
    known = {field.name: field for field in fields}
    absent = [name for name in wanted if name not in known]
    if absent:
        more = f" (and {len(absent) - 1} more)" if absent[1:] else ""
        raise ContractError(
            f"The model was trained on the column '{absent[0]}'{more}, which the sample does not have.",
            hint=f"{suggest(absent[0], known)}the model takes: {', '.join(wanted[:20])}",
            field=absent[0],
        )
    return tuple(known[name] for name in wanted)


def _require_task(signature: Signature, task: Task | None) -> None:
    if task is not None and signature.task != task:
        raise BundleError(
            f"The model does {signature.task}, the project asks for {task}.",
            hint="change `task`, or adopt another model",
        )
