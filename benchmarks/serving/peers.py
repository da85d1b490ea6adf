"""The servers that are compared: how each is made ready, started and asked, as its documentation says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.cases import Case
from benchmarks.serving.environments import PEERS, Unavailable, environment, program, site_packages
from benchmarks.serving.load import Wire
from benchmarks.serving.processes import Server, free_port

PATIENCE = 90.0  # seconds a server may take to its first answer


@dataclass(frozen=True)
class Start:
    """What begins a server."""

    command: Sequence[str]
    cwd: Path | None = None
    env: dict[str, str] = field(default_factory=dict)

    def server(self, folder: Path, cores: Sequence[int] = (0,)) -> Server:
        return Server(self.command, folder / "server.log", self.cwd or folder, self.env, cores)


@dataclass(frozen=True)
class Peer:
    """One server in one mode. ``start`` takes case, cache, an empty folder and a port; it raises Unavailable."""

    name: str
    wire: Wire
    start: Callable[[Case, Path, Path, int], Start]
    environment: str | None = None


def inputs(case: Case, rows: np.ndarray, form: str) -> object:
    return {"inputs": rows.tolist()}


def tensor(datatype: str) -> Callable[[Case, np.ndarray, str], object]:
    def body(case: Case, rows: np.ndarray, form: str) -> object:
        data = rows.ravel().tolist()
        return {"inputs": [{"name": "x", "shape": list(rows.shape), "datatype": datatype, "data": data}]}

    return body


def predictions(answer: Any) -> list[float]:
    return _numbers(answer["predictions"])


def outputs(answer: Any) -> list[float]:
    return _numbers(answer["outputs"][0]["data"])


def _numbers(values: Any) -> list[float]:
    found: list[float] = np.ravel(values).tolist()
    return found


def _mlflow(case: Case, cache: Path, folder: Path, port: int) -> Start:
    binaries = environment(cache, "mlflow") / "bin"
    env = {"PATH": f"{binaries}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    model = case.folder / "mlflow"
    if not model.exists():
        save = [
            str(binaries / "python"),
            str(PEERS / "mlflow/save.py"),
            str(case.pickle),
            str(case.example),
            str(model),
        ]
        done = subprocess.run(save, env={**os.environ, **env}, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"its model cannot be saved: {done.stderr.strip()[-300:]}")
    serve = ["models", "serve", "-m", str(model), "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    return Start([str(binaries / "mlflow"), *serve, "-w", "1"], env=env)


def _bentoml(program: str) -> Callable[[Case, Path, Path, int], Start]:
    def start(case: Case, cache: Path, folder: Path, port: int) -> Start:
        binaries = environment(cache, "bentoml") / "bin"
        env = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "MODEL": str(case.pickle),
            "BENTOML_HOME": str(folder),
            "BENTOML_DO_NOT_TRACK": "true",
        }
        serve = [str(binaries / "bentoml"), "serve", f"{program}:Model", "--host", "127.0.0.1", "--port", str(port)]
        return Start(serve, PEERS / "bentoml", env)

    return start


def _litserve(batched: bool) -> Callable[[Case, Path, Path, int], Start]:
    def start(case: Case, cache: Path, folder: Path, port: int) -> Start:
        python = environment(cache, "litserve") / "bin/python"
        env = {"MODEL": str(case.pickle), "PORT": str(port), "BATCH": str(int(batched))}
        return Start([str(python), str(PEERS / "litserve/server.py")], env=env)

    return start


def _mlserver(tuned: bool) -> Callable[[Case, Path, Path, int], Start]:
    def start(case: Case, cache: Path, folder: Path, port: int) -> Start:
        binaries = environment(cache, "mlserver") / "bin"
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "http_port": port,
            "grpc_port": free_port(),
            "metrics_port": free_port(),
        }
        model: dict[str, Any] = {
            "name": "model",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": str(case.pickle.with_suffix(".joblib"))},
        }
        if tuned:
            settings |= {"parallel_workers": 0, "debug": False, "metrics_endpoint": None}
            model |= {"max_batch_size": 64, "max_batch_time": 0.005}
        if not case.pickle.with_suffix(".joblib").exists():
            shutil.copy(case.pickle, case.pickle.with_suffix(".joblib"))
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "model-settings.json").write_text(json.dumps(model))
        env = {"PATH": f"{binaries}:{os.environ['PATH']}"}
        return Start([str(binaries / "mlserver"), "start", str(folder)], env=env)

    return start


def _fastapi(case: Case, cache: Path, folder: Path, port: int) -> Start:
    python = environment(cache, "fastapi") / "bin/python"
    serve = ["-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    return Start([str(python), *serve], PEERS / "fastapi", {"ONNX": str(case.onnx)})


def _triton(case: Case, cache: Path, folder: Path, port: int) -> Start:
    packages = site_packages(environment(cache, "triton"))
    server, backends = packages / "pytriton/tritonserver", folder / "backends"
    shutil.copytree(server / "backends/python", backends / "python")
    version = packages.parent.name.removeprefix("python")
    shutil.copy(server / f"python_backend_stubs/{version}/triton_python_backend_stub", backends / "python")
    place = folder / "models/model"
    (place / "1").mkdir(parents=True)
    shutil.copy(PEERS / "triton/model.py", place / "1")
    text = (PEERS / "triton/config.pbtxt").read_text()
    text = text.replace("@WIDTH@", str(case.rows.shape[1])).replace("@ONNX@", str(case.onnx))
    (place / "config.pbtxt").write_text(text)
    serve = [
        f"--model-repository={folder / 'models'}", f"--backend-directory={backends}", "--http-address=127.0.0.1",
        f"--http-port={port}", "--allow-grpc=false", "--allow-metrics=false", "--log-info=false",
    ]  # fmt: skip
    env = {
        "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
        "PYTHONPATH": str(packages),
        "PATH": f"{packages.parents[2] / 'bin'}:{os.environ['PATH']}",
    }
    return Start([str(server / "bin/tritonserver"), *serve], env=env)


def _nginx(case: Case, cache: Path, folder: Path, port: int) -> Start:
    text = (PEERS / "nginx/nginx.conf").read_text()
    config = folder / "nginx.conf"
    config.write_text(text.replace("@FOLDER@", str(folder)).replace("@PORT@", str(port)))
    return Start([program("nginx", "nginx-light"), "-c", str(config), "-e", str(folder / "error.log")])


_JSON = Wire("/predict", inputs, predictions)
_LIST = Wire("/predict", inputs, _numbers)
_V2 = "/v2/models/model/infer"

ALL = [
    Peer("nginx", Wire("/predict", inputs, predictions, checked=False), _nginx),
    Peer("mlflow", Wire("/invocations", inputs, predictions), _mlflow, "mlflow"),
    Peer("bentoml", _LIST, _bentoml("service"), "bentoml"),
    Peer("bentoml batchable", _LIST, _bentoml("batchable"), "bentoml"),
    Peer("litserve", _JSON, _litserve(False), "litserve"),
    Peer("litserve batch", _JSON, _litserve(True), "litserve"),
    Peer("mlserver", Wire(_V2, tensor("FP64"), outputs), _mlserver(False), "mlserver"),
    Peer("mlserver tuned", Wire(_V2, tensor("FP64"), outputs), _mlserver(True), "mlserver"),
    Peer("fastapi", _JSON, _fastapi, "fastapi"),
    Peer("triton", Wire(_V2, tensor("FP32"), outputs), _triton, "triton"),
]
BY_NAME = {peer.name: peer for peer in ALL}
