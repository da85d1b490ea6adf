"""What makes a bundle an MLflow model directory too, written by hand so that nobody needs MLflow to write it.

A runtime describes its files in ``Saved.flavors`` (flavor name to configuration). ``env`` and ``python_version`` of
``python_function`` are added here. The files named must lie at the top of the bundle, beside ``MLmodel``: MLflow looks
for the configuration in the folder of the model file. A scikit-learn model kept by skops is described by

    {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.skops", "predict_fn": "predict"},
        "sklearn": {
            "pickled_model": "model.skops",          # MLflow's name for the file, whatever its format
            "serialization_format": "skops",
            "skops_trusted_types": [...],            # list(Saved.trusted), or None
            "sklearn_version": sklearn.__version__,
            "code": None,
        },
    }

and an ONNX model by

    {
        "python_function": {"loader_module": "mlflow.onnx", "data": "model.onnx"},
        "onnx": {
            "data": "model.onnx",
            "onnx_version": onnx.__version__,
            "providers": ["CPUExecutionProvider"],
            "code": None,
        },
    }
"""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Column, Field, Signature, missing
from boucle.formats.files import write_atomic
from boucle.ports.runtime import Saved

_FLOOR = "3.16.1"
_COLUMN_TYPES = {
    "float64": "double",
    "int64": "long",
    "bool": "boolean",
    "string": "string",
    "datetime": "datetime",
    "text": "string",
    "image": "binary",
}
_TENSOR_TYPES = {
    "float64": "float64", "int64": "int64", "bool": "bool", "string": "str", "datetime": "datetime64[ns]",
    "text": "str", "json": "object",
}  # fmt: skip
_EXAMPLE, _SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"


def write_mlmodel(directory: Path, info: BundleInfo, saved: Saved, example: Batch | None = None) -> None:
    """Write ``MLmodel``, the environment files and the input example; the same bundle gives the same bytes.

    ``example`` holds a few input rows. No path and no clock of this machine is written.
    """
    requirements = _requirements(info.requirements or saved.requirements)
    write_atomic(directory / "MLmodel", _yaml(_mlmodel(info, saved, example is not None)))
    write_atomic(directory / "requirements.txt", "".join(f"{line}\n" for line in requirements).encode())
    write_atomic(directory / "python_env.yaml", _yaml(_python_env()))
    write_atomic(directory / "conda.yaml", _yaml(_conda(requirements)))
    if example is not None:
        split = {
            "columns": list(info.signature.names),
            "data": _rows([example[name] for name in info.signature.names]),
        }
        write_atomic(directory / _EXAMPLE, json.dumps(split).encode())
        write_atomic(directory / _SERVING_EXAMPLE, json.dumps({"dataframe_split": split}).encode())


def mlflow_signature(signature: Signature) -> dict[str, str | None]:
    """Say a signature as MLflow does: a column per input, a tensor for the prediction.

    A column that may be missing is not required; an optional integer or truth value is a double, as it is held.
    """
    prediction = signature.prediction
    tensor = {"dtype": _TENSOR_TYPES[prediction.dtype], "shape": [-1, *prediction.shape]}
    return {
        "inputs": json.dumps([_column(field) for field in signature.inputs]),
        "outputs": json.dumps([{"type": "tensor", "tensor-spec": tensor}]),
        "params": None,
    }


def _column(field: Field) -> dict[str, Any]:
    held = "float64" if field.storage == np.float64 else field.dtype
    return {"type": _COLUMN_TYPES[held], "name": field.name, "required": not field.optional}


def _mlmodel(info: BundleInfo, saved: Saved, has_example: bool) -> dict[str, Any]:
    flavors = {name: dict(configuration) for name, configuration in saved.flavors.items()}
    if "python_function" in flavors:
        flavors["python_function"] |= {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "python_version": platform.python_version(),
        }
    model: dict[str, Any] = {
        "flavors": flavors,
        "mlflow_version": _mlflow_version(),
        "model_uuid": uuid.uuid5(uuid.NAMESPACE_OID, dumps([info, saved]).decode()).hex,
        "signature": mlflow_signature(info.signature),
        "utc_time_created": datetime.fromtimestamp(info.created, UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    if run := info.lineage.get("run"):
        model["run_id"] = str(run)
    if has_example:
        model["saved_input_example_info"] = {
            "artifact_path": _EXAMPLE,
            "pandas_orient": "split",
            "serving_input_path": _SERVING_EXAMPLE,
            "type": "dataframe",
        }
    return model


def _requirements(listed: Sequence[str]) -> list[str]:
    has_mlflow = any(line == "mlflow" or line.startswith(("mlflow=", "mlflow>", "mlflow~")) for line in listed)
    first = [] if has_mlflow else [f"mlflow>={_FLOOR},<4"]
    return list(dict.fromkeys([*first, *listed]))


def _python_env() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }


def _conda(requirements: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={platform.python_version()}", "pip", {"pip": list(requirements)}],
    }


def _rows(columns: Sequence[Column]) -> list[list[Any]]:
    return [list(row) for row in zip(*(_json_values(column) for column in columns), strict=True)]


def _json_values(column: Column) -> list[Any]:
    held = column.astype("datetime64[ns]").astype(str) if column.dtype.kind == "M" else column
    values: list[Any] = held.tolist()
    return [None if gone else value for value, gone in zip(values, missing(column).tolist(), strict=True)]


def _mlflow_version() -> str:
    try:
        return version("mlflow-skinny")
    except PackageNotFoundError:
        return _FLOOR


def _yaml(data: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(data, sort_keys=True).encode()
