"""What kills, locks, full disks and meddling do to the live state: it is always one of the two sides, and says so."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from boucle.adapters.stores.sql import SqlState
from boucle.core.errors import StoreError
from boucle.core.event import Event
from boucle.delivery.routing import table
from boucle.formats.routes import read_routes

SCRIPT = Path(__file__).with_name("dying.py")
ACTIONS = ("promote", "canary", "rollback")
POINTS = ("change-open", "change-kept", "aliases-before", "aliases-half", "aliases-after", "note-open", "note-kept")


def world(root: Path) -> Any:
    """Load the script's own world over what it left in ``root``."""
    spec = importlib.util.spec_from_file_location("dying", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    dying = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dying)
    return dying.Dying(root)


def spawn(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(SCRIPT), *arguments], stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every action, killed at every step, each in a folder of its own."""
    root = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, str(SCRIPT), "deliver", str(root)], check=True, timeout=150)
    return root


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlState]:
    state = SqlState(None, tmp_path, timeout=0.2)
    with state.begin() as tx:
        for n in range(5):
            tx.journal.append(Event("release", float(n), f"reason {n}", "wine", n))
    yield state
    state.close()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_at_any_step_leaves_one_side_and_reconcile_finishes_it(killed: Path, action: str, point: str) -> None:
    left = world(killed / action / point)
    changed = point != "change-open"
    with left.state.begin() as tx:
        before = tx.deployments.get("wine")
        assert (before.generation, len(tx.journal.events())) == ((3, 3) if changed else (2, 2))
        assert tx.journal.verify() is None
    left.delivery.reconcile(lambda name: left.aliases()["champion"])
    with left.state.begin() as tx:
        after = tx.deployments.get("wine")
        assert after == before.synced()
        assert tx.journal.verify() is None
    expected = (
        {"promote": (3, None, 2), "canary": (2, 3, 1), "rollback": (1, None, 2)}[action] if changed else (2, None, 1)
    )
    assert (after.champion, after.challenger, after.previous) == expected
    assert left.aliases() == dict(zip(("champion", "challenger", "previous"), expected, strict=True))
    assert read_routes(left.routes) == table([after], left.target, None)
    assert left.delivery.reconcile(lambda name: left.aliases()["champion"]).changes == ()
    left.close()


def test_an_event_that_was_committed_survives_a_kill(tmp_path: Path) -> None:
    with spawn("append", str(tmp_path), "killed") as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(25)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split()]
    state = SqlState(None, tmp_path)
    with state.begin() as tx:
        assert tx.journal.verify() is None
        assert len(tx.journal.events()) >= told[-1] >= 25
    state.close()


def test_processes_that_open_a_new_state_at_once_and_append_keep_one_chain(tmp_path: Path) -> None:
    children = [spawn("append", str(tmp_path), f"writer {n}", "20") for n in range(3)]
    told = sorted(int(seq) for child in children for seq in child.communicate(timeout=150)[0].split())
    assert told == list(range(1, 61))
    state = SqlState(None, tmp_path)
    with state.begin() as tx:
        assert tx.journal.verify() is None
        assert {event.reason for event in tx.journal.events()} == {f"writer {n}" for n in range(3)}
    state.close()


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE boucle_events SET reason = 'better' WHERE seq = 3", 3),
        ("UPDATE boucle_events SET data = 'no json' WHERE seq = 2", 2),
        ("UPDATE boucle_events SET previous = 'x' WHERE seq = 4", 4),
        ("UPDATE boucle_events SET digest = 'x' WHERE seq = 5", 5),
        ("DELETE FROM boucle_events WHERE seq = 1", 1),
        ("DELETE FROM boucle_events WHERE seq = 3", 3),
        ("DELETE FROM boucle_events WHERE seq = 5", 5),
        ("DELETE FROM boucle_events", 1),
        ("UPDATE boucle_events SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE seq IN (2, 3)", 2),
        ("INSERT INTO boucle_events SELECT 6, kind, time, reason, model, version, actor, data, digest, 'x'"
         " FROM boucle_events WHERE seq = 5", 6),
    ],
)  # fmt: skip
def test_meddling_with_the_history_shows_where(state: SqlState, tmp_path: Path, statement: str, broken: int) -> None:
    with sqlite3.connect(tmp_path / "state.db") as raw:
        raw.execute(statement)
        raw.execute("UPDATE boucle_events SET seq = -seq WHERE seq < 0")
    raw.close()
    with state.begin(write=False) as tx:
        assert tx.journal.verify() == broken


def test_a_state_locked_by_another_process_is_said_and_not_waited_for_long(state: SqlState, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"), state.begin():
        pass
    with state.begin(write=False) as tx:
        assert len(tx.journal.events()) == 5
    other.execute("ROLLBACK")
    other.close()
    with state.begin() as tx:
        tx.journal.append(Event("release", 9.0, "after", "wine"))


def _folder(root: Path) -> str:
    (root / "state.db").mkdir()
    return ""


def _below_a_file(root: Path) -> str:
    (root / "file").write_text("x")
    return "sqlite:///file/state.db"


def _no_database(root: Path) -> str:
    (root / "state.db").write_bytes(b"name,age\n" * 500)
    return ""


def _damaged(root: Path) -> str:
    state = SqlState(None, root)
    with state.begin() as tx:
        for n in range(50):
            tx.journal.append(Event("release", 1.0, "x" * 500, "wine", n))
    state.close()
    raw = (root / "state.db").read_bytes()
    (root / "state.db").write_bytes(raw[:4096] + b"\xff" * (len(raw) - 4096))
    return ""


def _newer(root: Path) -> str:
    state = SqlState(None, root)
    with state.begin():
        pass
    state.close()
    with sqlite3.connect(root / "state.db") as raw:
        raw.execute("UPDATE boucle_schema SET version_num = '9999'")
    raw.close()
    return ""


def _nobody_listens(root: Path) -> str:
    return "postgresql://boucle:secret@127.0.0.1:1/boucle"


def _secret_in_the_query(root: Path) -> str:
    return "postgresql://127.0.0.1:1/boucle?user=boucle&password=secret"


def _another_database(root: Path) -> str:
    return "mysql://boucle:secret@127.0.0.1/boucle"


def _no_url(root: Path) -> str:
    return "secret, not a URL"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_folder, "cannot be opened"),
        (_below_a_file, "cannot be made"),
        (_no_database, "is not a database"),
        (_damaged, "is damaged"),
        (_newer, "newer Boucle"),
        (_nobody_listens, "cannot be reached"),
        (_secret_in_the_query, "cannot be reached"),
        (_another_database, "names mysql"),
        (_no_url, "not a database URL"),
    ],
)
def test_a_state_that_cannot_be_used_says_why_and_what_to_do(
    tmp_path: Path, harm: Callable[[Path], str], said: str
) -> None:
    url = harm(tmp_path)
    with pytest.raises(StoreError, match=said) as caught:  # noqa: PT012 - opening is the statement
        state = SqlState(url, tmp_path, timeout=1)
        try:
            with state.begin() as tx:
                tx.journal.events()
        finally:
            state.close()
    assert caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_read_only_state_can_be_read_and_refuses_to_change(state: SqlState, tmp_path: Path) -> None:
    frozen = SqlState(f"sqlite:///file:{tmp_path}/state.db?mode=ro&uri=true", tmp_path)
    with frozen.begin(write=False) as tx:
        assert len(tx.journal.events()) == 5
    with pytest.raises(StoreError, match="read-only"), frozen.begin() as tx:
        tx.settings.put("mute", 1)
    frozen.close()


def test_a_file_that_may_not_grow_keeps_what_was_committed(tmp_path: Path) -> None:
    with spawn("fill", str(tmp_path)) as child:
        assert child.stdout is not None
        *numbers, said = child.stdout.read().splitlines()
    assert "cannot be read or written" in said
    assert "hint: check the disk" in said
    state = SqlState(None, tmp_path)
    with state.begin() as tx:
        assert tx.journal.verify() is None
        assert len(tx.journal.events()) == int(numbers[-1])
    state.close()


def test_a_full_disk_is_said_and_what_was_kept_is_whole(tmp_path: Path) -> None:
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tmp_path)], capture_output=True
        ).returncode
    ):
        pytest.skip("needs the right to mount a small disk")
    state = SqlState(None, tmp_path)
    try:
        kept = 0
        with pytest.raises(StoreError, match="disk is full"):  # noqa: PT012 - one of them fails
            for n in range(2000):
                with state.begin() as tx:
                    tx.journal.append(Event("release", 1.0, "x" * 500, "wine", n))
                kept += 1
        with state.begin(write=False) as tx:
            assert tx.journal.verify() is None
            assert len(tx.journal.events()) == kept
    finally:
        state.close()
        subprocess.run(["umount", str(tmp_path)], check=True)
