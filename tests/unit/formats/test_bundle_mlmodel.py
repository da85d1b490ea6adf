from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Signature
from boucle.formats.mlmodel import mlflow_signature, write_mlmodel
from boucle.ports.runtime import Saved

SIGNATURE = Signature(
    inputs=(
        Field("alcohol", "float64"),
        Field("bottles", "int64"),
        Field("rating", "int64", optional=True),
        Field("organic", "bool"),
        Field("corked", "bool", optional=True),
        Field("colour", "string", optional=True),
        Field("bottled", "datetime", optional=True),
    ),
    outputs=(Field("prediction", "string", categories=("bad", "good")), Field("probabilities", "float64", shape=(2,))),
)
INFO = BundleInfo(
    "wine", SIGNATURE, "sklearn", 1_700_000_000.25, lineage={"run": "r1"}, requirements=("scikit-learn==1.9.1", "skops")
)
SAVED = Saved(
    flavors={
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.skops", "predict_fn": "predict"},
        "sklearn": {"pickled_model": "model.skops", "serialization_format": "skops", "skops_trusted_types": ["a.B"]},
    }
)
EXAMPLE = {
    "alcohol": np.array([9.5, 10.0]),
    "bottles": np.array([1, 2]),
    "rating": np.array([3.0, np.nan]),
    "organic": np.array([True, False]),
    "corked": np.array([np.nan, 1.0]),
    "colour": np.array(["red", None], dtype=object),
    "bottled": np.array(["2020-01-02T03:04:05", "NaT"], dtype="datetime64[ns]"),
}


def written(directory: Path) -> dict[str, Any]:
    write_mlmodel(directory, INFO, SAVED, EXAMPLE)
    data: dict[str, Any] = yaml.safe_load((directory / "MLmodel").read_text())
    return data


def test_each_dtype_has_its_mlflow_column_type() -> None:
    inputs = json.loads(mlflow_signature(SIGNATURE)["inputs"] or "")
    assert [(c["name"], c["type"], c["required"]) for c in inputs] == [
        ("alcohol", "double", True),
        ("bottles", "long", True),
        ("rating", "double", False),
        ("organic", "boolean", True),
        ("corked", "double", False),
        ("colour", "string", False),
        ("bottled", "datetime", False),
    ]


@pytest.mark.parametrize(
    ("dtype", "tensor"), [("float64", "float64"), ("int64", "int64"), ("bool", "bool"), ("string", "str")]
)
def test_the_prediction_is_a_tensor_with_a_free_row_count(dtype: Any, tensor: str) -> None:
    signature = Signature((Field("x", "float64"),), (Field("prediction", dtype),))
    outputs = json.loads(mlflow_signature(signature)["outputs"] or "")
    assert outputs == [{"type": "tensor", "tensor-spec": {"dtype": tensor, "shape": [-1]}}]


def test_the_flavors_are_the_runtimes_with_the_environment_added(tmp_path: Path) -> None:
    flavors = written(tmp_path)["flavors"]
    assert flavors["sklearn"] == SAVED.flavors["sklearn"]
    assert flavors["python_function"]["env"] == {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    assert flavors["python_function"].items() >= SAVED.flavors["python_function"].items()


def test_the_example_has_null_where_a_value_is_missing(tmp_path: Path) -> None:
    written(tmp_path)
    example = json.loads((tmp_path / "input_example.json").read_text())
    assert example["columns"] == list(SIGNATURE.names)
    assert example["data"][0] == [9.5, 1, 3.0, True, None, "red", "2020-01-02T03:04:05.000000000"]
    assert example["data"][1] == [10.0, 2, None, False, 1.0, None, None]
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == {"dataframe_split": example}


def test_without_an_example_none_is_promised(tmp_path: Path) -> None:
    write_mlmodel(tmp_path, INFO, SAVED)
    assert "saved_input_example_info" not in yaml.safe_load((tmp_path / "MLmodel").read_text())
    assert not (tmp_path / "input_example.json").exists()


def test_the_requirements_name_mlflow_once_and_each_package_once(tmp_path: Path) -> None:
    written(tmp_path)
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    assert lines == ["mlflow>=3.16.1,<4", "scikit-learn==1.9.1", "skops"]
    assert yaml.safe_load((tmp_path / "conda.yaml").read_text())["dependencies"][-1] == {"pip": lines}


def test_the_same_model_gives_the_same_bytes_and_no_path_of_this_machine(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert not any(str(tmp_path).encode() in content for content in one.values())
