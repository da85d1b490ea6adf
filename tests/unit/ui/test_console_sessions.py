"""Who may use the console, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boucle.core.access import LOCAL, Role
from boucle.core.errors import Unauthenticated
from boucle.core.person import Person
from boucle.loop import access
from boucle.loop.project import Project
from boucle.testing.clock import FakeClock
from boucle.ui.sessions import IDLE, LONGEST, Sessions

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
"""


def opened(folder: Path, more: str = "") -> Project:
    (folder / "boucle.yaml").write_text(PROJECT + more)
    project = Project.open(folder, actor="api", clock=FakeClock())
    project.prepare()
    access.publish(project)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = opened(tmp_path, "serve: {auth: {required: true}}")
    yield project
    project.close()


@pytest.fixture
def clock(project: Project) -> FakeClock:
    assert isinstance(project.clock, FakeClock)
    return project.clock


def test_where_nobody_is_asked_everybody_is_local(tmp_path: Path) -> None:
    project = opened(tmp_path)
    assert Sessions(project).caller(None) is LOCAL
    project.close()


def test_a_key_opens_a_session_with_its_role_and_models(project: Project) -> None:
    made, sessions = access.add(project, "ana", Role.OPERATOR, ["wine"]), Sessions(project)
    caller = sessions.caller(sessions.sign_in(f" {made.secret}\n"))
    assert caller is not None
    assert (caller.name, caller.role, caller.models) == ("ana", Role.OPERATOR, frozenset({"wine"}))


@pytest.mark.parametrize("key", ["", "boucle_guessed", "x" * 9000])
def test_what_is_no_key_opens_nothing(project: Project, key: str) -> None:
    with pytest.raises(Unauthenticated):
        Sessions(project).sign_in(key)


@pytest.mark.parametrize("number", [None, "", "guessed"])
def test_nobody_is_known_without_a_session(project: Project, number: str | None) -> None:
    assert Sessions(project).caller(number) is None


def test_the_state_keeps_neither_the_key_nor_the_number(project: Project) -> None:
    made, sessions = access.add(project, "ana", Role.VIEWER), Sessions(project)
    number = sessions.sign_in(made.secret)
    with project.state.begin(write=False) as tx:
        kept = repr(tx.sessions.live(0, 0))
    assert number not in kept
    assert made.secret not in kept


def test_a_session_ends_when_nothing_is_done_for_eight_hours(project: Project, clock: FakeClock) -> None:
    made, sessions = access.add(project, "ana", Role.VIEWER), Sessions(project)
    number = sessions.sign_in(made.secret)
    clock.advance(IDLE - 1)
    assert sessions.caller(number, deed=False) is not None  # a page that only stands open is no deed
    clock.advance(2)
    assert sessions.caller(number) is None


def test_a_session_in_use_ends_after_a_day_all_the_same(project: Project, clock: FakeClock) -> None:
    made, sessions = access.add(project, "ana", Role.VIEWER), Sessions(project)
    number = sessions.sign_in(made.secret)
    for _ in range(3):
        clock.advance(IDLE - 60)
        assert sessions.caller(number) is not None
    clock.advance(LONGEST - 3 * (IDLE - 60))
    assert sessions.caller(number) is None


def test_a_revoked_key_ends_its_sessions_at_once(project: Project) -> None:
    made, sessions = access.add(project, "ana", Role.ADMIN), Sessions(project)
    number = sessions.sign_in(made.secret)
    access.revoke(project, "ana")
    assert sessions.caller(number) is None


def test_signing_out_ends_the_session_for_every_page_that_has_it(project: Project) -> None:
    made, sessions = access.add(project, "ana", Role.VIEWER), Sessions(project)
    number = sessions.sign_in(made.secret)
    sessions.end(number)
    assert sessions.caller(number) is None
    sessions.end(number)
    sessions.end("never there")


def test_a_person_may_do_what_the_role_of_this_moment_allows(project: Project) -> None:
    sessions, ana = Sessions(project), Person("https://id.example|1", "ana@example.org", Role.VIEWER)
    with project.state.begin() as tx:
        tx.people.put(ana)
    number = sessions.begin(ana.name, "provider", ana.subject)
    caller = sessions.caller(number)
    assert caller is not None
    assert (caller.role, caller.actor) == (Role.VIEWER, "ana@example.org (person)")
    with project.state.begin() as tx:
        tx.people.put(Person(ana.subject, ana.name, None))
    assert sessions.caller(number) is None
