"""The data plane behind a real uvicorn, asked over raw sockets: framing, slow and vanishing callers, overload."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.waiting import PATIENCE, until

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.formats.segment import read_new
from boucle.serving.app import App
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble
from boucle.serving.versions import LoadedVersion
from boucle.serving.worker import listen, server

pytestmark = pytest.mark.timeout(400)
SIGNATURE = Signature((Field("x", "float64"),), outputs_of(None))
# Behind the ASGI application alone, what stands before the server has to see to slow and endless requests.
QUICK = ["quick", "quick-thread"]
ONLY_QUICK = pytest.mark.parametrize("service", QUICK, indirect=True)
GATE, ENTERED = threading.Event(), threading.Event()


class Gated:
    """Adds one; a row of -1 waits at the gate."""

    def load(self, directory: Path, info: BundleInfo) -> Gated:
        return self

    def predict(self, batch: Batch) -> Batch:
        if (batch["x"] == -1).any():
            ENTERED.set()
            assert GATE.wait(PATIENCE)
        return {"prediction": batch["x"].astype(float) + 1.0}


@dataclass
class Service:
    plane: Plane
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, raw: bytes, answers: int = 1) -> list[Answer]:
        with self.connect() as connection:
            connection.sendall(raw)
            return read(connection, answers)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def predictions(self) -> list[float]:
        return [float(value) for value in json.loads(self.body)["predictions"]]


def read(connection: socket.socket, answers: int, head: bool = False) -> list[Answer]:
    """Read so many responses, each with a content length."""
    found = []
    with connection.makefile("rb") as stream:
        for _ in range(answers):
            status = int(stream.readline().split()[1])
            lines = iter(stream.readline, b"\r\n")
            headers = {k.decode().lower(): v.strip().decode() for k, _, v in (line.partition(b":") for line in lines)}
            body = b"" if head else stream.read(int(headers.get("content-length", "0")))
            found.append(Answer(status, headers, body))
    return found


def post(body: bytes, path: str = "/predict", extra: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: t\r\n{extra}content-length: {len(body)}\r\n\r\n".encode() + body


def chunked(*parts: bytes) -> bytes:
    head = b"POST /predict HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def loaded(plane: Plane) -> LoadedVersion:
    return plane.engine.snapshot.served["one"].versions[1]


@pytest.fixture(autouse=True)
def _gated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: Gated)
    GATE.clear()
    ENTERED.clear()


@contextmanager
def serving(kind: str, folder: Path, slow: float) -> Iterator[Service]:
    """Serve a model as ``kind`` says: which way in, and whether the model answers on a thread of its own."""
    staged = bundle.staging(folder)
    bundle.write_info(staged, BundleInfo("one", SIGNATURE, "gated", 1.0))
    path, digest = bundle.publish(staged, folder)
    options = ServeOptions(
        str(folder), quick=kind.startswith("quick"), max_body=2000, queue_rows=2, deadline=PATIENCE, slow=slow,
        head_bytes=4000,
    )  # fmt: skip
    plane = assemble(options, "worker")
    write_routes(plane.options.routes, RouteTable(1, (Route("one", True, Target(1, str(path), digest)),)))
    plane.engine.start()
    if kind.endswith("thread"):
        loaded(plane).lane = None
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    running = server(App(plane))
    thread = threading.Thread(target=lambda: running.run(sockets=[sock]))
    thread.start()
    until(lambda: running.started)
    yield Service(plane, port)
    GATE.set()
    running.should_exit = True
    thread.join(PATIENCE)
    plane.close()


@pytest.fixture(params=[*QUICK, "asgi", "asgi-thread"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """The plane behind both ways in, patient with its callers."""
    with serving(request.param, tmp_path, slow=PATIENCE) as service:
        yield service


@pytest.fixture(params=QUICK)
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """The same with little patience."""
    with serving(request.param, tmp_path, slow=0.5) as service:
        yield service


def test_pipelined_requests_are_answered_in_their_order(service: Service) -> None:
    answers = service.ask(b"".join(post(b'{"x": %d}' % n) for n in range(20)), answers=20)
    assert [answer.predictions for answer in answers] == [[n + 1.0] for n in range(20)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


def test_a_connection_is_kept_and_closed_when_asked(service: Service) -> None:
    with service.connect() as connection:
        for number in range(3):
            connection.sendall(post(b'{"x": %d}' % number))
            assert read(connection, 1)[0].predictions == [number + 1.0]
        connection.sendall(post(b'{"x": 1}', extra="connection: close\r\n"))
        assert read(connection, 1)[0].status == 200
        assert connection.recv(1) == b""


def test_a_head_seen_before_means_the_same_whatever_comes_behind_it(service: Service) -> None:
    one, two, three = (post(b'{"x": %d}' % number) for number in (1, 2, 3))  # their heads are the same bytes
    sent = [
        [one],
        [two],
        [three[:-4], three[-4:]],
        [one + two],
        [three[:20], three[20:]],
        [two],
        [one[:-1] + b"]"],
        [two],
    ]
    found: list[Answer] = []
    with service.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for parts in sent:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.02)  # parts arrive one by one then; whether they do changes no answer
            found += read(connection, 2 if parts == [one + two] else 1)
    assert [answer.status for answer in found] == [200] * 7 + [400, 200]
    assert [answer.predictions for answer in found if answer.status == 200] == [
        [n + 1.0] for n in (1, 2, 3, 1, 2, 3, 2, 2)
    ]
    assert len({answer.headers["x-request-id"] for answer in found}) == len(found)


def test_a_head_seen_before_is_no_leave_for_another_caller(service: Service) -> None:
    for extra, status in (("x-request-id: mine\r\n", 200), ("content-type: image/png\r\n", 415)):
        with service.connect() as connection:
            for _ in range(3):
                connection.sendall(post(b'{"x": 1}', extra=extra))
                (answer,) = read(connection, 1)
                assert answer.status == status
                assert status != 200 or answer.headers["x-request-id"] == "mine"


def test_a_body_in_chunks_is_read_whole(service: Service) -> None:
    assert service.ask(chunked(b'{"x"', b": 4", b"1}"))[0].predictions == [42.0]


def test_a_body_in_chunks_is_held_to_the_limit(service: Service) -> None:
    assert service.ask(chunked(*[b" " * 500] * 5))[0].status == 413
    assert service.ask(post(b'{"x": 1}'))[0].status == 200


def test_a_caller_who_waits_for_leave_to_send_gets_it(service: Service) -> None:
    with service.connect() as connection:
        whole = post(b'{"x": 1}', extra="expect: 100-continue\r\n")
        head, _, body = whole.partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert read(connection, 1)[0].predictions == [2.0]


def test_head_has_the_headers_and_no_body(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(b"HEAD /livez HTTP/1.1\r\nhost: t\r\n\r\n" + post(b'{"x": 1}'))
        assert read(connection, 1, head=True)[0].status == 200


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"POST /predict HTTP/1.1\r\ncontent-length: -1\r\n\r\n"]
)
def test_what_is_no_http_is_refused_and_harms_nobody(service: Service, raw: bytes) -> None:
    with service.connect() as connection:
        connection.sendall(raw)
        assert b"400" in connection.recv(1000).partition(b"\r\n")[0]
    assert service.ask(post(b'{"x": 1}'))[0].status == 200


def test_a_slow_caller_holds_nobody_up(service: Service) -> None:
    whole = post(b'{"x": 1}')
    with service.connect() as slow:
        slow.sendall(whole[:-3])
        for number in range(20):
            assert service.ask(post(b'{"x": %d}' % number))[0].predictions == [number + 1.0]
        slow.sendall(whole[-3:])
        assert read(slow, 1)[0].predictions == [2.0]


def test_a_caller_who_goes_away_leaves_an_observation_and_harms_nobody(service: Service) -> None:
    loaded(service.plane).lane = None
    with service.connect() as connection:
        connection.sendall(post(b'{"x": -1}', extra="x-request-id: gone\r\n"))
        assert ENTERED.wait(PATIENCE)
    GATE.set()
    assert service.ask(post(b'{"x": 1}'))[0].predictions == [2.0]
    until(lambda: "gone" in {seen.id for seen in read_new(service.plane.options.segments, {})[0]})


def test_a_full_queue_is_503_and_says_when_to_come_back(service: Service) -> None:
    loaded(service.plane).lane = None
    with service.connect() as held, service.connect() as waiting:
        held.sendall(post(b'{"x": -1}'))
        assert ENTERED.wait(PATIENCE)
        waiting.sendall(post(b'[{"x": 1}, {"x": 2}]'))
        until(lambda: loaded(service.plane).batcher.waiting == 2)
        refused = service.ask(post(b'{"x": 3}'))[0]
        assert (refused.status, json.loads(refused.body)["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert service.ask(b"GET /livez HTTP/1.1\r\nhost: t\r\n\r\n")[0].status == 200
        GATE.set()
        assert read(waiting, 1)[0].predictions == [2.0, 3.0]


def test_an_answer_past_its_deadline_is_503_and_the_connection_goes_on(service: Service) -> None:
    loaded(service.plane).lane = None
    service.plane.desk.options = replace(service.plane.options, deadline=0.2)
    with service.connect() as connection:
        connection.sendall(post(b'{"x": -1}', extra="x-request-id: late\r\n"))
        late = read(connection, 1)[0]
        assert (late.status, json.loads(late.body)["code"], late.headers["x-request-id"]) == (503, "deadline", "late")
        service.plane.desk.options = service.plane.options
        GATE.set()
        connection.sendall(post(b'{"x": 1}'))
        assert read(connection, 1)[0].predictions == [2.0]
    until(lambda: any(seen.error == "deadline" for seen in read_new(service.plane.options.segments, {})[0]))


@pytest.mark.parametrize("start", [b"POST /predict HTTP/1.1\r\nhost: t\r\n", post(b'{"x": 1}')[:-2], b"GE"])
def test_a_request_that_does_not_arrive_is_ended(hasty: Service, start: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(start)
        told = connection.recv(1000)
        assert told.startswith(b"HTTP/1.1 408")
        assert connection.recv(1) == b""


@ONLY_QUICK
def test_a_head_without_end_is_refused(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: t\r\nx-long: ")
        while not select.select([connection], [], [], 0.01)[0]:
            connection.sendall(b"a" * 1000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 431")


def send_for_ever(connection: socket.socket, whole: bytes, most: int) -> None:
    sent = 0
    while sent < most:
        sent += connection.send(whole)


def test_a_caller_who_takes_no_answers_is_not_read_from_for_ever(service: Service) -> None:
    whole = post(b'{"x": 1}') * 200
    with service.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            send_for_ever(connection, whole, most=100_000_000)
    assert service.ask(post(b'{"x": 1}'))[0].status == 200


@pytest.mark.parametrize(
    "framing",
    [
        "content-length: 8\r\ntransfer-encoding: chunked\r\n",
        "content-length: 8\r\ncontent-length: 9\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length: 8, 9\r\n",
    ],
)
def test_two_readings_of_one_request_are_refused(service: Service, framing: str) -> None:
    """What request smuggling lives on: a front and a back that disagree where a request ends."""
    with service.connect() as connection:
        connection.sendall(f"POST /predict HTTP/1.1\r\nhost: t\r\n{framing}\r\n".encode() + b'{"x": 1}')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_half_open_connection_is_closed(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post(b'{"x": 1}'))
        assert read(connection, 1)[0].status == 200
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
