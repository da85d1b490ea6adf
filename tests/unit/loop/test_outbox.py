"""Messages reach people though addresses fail or hang and keepers are killed, and never hold up the loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boucle.core.alarm import Alarm
from boucle.loop import alarms, outbox
from boucle.loop.outbox import Outbox
from boucle.loop.project import Project
from boucle.testing.clock import FakeClock

GOOD, BAD = "json://good", "json://bad"


class Receiver:
    """Keeps what it is sent; fails as long as it is told to, and waits for ``open``."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.failing = False
        self.open = threading.Event()
        self.open.set()

    def send(self, title: str, body: str, html: str = "", picture: bytes = b"") -> list[str]:
        self.open.wait(90)
        if self.failing:
            return ["json://b…d"]
        self.got.append(title)
        return []


class Office:
    """A project with two addresses, and its outbox."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "boucle.yaml").write_text(
            f"{{name: wine, task: tabular-regression, data: {{source: a.csv, target: y}}, alerts: ['{GOOD}', '{BAD}']}}"
        )
        self.clock = FakeClock()
        self.project = Project.open(folder, clock=self.clock)
        self.project.prepare()
        self.good, self.bad = Receiver(), Receiver()
        digests = {address: digest for digest, address in self.project.addresses.items()}
        self.receivers = {digests[GOOD]: self.good, digests[BAD]: self.bad}
        self.project.__dict__["notifiers"] = self.receivers
        self.outbox = self.restarted()

    def restarted(self, deadline: float = 30.0) -> Outbox:
        return Outbox(self.project, lambda _, alarm: (alarm.cause, alarm.reason), deadline)

    def alarm(self, cause: str = "drift") -> Alarm | None:
        with self.project.state.begin() as tx:
            return alarms.raise_alarm(self.project, tx, "wine", cause, "it moved", 1, {})

    def look(self) -> None:
        """Let the outbox look, until every thread that can end has ended and is noted."""
        self.outbox.look()
        for to, one in list(self.outbox._sending.items()):
            one.thread.join(60 if self.receivers[to].open.is_set() else 0)
        self.outbox.look()

    def waiting(self) -> int:
        with self.project.state.begin(write=False) as tx:
            return len(outbox.waiting(tx, "wine"))

    def events(self, kind: str) -> list[Any]:
        with self.project.state.begin(write=False) as tx:
            return tx.journal.events("wine", [kind])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "wine")
    yield office
    office.good.open.set()
    office.bad.open.set()
    office.project.close()


def test_an_alarm_is_told_once_to_each_address(office: Office) -> None:
    office.alarm()
    office.alarm()
    office.look()
    office.look()
    assert (office.good.got, office.bad.got, office.waiting()) == (["drift"], ["drift"], 0)


def test_a_keeper_killed_before_sending_loses_no_message(office: Office) -> None:
    office.alarm()
    office.outbox = office.restarted()
    office.look()
    assert office.good.got == ["drift"]


def test_an_address_that_fails_is_tried_again_alone_and_ever_less_often(office: Office) -> None:
    office.bad.failing = True
    office.alarm()
    office.look()
    office.look()
    assert (office.good.got, office.waiting(), len(office.events("message_failed"))) == (["drift"], 1, 1)
    office.clock.advance(6)
    office.look()
    office.bad.failing = False
    office.clock.advance(6)
    office.look()
    assert office.bad.got == []
    office.clock.advance(6)
    office.look()
    assert (office.good.got, office.bad.got, office.waiting()) == (["drift"], ["drift"], 0)
    assert len(office.events("message_failed")) == 1


def test_an_address_that_hangs_holds_up_nobody(office: Office) -> None:
    office.bad.open.clear()
    office.alarm()
    office.look()
    office.alarm("fault")
    office.look()
    assert office.good.got == ["drift", "fault"]
    assert office.waiting() == 2


def test_a_message_that_hangs_too_long_counts_as_failed_and_its_address_waits(office: Office) -> None:
    office.outbox = office.restarted(deadline=0.0)
    office.bad.open.clear()
    office.alarm()
    office.look()
    (failed,) = office.events("message_failed")
    assert "tried again" in failed.reason
    office.clock.advance(60)
    office.look()
    assert len([t for t in threading.enumerate() if t.name.startswith("message-")]) == 1
    office.bad.open.set()
    for one in list(office.outbox._sending.values()):
        one.thread.join(60)
    office.look()
    assert (office.bad.got, office.waiting()) == (["drift"], 0)


def test_after_a_day_an_address_is_given_up(office: Office) -> None:
    office.bad.failing = True
    office.alarm()
    for _ in range(12):
        office.clock.advance(9000)
        office.look()
    assert office.waiting() == 0
    assert "not tried any more" in office.events("message_failed")[-1].reason


def test_what_is_muted_is_told_afterwards_if_it_is_still_open(office: Office) -> None:
    alarms.mute(office.project, "wine", office.clock.now() + 3600)
    office.alarm("drift")
    fault = office.alarm("fault")
    office.look()
    assert office.good.got == []
    with office.project.state.begin() as tx:
        assert fault is not None
        alarms.resolve(office.project, tx, fault, "over")
    office.clock.advance(3700)
    office.look()
    assert office.good.got == ["drift"]
    assert office.waiting() == 0


def test_a_notifier_that_breaks_its_promise_loses_no_message(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[str]:
        raise RuntimeError("out of order")

    monkeypatch.setattr(office.bad, "send", broken)
    office.alarm()
    office.look()
    assert office.waiting() == 1
