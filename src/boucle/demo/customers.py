"""The demo's only actors: customers who ask over HTTP, and later say what was right."""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

LABEL_DELAY = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered request: who answered, what, and what was right."""

    id: str
    version: int
    predicted: float
    truth: float


class Client:
    """One keep-alive connection to the data plane or the control plane."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON and read JSON; raises OSError without a connection, RuntimeError on a status of 400 and above."""
        payload = None if body is None else json.dumps(body)
        self._connection.request(method, path, payload, {"content-type": "application/json"})
        response = self._connection.getresponse()
        raw = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path} was answered {response.status}: {raw[:300]!r}")
        return json.loads(raw)

    def close(self) -> None:
        self._connection.close()


class Customers:
    """Several customers at once; the truth about a row comes back after ``LABEL_DELAY`` later answers."""

    def __init__(self, address: str, model: str, target: str, crowd: int = 6) -> None:
        self._address, self._model, self._target, self._crowd = address, model, target, crowd
        self._feedback = Client(address)
        self._waiting: deque[Answer] = deque()
        self.answers: list[Answer] = []

    def send(self, rows: Sequence[dict[str, Any]]) -> list[Answer]:
        """Ask about every row, one request each, and send the truths that have come due; returns the answers."""
        todo: SimpleQueue[dict[str, Any]] = SimpleQueue()
        for row in rows:
            todo.put(row)
        got: list[Answer] = []
        errors: list[BaseException] = []
        threads = [threading.Thread(target=self._one, args=(todo, got, errors)) for _ in range(self._crowd)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        self.answers += got
        self._waiting.extend(got)
        self.tell(keep=LABEL_DELAY)
        return got

    def _one(self, todo: SimpleQueue[dict[str, Any]], got: list[Answer], errors: list[BaseException]) -> None:
        client = Client(self._address)
        try:
            while True:
                row = dict(todo.get_nowait())
                truth = row.pop(self._target)
                answer = client.call("POST", f"/predict/{self._model}", row)
                got.append(Answer(answer["id"], int(answer["version"]), float(answer["predictions"][0]), float(truth)))
        except Empty:
            pass
        except (OSError, RuntimeError) as error:
            errors.append(error)
        finally:
            client.close()

    def tell(self, keep: int = 0) -> None:
        """Send the truth about all but the newest ``keep`` answers."""
        due = []
        while len(self._waiting) > keep:
            answer = self._waiting.popleft()
            due.append({"id": answer.id, "truth": answer.truth})
        if due:
            self._feedback.call("POST", "/feedback", due)

    def close(self) -> None:
        self._feedback.close()


def rmse(answers: Iterable[Answer]) -> float:
    """Root mean squared error of answers against what was right."""
    losses = [(a.predicted - a.truth) ** 2 for a in answers]
    return (sum(losses) / len(losses)) ** 0.5 if losses else float("nan")
