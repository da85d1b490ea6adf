"""Data planes for clients of others to talk to, and those clients."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.browser import browsing
from tests.waiting import PATIENCE, until

from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.access import Access, write_access
from boucle.formats.routes import write_routes
from boucle.serving.options import ServeOptions

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NUMBERS = Signature(
    (Field("x", "float64", optional=True, minimum=0, maximum=10), Field("pH", "float64")), outputs_of(None)
)
MIXED = Signature(
    (
        Field("city", "string", optional=True, categories=("Lyon", "Nîmes")),
        Field("age", "int64", optional=True, minimum=0, maximum=40),
        Field("score", "float64", optional=True),
        Field("member", "bool"),
        Field("day", "datetime"),
    ),
    outputs_of(("no", "yes")),
)
TEXT, IMAGE = Field("text", "text"), Field("image", "image")
MODELS = {
    "wine": (NUMBERS, "adding"),
    "visits": (MIXED, "weighing"),
    "mood": (Signature((TEXT,), outputs_of(("bad", "good")), "text-classification"), "reading"),
    "words": (Signature((TEXT,), (Field("prediction", "json"),), "token-classification"), "marking"),
    "shapes": (Signature((IMAGE,), outputs_of(("tall", "wide")), "image-classification"), "looking"),
}


@dataclass
class Serving:
    """A data plane in a process of its own. ``address`` is its host and port, ``grpc`` those of its gRPC."""

    options: ServeOptions
    url: str
    grpc: str
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")


def _target(state: Path, model: str, version: int) -> Target:
    signature, runtime = MODELS[model]
    staged = bundle.staging(state)
    (staged / "base.txt").write_text(f"{1000 * version}.0")
    bundle.write_info(staged, BundleInfo(model, signature, runtime, 1.0 * version))
    path, digest = bundle.publish(staged, state)
    return Target(version, str(path), digest)


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out runtimes as pip would install them."""
    folder = tmp_path_factory.mktemp("plugin")
    meta = folder / "telling-1.0.dist-info"
    meta.mkdir()
    shutil.copy(HERE / "telling.py", folder)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: telling\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(
        "[boucle.runtimes]\nadding = telling:Adding\nweighing = telling:Weighing\n"
        "reading = telling:Reading\nmarking = telling:Marking\nlooking = telling:Looking\n"
    )
    return folder


Start = Callable[..., Serving]


@pytest.fixture(scope="module")
def start(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return what starts a data plane with some of the models; options beside."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(models: Sequence[str], access: Access | None = None, **options: Any) -> Serving:
        state = tmp_path_factory.mktemp("plane") / ".boucle"
        told = ServeOptions(str(state), port=0, poll=0.05, **options)
        if access is not None:
            told.serving.mkdir(parents=True)
            write_access(told.access, access)
        routes = [Route(model, True, _target(state, model, 1), warm=(_target(state, model, 2),)) for model in models]
        write_routes(told.routes, RouteTable(1, tuple(routes)))
        command = [sys.executable, "-m", "boucle.serving.worker", dumps(told).decode()]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(plugin)})
        begun.append(process)
        until(told.address.exists, process)
        address = json.loads(told.address.read_bytes())
        return Serving(told, address["url"], address.get("grpc", ""), process)

    yield begin
    for process in begun:
        process.terminate()
    for process in begun:
        assert process.wait(PATIENCE) == 0


def _installed(folder: Path) -> None:
    """Install the clients that pyproject names in the group ``clients``, unless they are there."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert uv is not None, "uv is not installed"
    mark = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == mark:
        return
    told = {**os.environ, "VIRTUAL_ENV": str(folder)}
    for ours, theirs in {
        "UV_FIND_LINKS": "PIP_FIND_LINKS",
        "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
        "UV_INDEX": "PIP_EXTRA_INDEX_URL",
        "SSL_CERT_FILE": "PIP_CERT",
    }.items():
        if theirs in os.environ:
            told.setdefault(ours, os.environ[theirs])
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], env=told, check=True)
    install = ["pip", "install", "--quiet", "--python", python, "--group", f"{ROOT / 'pyproject.toml'}:clients"]
    subprocess.run([uv, *install], env=told, check=True)
    stamp.write_text(mark)


@pytest.fixture(scope="session")
def clients() -> Path:
    """Return the environment with the clients of others: apart, for their needs are not ours."""
    folder = ROOT / "build" / "clients"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several pytest workers may want it at once
        _installed(folder)
    return folder


Talk = Callable[..., Any]


@contextmanager
def _speaking(python: str) -> Iterator[Talk]:
    """Start a process that has clients say something and tells what they got."""
    command = [python, "-W", "ignore", str(HERE / "speaking.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def say(call: str, **asked: Any) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"call": call, **asked}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield say
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def talk(clients: Path) -> Iterator[Talk]:
    """Talk by Triton's client."""
    with _speaking(str(clients / "bin" / "python")) as say:
        yield say


@pytest.fixture(scope="module")
def kserve(clients: Path) -> Iterator[Talk]:
    """Talk by KServe's client: in one process with Triton's, their gRPC messages clash."""
    with _speaking(str(clients / "bin" / "python")) as say:
        yield say


@pytest.fixture(scope="module")
def score() -> Iterator[Talk]:
    """Talk by the clients of our own environment: MLflow's."""
    with _speaking(sys.executable) as say:
        yield say


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the pages of a module: while Playwright runs, its thread can run no event loop of others."""
    with browsing() as browser:
        yield browser
