"""A real data plane on a free port: killed, swapped under load, given damaged bundles and wrong requests."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import PATIENCE, until

from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.observation import Observation
from boucle.core.signature import Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.formats.segment import read_new
from boucle.serving.options import ServeOptions

pytestmark = [pytest.mark.timeout(400)]
SIGNATURE = Signature((Field("x", "float64"), Field("pH", "float64", optional=False)), outputs_of(None))


RUNTIME = """
import time
from pathlib import Path

GATE = Path(__file__).with_name("gate")

class Adding:
    def load(self, directory, info):
        self.base = float((directory / "base.txt").read_text())
        return self

    def predict(self, batch):
        while (batch["x"] == 555).any() and not GATE.exists():
            time.sleep(0.01)
        time.sleep(0.001 * (self.base == 9000))  # the ninth has a thread of its own
        return {"prediction": self.base + batch["x"]}
"""


def install_runtime(folder: Path) -> None:
    """Lay out a plugin as pip would: a runtime of another author, found by its entry point."""
    meta = folder / "adding-1.0.dist-info"
    meta.mkdir(parents=True)
    (folder / "adding.py").write_text(RUNTIME)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: adding\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[boucle.runtimes]\nadding = adding:Adding\n")


def target(root: Path, version: int) -> Target:
    """Publish a model whose answer is ``1000 * version + x``: a glance tells which version said it."""
    staged = bundle.staging(root)
    (staged / "base.txt").write_text(f"{1000 * version}.0")
    bundle.write_info(staged, BundleInfo("wine", SIGNATURE, "adding", 1.0 * version))
    path, digest = bundle.publish(staged, root)
    return Target(version, str(path), digest)


class Plane:
    """One data plane and the release state it follows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.plugins = root.parent / "plugins"
        install_runtime(self.plugins)
        self.options = ServeOptions(str(root), port=0, poll=0.05, max_body=100_000)
        self.route = Route("wine", True, target(root, 1))
        self.generation = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def release(self, **changes: Any) -> None:
        self.generation += 1
        self.route = replace(self.route, **changes)
        write_routes(self.options.routes, RouteTable(self.generation, (self.route,)))

    def start(self, ready: bool = True) -> None:
        self.options.address.unlink(missing_ok=True)
        arguments = [sys.executable, "-m", "boucle.serving.worker", dumps(self.options).decode()]
        environ = {**os.environ, "PYTHONPATH": str(self.plugins)}
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, env=environ)
        until(self.options.address.exists, self.process)
        self.port = int(json.loads(self.options.address.read_bytes())["url"].rpartition(":")[2])
        if ready:
            until(lambda: self.get("/readyz")[0] == 200)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def refuses(self) -> bool:
        """Say whether it takes no new connection."""
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), PATIENCE):
            return False
        return True

    def workers(self) -> list[int]:
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in found]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path: str) -> tuple[int, Any]:
        return self.send("GET", path)

    def post(self, path: str, data: Any, **headers: str) -> tuple[int, Any]:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.send("POST", path, body, headers)

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = self.connect()
        try:
            given = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
            connection.request(method, path, body, {"content-type": "application/json"} | given)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        kind = response.headers.get("content-type", "")
        return response.status, json.loads(raw) if raw and kind.startswith("application/json") else raw.decode()

    def seen(self) -> list[Observation]:
        return read_new(self.options.segments, {})[0]


@contextmanager
def running(root: Path) -> Iterator[Plane]:
    plane = Plane(root)
    plane.release()
    plane.start()
    try:
        yield plane
    finally:
        if plane.process is not None and plane.process.poll() is None:
            plane.process.kill()
            plane.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """For claims that leave the release state alone."""
    with running(tmp_path_factory.mktemp("shared") / ".boucle") as plane:
        yield plane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with running(tmp_path / ".boucle") as made:
        yield made


def test_killed_at_once_it_has_kept_every_answer_it_gave(plane: Plane) -> None:
    ids = []
    for number in range(40):
        status, answer = plane.post("/predict/wine", {"x": number, "pH": 3.0})
        assert status == 200
        ids.append(answer["id"])
    assert plane.end(signal.SIGKILL) == -signal.SIGKILL
    assert [seen.id for seen in plane.seen()] == ids
    plane.start()
    assert plane.post("/predict/wine", {"x": 1, "pH": 3.0})[0] == 200
    assert len(plane.seen()) == 41


def test_killed_under_load_it_has_kept_every_answer_it_gave(plane: Plane) -> None:
    ids: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        gone = (OSError, http.client.HTTPException, ValueError)
        with contextlib.closing(plane.connect()) as connection, contextlib.suppress(*gone):
            while True:
                connection.request("POST", "/predict", b'{"x": 1, "pH": 3}', {"content-type": "application/json"})
                with connection.getresponse() as response:
                    ids.append(json.loads(response.read())["id"])
                if len(ids) > 150:
                    enough.set()

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    assert enough.wait(PATIENCE)
    assert plane.end(signal.SIGKILL) == -signal.SIGKILL
    for asker in askers:
        asker.join(PATIENCE)
    assert set(ids) <= {seen.id for seen in plane.seen()}


def test_what_is_under_way_at_the_signal_is_answered(plane: Plane) -> None:
    plane.release(champion=target(plane.root, 9))
    until(lambda: plane.get("/healthz")[1]["models"]["wine"]["versions"] == [9])
    answers: list[tuple[int, Any]] = []
    asker = threading.Thread(target=lambda: answers.append(plane.post("/predict", {"x": 555, "pH": 3})))
    asker.start()
    until(lambda: "boucle_requests_in_progress 1" in plane.get("/metrics")[1])
    assert plane.process is not None
    plane.process.send_signal(signal.SIGTERM)
    until(plane.refuses)
    (plane.plugins / "gate").touch()
    assert plane.process.wait(PATIENCE) == 0
    asker.join(PATIENCE)
    assert answers[0][1]["predictions"] == [9555.0]
    assert [seen.error for seen in plane.seen()] == [""]
    assert not plane.options.address.exists()


def test_a_swap_under_load_fails_no_request_and_mixes_no_answer(plane: Plane) -> None:
    stop, versions, wrong = threading.Event(), set(), []

    def ask() -> None:
        connection = plane.connect()
        rows = json.dumps([{"x": n, "pH": 3.0} for n in range(5)])
        while not stop.is_set():
            connection.request("POST", "/predict", rows, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            said = {round(value) // 1000 for value in answer.get("predictions", ())}
            if response.status != 200 or said != {answer["version"]}:
                wrong.append(answer)
            versions.add(answer.get("version"))
        connection.close()

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    first = plane.route.champion
    plane.release(champion=target(plane.root, 2), warm=(first,))
    until(lambda: 2 in versions)
    plane.release(champion=target(plane.root, 3), warm=())
    until(lambda: 3 in versions)
    stop.set()
    for asker in askers:
        asker.join(PATIENCE)
    assert wrong == []
    assert versions == {1, 2, 3}


def test_a_damaged_bundle_leaves_the_old_version_answering(plane: Plane) -> None:
    second = target(plane.root, 2)
    path = Path(second.bundle) / "base.txt"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    plane.release(champion=second)
    third = target(plane.root, 3)
    until(lambda: 'boucle_model_load_failures_total{model="wine",version="2"}' in plane.get("/metrics")[1])
    assert "sha256" in plane.get("/v2/models/wine/ready")[1]["problems"]["wine/2"]
    assert plane.get("/v2/models/wine/versions/2/ready")[0] == 503
    assert plane.post("/predict/wine", {"x": 1, "pH": 3.0})[1]["version"] == 1
    plane.release(champion=third)
    until(lambda: bool(plane.post("/predict/wine", {"x": 1, "pH": 3.0})[1]["version"] == 3))


def test_a_shadow_is_recorded_and_never_answers(plane: Plane) -> None:
    plane.release(challenger=target(plane.root, 2), shadow=True)
    until(lambda: plane.get("/v2/models/wine/versions/2/ready")[0] == 200)
    answers = [plane.post("/predict/wine", {"x": n, "pH": 3.0})[1] for n in range(10)]
    assert {answer["version"] for answer in answers} == {1}
    until(lambda: sum(seen.role == "shadow" for seen in plane.seen()) == 10)
    shadows = {seen.id: seen for seen in plane.seen() if seen.role == "shadow"}
    assert {answer["id"] for answer in answers} == set(shadows)
    assert {seen.version for seen in shadows.values()} == {2}


def test_a_switched_off_model_answers_its_fallback_or_503(plane: Plane) -> None:
    plane.release(enabled=False)
    until(lambda: plane.post("/predict/wine", {"x": 1, "pH": 3.0})[0] == 503)
    plane.release(fallback=7.5)
    until(lambda: plane.post("/predict/wine", {"x": 1, "pH": 3.0})[0] == 200)
    answer = plane.post("/predict/wine", [{"x": 1, "pH": 3.0}] * 2)[1]
    assert (answer["version"], answer["predictions"]) == (0, [7.5, 7.5])
    assert plane.seen()[-1].role == "fallback"


def test_every_protocol_gives_the_same_answer(shared: Plane) -> None:
    rows = [{"x": 1, "pH": 3.0}, {"x": 2, "pH": 3.1}]
    tensor = {"name": "table", "shape": [2, 2], "datatype": "FP64", "data": [1, 3.0, 2, 3.1]}
    answers = [
        shared.post("/predict/wine", rows)[1]["predictions"],
        shared.post("/predict", {"inputs": rows})[1]["predictions"],
        shared.post("/invocations", {"dataframe_records": rows})[1]["predictions"],
        shared.post("/invocations", b"x,pH\n1,3.0\n2,3.1\n", content_type="text/csv")[1]["predictions"],
        shared.post("/v1/models/wine:predict", {"instances": rows})[1]["predictions"],
        shared.post("/v2/models/wine/infer", {"inputs": [tensor]})[1]["outputs"][0]["data"],
        shared.post("/v2/models/wine/versions/1/infer", {"inputs": [tensor]})[1]["outputs"][0]["data"],
    ]
    for answer in answers:
        assert answer == pytest.approx([1001.0, 1002.0])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "named"),
    [
        ("POST", "/predict/wine", b"{", 400, ""),
        ("POST", "/predict/wine", b'{"x": "1", "pH": 3}', None, "x"),
        ("POST", "/predict/wine", b'{"x": 1, "ph": 3}', None, "ph"),
        ("POST", "/predict/wine", b'{"x": 1}', None, "pH"),
        ("POST", "/predict/wine", b" " * 100_001, 413, ""),
        ("POST", "/predict/wines", b'{"x": 1, "pH": 3}', 404, ""),
        ("POST", "/v2/models/wine/versions/9/infer", b'{"inputs": []}', 404, ""),
        ("POST", "/nowhere", b"", 404, ""),
        ("DELETE", "/predict/wine", b"", 405, ""),
        ("POST", "/feedback", b'{"truth": 1}', None, "id"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    shared: Plane, method: str, path: str, body: bytes, status: int | None, named: str
) -> None:
    got, answer = shared.send(method, path, body)
    assert got in ((400, 422) if status is None else (status,))
    assert answer["error"]
    assert answer["code"]
    assert (answer.get("field") or "") == named or not named


def test_a_callers_id_is_kept_and_a_wild_one_refused(shared: Plane) -> None:
    assert shared.post("/predict/wine", {"x": 1, "pH": 3.0}, x_request_id="order-7")[1]["id"] == "order-7"
    assert shared.post("/predict/wine", {"x": 1, "pH": 3.0}, x_request_id="a" * 129)[0] == 400


def test_feedback_is_joined_or_waits(shared: Plane) -> None:
    name = shared.post("/predict/wine", {"x": 1, "pH": 3.0})[1]["id"]
    status, told = shared.post("/feedback", [{"id": name, "truth": 1000.5}, {"id": "unknown", "truth": 3}])
    assert status == 200
    assert (told["received"], told["joined"], told["pending"]) == (2, 1, 1)
    feedback = read_new(shared.options.segments, {})[1]
    assert [(one.id, one.truth) for one in feedback][-2:] == [(name, [1000.5]), ("unknown", [3])]


def test_it_describes_itself(shared: Plane) -> None:
    for path in (
        "/livez",
        "/healthz",
        "/ping",
        "/health",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/docs",
        "/version",
    ):
        assert shared.get(path)[0] == 200, path
    assert [one["name"] for one in shared.get("/v2/models/wine")[1]["inputs"]] == ["x", "pH"]
    described = shared.get("/openapi.json")[1]
    assert described["openapi"].startswith("3.1")
    assert any("wine" in path for path in described["paths"])
    assert "boucle_requests_total" in shared.get("/metrics")[1]


def test_without_a_release_it_is_alive_and_not_ready_until_there_is_one(tmp_path: Path) -> None:
    plane = Plane(tmp_path / ".boucle")
    plane.start(ready=False)
    try:
        assert (plane.get("/livez")[0], plane.get("/readyz")[0]) == (200, 503)
        plane.release()
        until(lambda: plane.get("/readyz")[0] == 200)
        assert plane.end() == 0
    finally:
        if plane.process is not None:
            plane.process.kill()


def test_a_port_that_is_taken_is_named(shared: Plane, tmp_path: Path) -> None:
    options = replace(shared.options, state=str(tmp_path), port=shared.port)
    done = subprocess.run(
        [sys.executable, "-m", "boucle.serving.worker", dumps(options).decode()],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert str(shared.port) in done.stderr


def test_several_workers_share_the_port_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    plane = Plane(tmp_path / ".boucle")
    plane.options = replace(plane.options, workers=2)
    plane.release()
    plane.start()
    assert plane.process is not None
    try:
        until(lambda: len(plane.workers()) == 2)  # the second may begin a moment later
        first = plane.workers()[0]
        os.kill(first, signal.SIGKILL)
        until(lambda: len(plane.workers()) == 2 and first not in plane.workers())
        until(lambda: plane.get("/readyz")[0] == 200)
        assert plane.post("/predict/wine", {"x": 1, "pH": 3.0})[0] == 200
        assert plane.end() == 0
    finally:
        plane.process.kill()


FORKING = """
import os, sys
from boucle.serving.embedded import attach

model = attach(sys.argv[1])
before = model.predict({"x": 1, "pH": 3})
child = os.fork()
if child == 0:
    os._exit(0 if model.predict({"x": 2, "pH": 3}, id="child")["predictions"] == [1002.0] else 1)
assert os.waitpid(child, 0)[1] == 0
model.predict({"x": 3, "pH": 3}, id="parent")
"""


def test_an_application_that_forks_after_attaching_answers_in_both(tmp_path: Path) -> None:
    plane = Plane(tmp_path / ".boucle")
    plane.release()
    environ = {**os.environ, "PYTHONPATH": str(plane.plugins)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path)], env=environ, check=True, timeout=PATIENCE
    )
    assert {"child", "parent"} <= {seen.id for seen in plane.seen()}
    assert len(list(plane.options.segments.iterdir())) == 2
