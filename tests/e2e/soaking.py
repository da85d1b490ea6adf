"""Use a data plane hard, then see that every answer it gave is in its log exactly once and came from who it says.

    python tests/e2e/soaking.py --seconds 600

All at once: callers over four protocols; releases, canary shares, shadows and the kill switch; workers killed; callers
who send half a request, garbage or too much, or go away. Prints what was counted, as JSON; exit 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.json import dumps
from boucle.core.signature import Field, Signature, outputs_of
from boucle.formats.routes import write_routes
from boucle.formats.segment import read_new
from boucle.ports.frames import to_batch
from boucle.serving.options import ServeOptions
from boucle.training import bundling

FIELDS = (Field("x", "float64"), Field("y", "float64"))
FALLBACK = -1.0
VERSIONS, CALLERS, WORKERS = 4, 6, 2


def build(root: Path, number: int) -> Target:
    """Make the bundle of a version whose answer is ``1000 * number + x``: a glance tells who said it."""
    frame = pd.DataFrame(np.random.default_rng(number).normal(size=(60, 2)), columns=["x", "y"])
    model = LinearRegression().fit(frame, 1000.0 * number + frame["x"])
    signature = Signature(FIELDS, outputs_of(None))
    plan = bundling.Plan("m", model, signature, to_batch(frame, FIELDS))
    _, path, digest = bundling.make(plan, plugins.load("runtimes", "sklearn")(), root)
    return Target(number, str(path), digest)


class Soak:
    """One data plane with two workers, what is done to it, and what it answered."""

    def __init__(self, root: Path) -> None:
        self.options = ServeOptions(str(root), port=0, workers=WORKERS, poll=0.1, slow=5.0, max_body=100_000)
        self.targets = [build(root, number) for number in range(1, VERSIONS + 1)]
        self.stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self.answers: dict[str, int] = {}
        self.wrong: list[str] = []
        self.random = random.Random(1)
        self._generation = 0
        self._lock = threading.Lock()
        self.release(Route("m", True, self.targets[0]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "boucle.serving.worker", dumps(self.options).decode()], stdin=subprocess.DEVNULL
        )
        end = time.monotonic() + 120
        while not self.options.address.exists():
            assert time.monotonic() < end, "the data plane does not start"
            time.sleep(0.05)
        self.port = int(json.loads(self.options.address.read_bytes())["url"].rpartition(":")[2])

    def release(self, route: Route) -> None:
        self._generation += 1
        write_routes(self.options.routes, RouteTable(self._generation, (route,)))

    def run(self, seconds: float) -> dict[str, Any]:
        """Do everything at once for so long; returns what was counted, raises AssertionError where a claim fails."""
        work: list[Callable[[], None]] = [self.move, self.kill, self.misbehave]
        threads = [threading.Thread(target=self.guarded, args=(one,)) for one in work]
        threads += [threading.Thread(target=self.guarded, args=(lambda n=n: self.ask(n),)) for n in range(CALLERS)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None and not self.stop.wait(0.2):
            pass
        self.stop.set()
        for thread in threads:
            thread.join(60)
        assert self.process.poll() is None, "the data plane ended by itself"
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        return self.judged(code)

    def guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told at the end, with the rest
            self.wrong.append(f"{type(error).__name__}: {error}")
            self.stop.set()

    def ask(self, number: int) -> None:
        """Ask without pause; what comes back is noted, and checked against who says to have said it."""
        rng, sent = random.Random(number), 0
        connection = self.connect()
        while not self.stop.is_set():
            sent += 1
            name, x = f"c{number}-{sent}", float(rng.randint(-400, 400))
            path, body = rng.choice(PROTOCOLS)(x)
            try:
                connection.request("POST", path, body, {"x-request-id": name, "content-type": "application/json"})
                response = connection.getresponse()
                raw = response.read()
            except (OSError, http.client.HTTPException):
                self.count("connection lost")  # a worker was killed: nobody was answered
                connection.close()
                connection = self.connect()
                continue
            self.note(name, x, response, raw)
        connection.close()

    def note(self, name: str, x: float, response: http.client.HTTPResponse, raw: bytes) -> None:
        self.count(str(response.status))
        if response.status != 200:
            if response.status != 503 or b"disabled" not in raw:
                self.wrong.append(f"{response.status}: {raw[:200]!r}")
            return
        version = int(response.headers["x-model-version"])
        data = json.loads(raw)
        value = data["predictions"][0] if "predictions" in data else data["outputs"][0]["data"][0]
        right = FALLBACK if version == 0 else 1000.0 * version + x
        if abs(value - right) > 1e-6 or response.headers["x-request-id"] != name:
            self.wrong.append(f"{name}: version {version} said {value} to {x}")
        with self._lock:
            self.answers[name] = version

    def move(self) -> None:
        """Change the release state, three times a second."""
        while not self.stop.wait(0.3):
            champion, challenger = self.random.sample(self.targets, 2)
            share = self.random.choice([0.1, 0.5])
            self.release(
                self.random.choice(
                    [
                        Route("m", True, champion),
                        Route("m", True, champion, challenger, share),
                        Route("m", True, champion, challenger, 0.0, shadow=True),
                        Route("m", False, champion, fallback=FALLBACK),
                        Route("m", False, champion),
                    ]
                )
            )
            self.count("releases")

    def kill(self) -> None:
        """Kill a worker every few seconds."""
        while not self.stop.wait(3.0):
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(self.random.choice(self.children()), signal.SIGKILL)
                self.count("workers killed")

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in found]

    def misbehave(self) -> None:
        """Be every kind of bad caller."""
        held: list[socket.socket] = []
        while not self.stop.wait(0.05):
            with contextlib.suppress(OSError):
                one = socket.create_connection(("127.0.0.1", self.port), timeout=30)
                one.sendall(self.random.choice(NUISANCES))
                held.append(one)
                self.count("bad callers")
            if len(held) > 40:
                held.pop(self.random.randrange(len(held))).close()
        for one in held:
            one.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def judged(self, code: int) -> dict[str, Any]:
        """Hold the answers against the log."""
        seen = [one for one in read_new(self.options.segments, {})[0] if one.role != "shadow"]
        times, versions = Counter(one.id for one in seen), {one.id: one.version for one in seen}
        found = {
            **dict(sorted(self.counts.items())),
            "answered": len(self.answers),
            "answered and not in the log": sum(1 for name in self.answers if name not in times),
            "in the log more than once": sum(1 for count in times.values() if count > 1),
            "in the log under another version": sum(versions.get(n, v) != v for n, v in self.answers.items()),
            "wrong": self.wrong[:10],
            "exit code": code,
        }
        print(json.dumps(found, indent=1))  # noqa: T201
        assert not self.wrong, self.wrong[:3]
        assert len(self.answers) > 100
        assert code == 0
        for claim in ("answered and not in the log", "in the log more than once", "in the log under another version"):
            assert found[claim] == 0, claim
        return found


def tensor(x: float) -> dict[str, Any]:
    return {"inputs": [{"name": "t", "shape": [1, 2], "datatype": "FP64", "data": [x, 0.0]}]}


PROTOCOLS: list[Callable[[float], tuple[str, bytes]]] = [
    lambda x: ("/predict", json.dumps({"x": x, "y": 0.0}).encode()),
    lambda x: ("/predict/m", json.dumps({"inputs": [[x, 0.0]]}).encode()),
    lambda x: ("/invocations", json.dumps({"dataframe_split": {"columns": ["y", "x"], "data": [[0, x]]}}).encode()),
    lambda x: ("/v1/models/m:predict", json.dumps({"instances": [[x, 0]]}).encode()),
    lambda x: ("/v2/models/m/infer", json.dumps(tensor(x)).encode()),
]
_HEAD = b"POST /predict HTTP/1.1\r\nhost: t\r\n"
NUISANCES = [
    _HEAD,
    _HEAD + b'content-length: 20\r\n\r\n{"x": 1',
    _HEAD + b"content-length: 900000\r\n\r\n",
    _HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    _HEAD + b'content-length: 8\r\n\r\n{"x": "a',
    _HEAD + b'content-length: 22\r\n\r\n{"x": 1.0, "y": 1.0}  ',
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600.0)
    with tempfile.TemporaryDirectory() as folder:
        try:
            Soak(Path(folder) / ".boucle").run(parser.parse_args().seconds)
        except AssertionError as failed:
            print(f"failed: {failed}", file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
