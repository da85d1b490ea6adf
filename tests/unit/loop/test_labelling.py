"""Labels are asked for as a sheet: rows that have none, with what is known of them, ready to be given back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from boucle.core.errors import Conflict, RequestError, SourceError
from boucle.core.observation import Observation
from boucle.loop import operations
from boucle.loop.labelling import MOST, ask_for_labels

from .conftest import World


def test_a_sheet_has_unlabelled_rows_alone_and_is_an_event_of_who_asked(world: World) -> None:
    world.answer(40)
    world.answer(60, labelled=False)
    sheet = ask_for_labels(world.project.acting("ana"), "line", 25)
    rows = list(csv.DictReader(sheet.text.splitlines()))
    assert [one["id"] for one in rows] == [one.id for one in sheet.rows]
    assert len({one["id"] for one in rows}) == 25
    assert {int(one["id"][1:]) for one in rows} <= set(range(41, 101))
    assert all(float(one["prediction"]) == pytest.approx(2 * float(one["x"]) + 1) for one in rows)
    (event,) = world.events("labels_asked")
    assert (event.actor, event.data["count"], event.seq) == ("ana", 25, sheet.event)


def test_a_sheet_that_is_filled_in_goes_back_as_feedback(world: World, tmp_path: Path) -> None:
    world.answer(30, labelled=False)
    filled = [
        one | {"truth": "7.5"} for one in csv.DictReader(ask_for_labels(world.project, "line", 10).text.splitlines())
    ]
    with (tmp_path / "sheet.csv").open("w") as file:
        writer = csv.DictWriter(file, list(filled[0]))
        writer.writeheader()
        writer.writerows(filled)
    assert operations.import_feedback(world.project, tmp_path / "sheet.csv") == {
        "received": 10, "joined": 10, "unknown": 0,
    }  # fmt: skip
    again = ask_for_labels(world.project, "line", MOST)
    assert len(again.rows) == 20
    assert not {one.id for one in again.rows} & {one["id"] for one in filled}


def test_a_label_goes_to_its_own_row_of_a_request_and_blanks_say_nothing(world: World, tmp_path: Path) -> None:
    asked = Observation(
        "many", world.clock.now(), "line", 1, "champion", 3, {"x": [1, 2, 3]}, {"prediction": [3, 5, 7]}
    )
    with world.project.state.begin() as tx:
        tx.observations.ingest([asked], [], {})
    sheet = list(csv.DictReader(ask_for_labels(world.project, "line", 3).text.splitlines()))
    assert [one["row"] for one in sheet] == ["0", "1", "2"]
    (tmp_path / "sheet.csv").write_text("id,row,truth\nmany,0,\nmany,1,\nmany,2,7.5\n")
    counts = operations.import_feedback(world.project, tmp_path / "sheet.csv")
    assert counts == {"received": 1, "joined": 1, "unknown": 0}
    with world.project.state.begin(write=False) as tx:
        joined = tx.observations.joined("line", 1)
    assert (joined.positions, joined.truths) == ([2], [7.5])


@pytest.mark.parametrize("row", ["-1", "1.5", "10000", "second"])
def test_a_row_that_no_request_has_refuses_the_whole_sheet(world: World, tmp_path: Path, row: str) -> None:
    world.answer(2, labelled=False)
    (tmp_path / "sheet.csv").write_text(f"id,row,truth\nr1,0,1.5\nr2,{row},1.5\n")
    with pytest.raises(SourceError, match="no row of a request"):
        operations.import_feedback(world.project, tmp_path / "sheet.csv")
    assert len(ask_for_labels(world.project, "line", MOST).rows) == 2


def test_nothing_is_asked_where_there_is_nothing_to_ask(world: World) -> None:
    for count in (0, MOST + 1):
        with pytest.raises(RequestError):
            ask_for_labels(world.project, "line", count)
    with pytest.raises(Conflict, match="no row without a label"):
        ask_for_labels(world.project, "line", 5)
    with pytest.raises(Conflict, match="No version"):
        ask_for_labels(world.project, "other", 5)
    assert world.events("labels_asked") == []
