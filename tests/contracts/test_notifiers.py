"""Notifiers tell people, say what failed without its secrets, and never hold anybody up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from boucle.adapters.notifiers.apprise import AppriseNotifier


class Receiver:
    """A webhook's other end: keeps what it is sent; ``hold`` makes it keep the caller waiting."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.hold.wait(30)
                receiver.got.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"json://user:sesame@127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.hold.set()
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def test_a_webhook_gets_title_and_body(receiver: Receiver) -> None:
    assert AppriseNotifier([receiver.address]).send("wine: drift", "alcohol 0.4") == []
    (message,) = receiver.got
    assert message["title"] == "wine: drift"
    assert "alcohol 0.4" in message["message"]


def test_an_address_that_fails_is_named_without_its_secret(receiver: Receiver) -> None:
    dead = "json://user:sesame@127.0.0.1:1/"
    failed = AppriseNotifier([dead, receiver.address]).send("title", "body")
    assert len(failed) == 1
    assert "sesame" not in failed[0]
    assert len(receiver.got) == 1


def test_an_unknown_kind_of_address_fails_alone() -> None:
    assert AppriseNotifier(["carrier-pigeon://sesame"]).send("title", "body") == ["carrier-pigeon://…"]


def test_a_receiver_that_hangs_holds_nobody_up(receiver: Receiver) -> None:
    receiver.hold.clear()
    assert len(AppriseNotifier([receiver.address], patience=0.3).send("title", "body")) == 1
    assert receiver.got == []
