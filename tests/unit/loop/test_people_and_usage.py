"""Roles that admins give stand above the provider's, and the last use of a key costs one write a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boucle.core.access import Role
from boucle.core.errors import Conflict, NotFound
from boucle.core.person import Person
from boucle.loop import access, people
from boucle.loop.project import Project
from boucle.loop.usage import EVERY, Usage, used
from boucle.testing.clock import FakeClock

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path, actor="adam", clock=FakeClock())
    project.prepare()
    yield project
    project.close()


def signed_in(project: Project, name: str, role: Role | None, subject: str = "") -> None:
    with project.state.begin() as tx:
        tx.people.put(Person(subject or f"of-{name}", name, role))


def test_a_role_that_is_given_is_an_event_with_what_it_was(project: Project) -> None:
    signed_in(project, "eva", Role.VIEWER)
    person, before = people.give(project, "eva", Role.OPERATOR)
    assert (person.role, person.given, before) == (Role.OPERATOR, "admin", Role.VIEWER)
    with project.state.begin(write=False) as tx:
        (event,) = tx.journal.events(kinds=["role_given"])
    assert (event.actor, event.data["role"], event.data["before"]) == ("adam", "operator", "viewer")
    assert people.give(project, "of-eva", None)[0].role is None


def test_the_last_who_may_give_roles_keeps_theirs(project: Project) -> None:
    signed_in(project, "ana", Role.ADMIN)
    with pytest.raises(Conflict, match="Nobody would be left"):
        people.give(project, "ana", Role.VIEWER)
    assert people.listing(project)[0].role is Role.ADMIN
    access.add(project, "robot", Role.ADMIN)
    people.give(project, "ana", Role.VIEWER)
    assert people.listing(project)[0].role is Role.VIEWER


def test_who_is_not_known_or_has_a_namesake_is_not_guessed(project: Project) -> None:
    signed_in(project, "eva", Role.VIEWER, "one")
    signed_in(project, "eva", Role.VIEWER, "two")
    with pytest.raises(NotFound):
        people.give(project, "adam", Role.ADMIN)
    with pytest.raises(Conflict, match="2 people"):
        people.give(project, "eva", Role.ADMIN)
    assert people.give(project, "two", Role.OPERATOR)[0].subject == "two"


def test_the_last_use_of_keys_is_written_once_a_minute(project: Project) -> None:
    usage = Usage(project)

    def kept() -> dict[str, float]:
        with project.state.begin(write=False) as tx:
            return used(tx)

    usage.note("ana", 100.0)
    assert kept() == {"ana": 100.0}
    usage.note("ben", 101.0)
    usage.note("ana", 100.0 + EVERY - 1)
    assert kept() == {"ana": 100.0}
    usage.note("ana", 100.0 + EVERY)
    assert kept() == {"ana": 100.0 + EVERY, "ben": 101.0}
