"""What the data plane says of itself and of its models in the words of the Open Inference Protocol."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

from boucle.core.signature import Field
from boucle.serving.protocols.v2 import datatype
from boucle.serving.router import Served
from boucle.serving.versions import LoadedVersion


def boucle_version() -> str:
    try:
        return installed("boucle")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"


def server() -> dict[str, Any]:
    """Describe the server, as the Open Inference Protocol asks."""
    return {"name": "boucle", "version": boucle_version(), "extensions": ["binary_tensor_data"]}


def model(version: LoadedVersion, versions: list[int]) -> dict[str, Any]:
    """Describe a model's tensors, as the Open Inference Protocol asks."""
    signature = version.info.signature
    return {
        "name": version.model,
        "versions": [str(number) for number in versions],
        "platform": f"boucle_{version.info.runtime}",
        "inputs": [_tensor(field) for field in signature.inputs],
        "outputs": [_tensor(field) for field in signature.outputs],
    }


def up(served: Served[LoadedVersion], version: int | None = None) -> bool:
    """Say whether a model, or one version of it, answers now."""
    there = served.champion is not None if version is None else version in served.versions
    return there and served.route.enabled


def _tensor(field: Field) -> dict[str, Any]:
    return {"name": field.name, "datatype": datatype(field), "shape": [-1, *field.shape]}
