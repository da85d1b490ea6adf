"""Domain objects as MLflow's entities and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from boucle.adapters.registries.mlflow_sdk import Dataset, DatasetInput, InputTag, Metric, Param
from boucle.core.dataset import Snapshot
from boucle.core.model import ModelVersion
from boucle.core.run import Environment, Run

_PREFIX = "boucle."
_NAME_LENGTH, _PARAM_LENGTH, _TAG_LENGTH, _DIGEST_LENGTH = 250, 6000, 5000, 36


def _key(name: str) -> str:
    """Make a parameter's or metric's name one that MLflow takes: letters, digits and ``_-. :/``."""
    return re.sub(r"[^\w\-. :/]", "_", name).strip("/.")[:_NAME_LENGTH] or "_"


def to_params(values: Mapping[str, Any]) -> list[Any]:
    """Return one entity a parameter; text that is too long ends in an ellipsis."""
    return [Param(_key(name), _shortened(str(value), _PARAM_LENGTH)) for name, value in values.items()]


def to_metrics(values: Mapping[str, float], milliseconds: int) -> list[Any]:
    """Return one entity a metric, all at one time and step."""
    return [Metric(_key(name), float(value), milliseconds, 0) for name, value in values.items()]


def to_run_tags(run: Run, snapshot: Snapshot | None) -> dict[str, str]:
    """Return a run's tags, with the environment and the commit where MLflow's own pages look for them."""
    tags = {**run.tags, "boucle.kind": run.kind}
    if snapshot is not None:
        tags["boucle.fingerprint"] = snapshot.fingerprint
    if environment := run.environment:
        tags |= _environment_tags(environment)
    return {name: _shortened(value, _TAG_LENGTH) for name, value in tags.items()}


def to_dataset_input(snapshot: Snapshot) -> Any:
    """Describe the training data; MLflow's digest is short, so the whole fingerprint is in the source."""
    source = {"uri": snapshot.source, "fingerprint": snapshot.fingerprint}
    columns = [{"name": name} for name in snapshot.columns]
    dataset = Dataset(
        name="data",
        digest=snapshot.fingerprint[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps(source),
        schema=json.dumps({"columns": columns}),
        profile=json.dumps({"num_rows": snapshot.rows, "num_elements": snapshot.rows * len(columns)}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def to_version_tags(version: ModelVersion) -> dict[str, str]:
    """Return everything a version carries that MLflow has no field for."""
    finite = {name: value for name, value in version.metrics.items() if math.isfinite(value)}
    return {
        **version.tags,
        "boucle.digest": version.digest,
        "boucle.fingerprint": version.fingerprint,
        "boucle.passed": "true" if version.passed else "false",
        "boucle.runtime": version.runtime,
        "boucle.created": repr(version.created),
        "boucle.metrics": json.dumps(finite),
    }


def to_version(entity: Any) -> ModelVersion:
    """Read a version; one that somebody else registered has no digest and has not passed."""
    tags = dict(entity.tags)
    return ModelVersion(
        name=entity.name,
        number=int(entity.version),
        digest=tags.get("boucle.digest", ""),
        run_id=entity.run_id or "",
        created=float(tags.get("boucle.created", entity.creation_timestamp / 1000)),
        location=entity.source or "",
        passed=tags.get("boucle.passed") == "true",
        fingerprint=tags.get("boucle.fingerprint", ""),
        runtime=tags.get("boucle.runtime", ""),
        metrics=json.loads(tags.get("boucle.metrics", "{}")),
        tags={name: value for name, value in tags.items() if not name.startswith((_PREFIX, "mlflow."))},
    )


def _environment_tags(environment: Environment) -> dict[str, str]:
    tags = {"boucle.python": environment.python, "boucle.platform": environment.platform}
    if environment.git_commit:
        tags["mlflow.source.git.commit"] = environment.git_commit
        tags["boucle.git_dirty"] = "true" if environment.git_dirty else "false"
    return tags


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
