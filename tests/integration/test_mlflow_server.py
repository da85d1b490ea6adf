"""The registry on a real MLflow server, and what plain MLflow makes of a bundle."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.waiting import free_ports

from boucle.adapters.registries.mlflow import MlflowRegistry
from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.core.errors import StoreError
from boucle.core.model import BundleInfo, ModelRef, ModelVersion
from boucle.core.run import Run
from boucle.core.signature import Field, Signature
from boucle.formats import bundle
from boucle.formats.mlmodel import write_mlmodel
from boucle.ports.frames import to_batch
from boucle.ports.registry import Registry
from boucle.registry import versions
from boucle.testing.registry_contract import RegistryContract

INPUTS = (
    Field("alcohol", "float64", optional=True),
    Field("bottles", "int64"),
    Field("colour", "string", categories=("red", "white")),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of this module's own."""
    if find_spec("flask_cors") is None:
        assert not os.environ.get("CI"), "the full mlflow package is not installed"
        pytest.skip("the full mlflow package is not installed")
    folder = tmp_path_factory.mktemp("server")
    MlflowRegistry(None, folder, "warm")  # makes the database in a fraction of the server's time
    [port] = free_ports(1)
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, *store], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=120)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 150
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the MLflow server did not start:\n{log.read_text()}")


@pytest.mark.server
class TestMlflowRegistryOnAServer(RegistryContract):
    @pytest.fixture
    def registry(self, server: str, tmp_path: Path) -> Registry:
        return MlflowRegistry(server, tmp_path, "contract")


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.server)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MlflowRegistry]:
    """A registry that is also what plain MLflow calls use."""
    import mlflow  # after the adapter, which quiets it

    uri = request.getfixturevalue("server") if request.param == "server" else None
    made = MlflowRegistry(uri, tmp_path / "state", "pyfunc")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(made.uri)
    yield made
    mlflow.set_tracking_uri(before)


def wines(rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(7)
    alcohol = random.normal(11, 1, rows)
    alcohol[::7] = np.nan
    colours = random.choice(["red", "white"], rows)
    return pd.DataFrame({"alcohol": alcohol, "bottles": random.integers(1, 9, rows), "colour": colours})


def fitted(estimator: Any, truth: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((numbers, ["alcohol", "bottles"]), (OneHotEncoder(), ["colour"]))
    return make_pipeline(columns, estimator).fit(wines(), truth)


CASES = {
    "regression": (Ridge(), wines()["bottles"] * 1.5, (Field("prediction", "float64"),)),
    "classification": (
        LogisticRegression(),
        np.where(wines()["bottles"] > 4, "many", "few"),
        (
            Field("prediction", "string", categories=("few", "many")),
            Field("probabilities", "float64", shape=(2,)),
        ),
    ),
}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")  # MLflow about its own code
@pytest.mark.parametrize("case", CASES)
def test_plain_mlflow_loads_the_champion_and_predicts_what_we_predict(
    registry: MlflowRegistry, tmp_path: Path, case: str
) -> None:
    import mlflow  # after the adapter, which quiets it

    estimator, truth, outputs = CASES[case]
    signature = Signature(INPUTS, outputs)
    batch = to_batch(wines(), signature.inputs)
    staged, runtime = bundle.staging(tmp_path), SklearnRuntime()
    saved = runtime.save(fitted(estimator, truth), staged, signature)
    info = BundleInfo(case, signature, "sklearn", 1.5, saved.options, trusted=saved.trusted)
    bundle.write_info(staged, info)
    write_mlmodel(staged, info, saved, {name: column[:3] for name, column in batch.items()})
    path, digest = bundle.publish(staged, tmp_path)
    run = registry.begin(Run("pyfunc", "train", 0.0))
    version = versions.register(registry, path, ModelVersion(case, 0, digest, run.id, 1.5, passed=True))
    versions.sync_aliases(registry, case, version.number, None, None)

    champion = mlflow.pyfunc.load_model(f"models:/{case}@champion")
    ours = runtime.load(versions.local_bundle(registry, version, tmp_path / "elsewhere"), info).predict(batch)
    assert champion.predict(wines()).tolist() == ours["prediction"].tolist()
    assert champion.input_example.columns.tolist() == list(signature.names)
    assert champion.metadata.signature.inputs.input_names() == list(signature.names)
    assert champion.metadata.signature.outputs is not None


def test_a_server_that_is_down_is_a_store_error_that_hides_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers here
        port = taken.getsockname()[1]
        registry = MlflowRegistry(f"http://someone:secret@127.0.0.1:{port}", tmp_path, "down")
        with pytest.raises(StoreError, match=f"127.0.0.1:{port}") as caught:
            versions.resolve(registry, ModelRef.parse("wine"))
    assert "MLFLOW_TRACKING_URI" in (caught.value.hint or "")
    assert "secret" not in str(caught.value) + str(caught.value.facts)
