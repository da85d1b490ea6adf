"""Two keepers at once, in processes of their own: one acts, and when it is killed the other goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.waiting import until

from boucle.adapters.stores.sql import SqlState
from boucle.core.errors import StoreError
from boucle.core.event import Event

Start = Callable[[str], "subprocess.Popen[str]"]
PATIENCE = 120.0


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_server"))


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def begin(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("keeping.py")), url, str(tmp_path), tmp_path.name, name]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def state(url: str, tmp_path: Path) -> Iterator[SqlState]:
    state = SqlState(url or None, tmp_path)
    yield state
    state.close()


def acted(state: SqlState, model: str, name: str, many: int) -> list[Event]:
    """Wait until ``name`` has acted ``many`` times; returns all that was done."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with state.begin(write=False) as tx:
            events = tx.journal.events(model, ["acted"])
        if sum(e.actor == name for e in events) >= many:
            return events
        time.sleep(0.05)
    raise AssertionError(f"{name} did not act {many} times in {PATIENCE} s: {[e.actor for e in events][-5:]}")


def test_when_the_holder_is_killed_the_other_takes_over_within_ten_seconds(
    start: Start, state: SqlState, tmp_path: Path
) -> None:
    first = start("first")
    acted(state, tmp_path.name, "first", 5)
    start("second")
    begun = acted(state, tmp_path.name, "first", 30)
    assert {e.actor for e in begun} == {"first"}
    first.kill()
    first.wait()
    died = time.time()
    events = acted(state, tmp_path.name, "second", 5)
    assert [int(e.reason) for e in events] == list(range(1, len(events) + 1))
    assert next(e.time for e in events if e.actor == "second") - died < 10.0


def fell_asleep(process: subprocess.Popen[str], state: SqlState) -> bool:
    """Stop a process, unless it is in the middle of a transaction: asleep there it would hold up everybody."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with state.begin():
            return True
    except StoreError:
        os.kill(process.pid, signal.SIGCONT)
        return False


def test_a_holder_that_slept_and_wakes_changes_nothing_more(
    start: Start, state: SqlState, url: str, tmp_path: Path
) -> None:
    first = start("first")
    acted(state, tmp_path.name, "first", 5)
    start("second")
    brief = SqlState(url or None, tmp_path, timeout=1)
    until(lambda: fell_asleep(first, brief))
    brief.close()
    acted(state, tmp_path.name, "second", 5)
    os.kill(first.pid, signal.SIGCONT)
    assert first.stdout is not None
    assert [first.stdout.readline() for _ in range(2)] == ["took\n", "lost\n"]
    events = acted(state, tmp_path.name, "second", 30)
    actors = [e.actor for e in events]
    turn = actors.index("second")
    assert set(actors[:turn]) == {"first"}
    assert set(actors[turn:]) == {"second"}
    with state.begin(write=False) as tx:
        assert tx.journal.verify() is None
