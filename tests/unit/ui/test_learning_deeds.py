"""Retraining and labels are asked for by name: refused where the data is broken, told with what takes them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from boucle.core.access import Role
from boucle.core.errors import Conflict
from boucle.core.person import Person as Known
from boucle.loop import alarms
from boucle.loop.project import Project
from boucle.loop.turns import Turns
from boucle.monitoring.worth import Stretch
from boucle.ports.engine import Outcome
from boucle.ui import learning, upkeep
from boucle.ui.draw.worth import told, worth
from boucle.ui.words.catalogue import Words
from boucle.views.access import people
from boucle.views.lessons import Lessons, lessons
from boucle.views.worth import Worth

from .test_console_sessions import opened

SAY = Words("en")


class Engine:
    """Starts nothing, and ends what it has started when it is stopped."""

    name = "still"

    def __init__(self) -> None:
        self.ended = False

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> Engine:
        return self

    def poll(self) -> Outcome | None:
        return Outcome(-15, None, "") if self.ended else None

    def stop(self) -> None:
        self.ended = True


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = opened(tmp_path)
    project.__dict__["engine"] = Engine()
    yield project
    project.engine.start([], tmp_path, tmp_path).stop()
    project.close()


def test_a_retraining_says_what_it_learns_from_and_is_stopped_by_its_own_undo(project: Project) -> None:
    turns, view = Turns(project), lessons(project, "wine")
    action = learning.retrain(SAY, view, turns)
    assert (action.role, action.command) == (Role.OPERATOR, "boucle train --with-feedback")
    assert "wine answers as before until somebody promotes it" in action.says
    assert "stopped" in action.back
    done = action.act(project.acting("ana"), "")
    assert done.undo is not None
    assert lessons(project, "wine").turn == 1
    done.undo.act(project.acting("ana"), "")
    with project.state.begin(write=False) as tx:
        events = tx.journal.events("wine")
    assert [(one.kind, one.actor) for one in events] == [("turn_asked", "ana"), ("training_failed", "ana")]
    assert lessons(project, "wine").turn is None


def test_a_retraining_is_refused_when_data_broke_after_the_page_was_drawn(project: Project) -> None:
    action = learning.retrain(SAY, lessons(project, "wine"), Turns(project))
    with project.state.begin() as tx:
        alarms.raise_alarm(project, tx, "wine", "fault", "fault: pH far", 1, {})
    with pytest.raises(Conflict, match="must not learn"):
        action.act(project, "")
    with project.state.begin(write=False) as tx:
        assert tx.journal.events("wine", ["turn_asked"]) == []


def test_buttons_change_with_what_they_depend_on() -> None:
    view = Lessons("wine", True, 1, 10, None, 0, 6, None, None, None)
    running = Lessons("wine", True, 1, 10, None, 0, 6, 5.0, 1, None)
    assert learning.shown(view) == learning.shown(Lessons("wine", True, 1, 99, None, 1, 6, None, None, None))
    assert learning.shown(view) != learning.shown(running)


def test_a_role_is_given_with_its_command_and_taken_back(project: Project) -> None:
    with project.state.begin() as tx:
        tx.people.put(Known("subject-7", "eva the second", Role.VIEWER))
    (eva,) = people(project).people
    action = upkeep.give_role(SAY, eva, "admin")
    assert (action.role, action.danger) == (Role.ADMIN, True)
    assert action.command == "boucle people give 'eva the second' --role admin"
    assert action.undo == "boucle people give 'eva the second' --role viewer"
    with project.state.begin() as tx:
        tx.people.put(Known("subject-8", "ana", Role.ADMIN))
    done = action.act(project.acting("ana"), "")
    assert done.undo is not None
    assert [one.role for one in people(project).people if one.subject] == ["admin", "admin"]
    done.undo.act(project.acting("ana"), "")
    assert {one.name: one.role for one in people(project).people if one.subject} == {
        "ana": "admin", "eva the second": "viewer",
    }  # fmt: skip


def test_worth_is_drawn_a_line_a_version_with_its_interval_and_zero_in_view() -> None:
    day = 86400.0
    runs = [Stretch(v, day * d, day * (d + 1), 4.0 + v, 3.0 + v, 5.0 + v, 100) for v in (1, 2) for d in range(3)]
    one = Worth("kept <b>", False, (*runs, Stretch(3, 2 * day, 3 * day, 9.0, None, None, 1)))
    drawn = worth(one, 3 * day, 2, 3, SAY)
    assert drawn.count("<polygon") == 2
    assert "kept &lt;b&gt;" in drawn
    assert "<b>" not in drawn
    for name in ("1: 5.00", "2: 6.00", "3: 9.00", ">0<"):
        assert name in drawn
    assert told(runs[0], one, SAY) == "5.00 between 4.00 and 6.00, n = 100"
