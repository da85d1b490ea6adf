"""What people do knows its role, its command and its way back, and holds only while what they saw holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from boucle import plugins
from boucle.core.access import Role
from boucle.core.deployment import Deployment, Rollout, Target
from boucle.core.errors import BoucleError
from boucle.core.json import to_data
from boucle.loop.operations import SHORTEST_REASON
from boucle.loop.project import Project
from boucle.ui import deeds
from boucle.ui.actions import Action
from boucle.ui.deeds import Seen
from boucle.ui.words.catalogue import Words

from .test_console_sessions import opened

SAY = Words("en")
ROLLOUT = Rollout("wine/8#2", 8, "canary", "stepping", 1.0, 1.0, 0.1, 1, (0.1, 0.5), 200)
HELD = Deployment("wine", 1, True, 7, 6, ROLLOUT)
SEEN = Seen.of(HELD)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = opened(tmp_path)
    project.__dict__["registry"] = plugins.load("registries", "memory")()
    with project.state.begin() as tx:
        tx.deployments.put(HELD)
        for version in (6, 7, 8):  # as it is kept when a version is released
            tx.settings.put(f"target:wine/{version}", to_data(Target(version, str(tmp_path), "d" * 64)))
    yield project
    project.close()


@pytest.mark.parametrize(
    ("action", "role", "command", "undo"),
    [
        (deeds.rollback(SAY, SEEN), Role.OPERATOR, "boucle rollback wine", "boucle promote wine/8"),
        (deeds.pause(SAY, SEEN), Role.OPERATOR, "boucle pause wine", "boucle resume wine"),
        (deeds.resume(SAY, SEEN), Role.OPERATOR, "boucle resume wine", "boucle pause wine"),
        (deeds.disable(SAY, SEEN), Role.OPERATOR, "boucle disable wine", "boucle enable wine"),
        (deeds.enable(SAY, SEEN), Role.OPERATOR, "boucle enable wine", "boucle disable wine"),
        (deeds.promote(SAY, SEEN, 9), Role.OPERATOR, "boucle promote wine/9", "boucle rollback wine"),
    ],
)
def test_each_deed_says_its_command_and_the_one_that_takes_it_back(
    action: Action, role: Role, command: str, undo: str
) -> None:
    assert (action.role, action.command, action.undo, action.model) == (role, command, undo, "wine")


def test_going_against_the_verdict_takes_an_approver_and_a_reason() -> None:
    for action in (deeds.promote(SAY, SEEN, 9, override=True), deeds.release_now(SAY, SEEN)):
        assert (action.role, action.reason) == (Role.APPROVER, SHORTEST_REASON)
        assert "--override" in action.command


def test_what_a_reader_saw_holds_until_the_release_state_moves(project: Project) -> None:
    assert SEEN.holds(project)
    assert deeds.rollback(SAY, SEEN).holds(project)
    with project.state.begin() as tx:
        tx.deployments.put(replace(HELD, generation=2, rollout=replace(ROLLOUT, share=0.5, step=2)))
    assert not deeds.rollback(SAY, SEEN).holds(project)


def test_a_pause_is_done_in_the_readers_name_and_brings_its_own_way_back(project: Project) -> None:
    done = deeds.pause(SAY, SEEN).act(project.acting("ana"), "")
    assert (done.told, done.command) == ("The rollout of wine/8 is paused.", "boucle resume wine")
    assert done.undo is not None
    assert done.undo.holds(project)
    done.undo.act(project.acting("ana"), "")
    with project.state.begin(write=False) as tx:
        events = tx.journal.events("wine")
        assert Seen.of(tx.deployments.get("wine")) == SEEN
    assert [(event.kind, event.actor) for event in events] == [("rollout_paused", "ana"), ("rollout_resumed", "ana")]


def test_a_deed_is_kept_with_the_code_that_tells_its_reason_in_any_language(project: Project) -> None:
    deeds.pause(SAY, SEEN).act(project.acting("ana"), "")
    project.acting("ana").delivery.resume("wine")
    project.acting("ana").delivery.pause("wine", "the new field is wrong")
    with project.state.begin(write=False) as tx:
        codes = [event.data["ground"] for event in tx.journal.events("wine")]
    assert codes == [{"code": "console"}, {"code": "by"}, {"code": "words"}]


@pytest.mark.parametrize("command", ["", "rm -rf /", "boucle", "boucle train wine", "boucle keys revoke"])
def test_only_commands_that_move_a_release_can_be_taken_back(command: str) -> None:
    assert deeds.undo(SAY, command) is None


def test_a_deed_that_the_state_refuses_changes_nothing(project: Project) -> None:
    with pytest.raises(BoucleError):
        deeds.enable(SAY, SEEN).act(project, "")
    with project.state.begin(write=False) as tx:
        assert tx.deployments.get("wine") == HELD
