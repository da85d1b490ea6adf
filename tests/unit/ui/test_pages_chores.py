"""What people do beside releases, and what the console asks the data plane in their name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from boucle.core.access import Role
from boucle.core.errors import NotFound, RequestError, StoreError
from boucle.core.event import Event
from boucle.loop import access, outbox
from boucle.loop.project import Project
from boucle.testing.clock import FakeClock
from boucle.ui import asking, upkeep
from boucle.ui.words.catalogue import Words
from boucle.views.contract import FieldRow

EN = Words("en")
PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path, actor="olga", clock=FakeClock())
    project.prepare()
    yield project
    project.close()


def events(project: Project, kind: str) -> list[Event]:
    with project.state.begin(write=False) as tx:
        return list(tx.journal.events(None, (kind,)))


def muted(project: Project) -> float:
    with project.state.begin(write=False) as tx:
        return float(tx.settings.get(outbox.muting("wine")) or 0.0)


def test_muting_ends_by_itself_and_is_taken_back_at_once(project: Project) -> None:
    action = upkeep.mute(EN, "wine", "2h", 7200.0)
    done = action.act(project, "")
    assert muted(project) == project.clock.now() + 7200.0
    assert (action.command, done.command) == ("boucle mute wine --until 2h", "boucle mute wine --until 0s")
    assert done.undo is not None
    done.undo.act(project, "")
    assert muted(project) <= project.clock.now()
    assert [one.actor for one in events(project, "muted")] == ["olga", "olga"]


def test_ending_a_key_takes_an_admin_and_what_the_key_is_known_by(project: Project) -> None:
    made = access.add(project, "lena", Role.VIEWER)
    action = upkeep.revoke(EN, "lena", made.key.digest[:8])
    assert (action.role, action.typed, action.undo) == (Role.ADMIN, made.key.digest[:8], "")
    action.act(project, "")
    assert access.listing(project) == []
    with pytest.raises(NotFound):
        action.act(project, "")


class Notifier:
    """An address in the test's hands."""

    def __init__(self, failed: list[str]) -> None:
        self.failed, self.sent = failed, list[str]()

    def send(self, title: str, body: str, html: str = "", picture: bytes = b"") -> list[str]:
        self.sent.append(f"{title}: {body}")
        return self.failed


@pytest.mark.parametrize(("failed", "told"), [([], "was sent"), (["mailto"], "could not be sent")])
def test_a_test_says_whether_it_arrived_and_who_sent_it(project: Project, failed: list[str], told: str) -> None:
    notifier = Notifier(failed)
    project.__dict__["notifiers"] = {"abc": notifier}
    assert told in upkeep.send_test(EN, "abc", "mailto").act(project, "").told
    assert "olga" in notifier.sent[0]
    (event,) = events(project, "message_tested")
    assert (event.actor, told in event.reason) == ("olga", True)
    with pytest.raises(NotFound):
        upkeep.send_test(EN, "gone", "mailto").act(project, "")


class Plane(BaseHTTPRequestHandler):
    """A data plane that keeps what it was asked, and answers what it was told to."""

    asked: list[tuple[str, Any]]
    answer: tuple[int, dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body))
        status, told = self.answer
        self.send_response(status)
        self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def plane(project: Project) -> Iterator[type[Plane]]:
    kind = type("Asked", (Plane,), {"asked": [], "answer": (200, {})})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (project.root / "serving").mkdir(exist_ok=True)
    (project.root / "serving" / "address.json").write_text(
        json.dumps({"url": f"http://127.0.0.1:{server.server_port}"})
    )
    yield kind
    server.shutdown()
    thread.join()
    server.server_close()


def field(name: str, dtype: str) -> FieldRow:
    return FieldRow(name, dtype, False, None, None, (), False, None, None, None, None, 0, None, None)


FIELDS = (field("age", "int64"), field("photo", "image"), field("note", "text"))


def test_a_test_names_the_version_so_that_no_window_counts_it(project: Project, plane: type[Plane]) -> None:
    outputs = [
        {"name": "prediction", "shape": [1], "data": ["no"]},
        {"name": "probabilities", "shape": [1, 2], "data": [0.8, 0.2]},
    ]
    plane.answer = 200, {"id": "try-1", "model_version": "3", "outputs": outputs}
    found = asking.ask(project, "wine", 3, FIELDS, {"age": 7, "photo": b"\x89PNG", "note": "é"})
    assert (found.id, found.version, found.prediction, found.probabilities) == ("try-1", 3, "no", (0.8, 0.2))
    ((path, body),) = plane.asked
    assert path == "/v2/models/wine/versions/3/infer"
    assert body["id"].startswith(asking.TEST)
    assert [one["datatype"] for one in body["inputs"]] == ["INT64", "BYTES", "BYTES"]
    assert body["inputs"][1]["parameters"] == {"content_type": "base64"}


def test_what_the_data_plane_refuses_is_told_with_its_field_and_when_to_come_again(
    project: Project, plane: type[Plane]
) -> None:
    plane.answer = 422, {"error": "age takes a number", "field": "age", "hint": "write 7"}
    with pytest.raises(RequestError, match="age takes") as caught:
        asking.ask(project, "wine", 3, FIELDS, {"age": "x"})
    assert (caught.value.facts["field"], caught.value.facts["retry_after"], caught.value.hint) == (
        "age",
        "7",
        "write 7",
    )


def test_a_thumb_and_a_truth_go_to_feedback_in_one_request(project: Project, plane: type[Plane]) -> None:
    asking.tell(project, "try-1", "yes", thumb=False)
    told = [{"id": "try-1", "event": "thumb", "value": 0}, {"id": "try-1", "truth": ["yes"]}]
    assert plane.asked == [("/feedback", told)]


def test_without_a_data_plane_the_hint_says_how_to_start_one(project: Project) -> None:
    with pytest.raises(StoreError) as caught:
        asking.tell(project, "try-1", thumb=True)
    assert caught.value.hint == "boucle up"
