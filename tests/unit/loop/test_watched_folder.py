"""Files that arrive in a folder are predicted once each, answers stand beside them, and a kill loses nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boucle.core.errors import Conflict, SourceError
from boucle.loop.watched import WatchedFolder
from boucle.measures.pictures import blank

from .watching_child import IMAGES, TEXTS, Lengths, project, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def watched(folder: Path, model: Lengths | None = None) -> WatchedFolder:
    found = model or Lengths("text")
    signature = TEXTS if found.name == "text" else IMAGES
    return WatchedFolder(project(folder.parent / "state", signature, found), "m", folder)


def test_a_file_is_predicted_when_it_has_stood_still_and_only_once(folder: Path) -> None:
    model = Lengths("text")
    watching = watched(folder, model)
    (folder / "a.txt").write_text("good\n\nbetter\n")
    assert watching.step() == []
    (one,) = watching.step()
    assert (one.file, one.rows, one.output) == ("a.txt", 2, "a.txt.predictions.jsonl")
    assert written(folder / one.output) == [
        {"line": 1, "text": "good", "prediction": 4.0}, {"line": 3, "text": "better", "prediction": 6.0},
    ]  # fmt: skip
    assert [watching.step(), watched(folder, model).step(), model.calls] == [[], [], 1]


def test_a_file_that_grows_is_waited_for(folder: Path) -> None:
    watching = watched(folder)
    for text in ("good", "good\nbet", "good\nbetter\n"):
        (folder / "a.txt").write_text(text)
        assert watching.step() == []
    assert watching.step()[0].rows == 2


def test_tables_are_answered_in_their_own_kind(folder: Path) -> None:
    (folder / "a.csv").write_text("id,text\n7,good\n")
    (folder / "b.jsonl").write_text('{"text": "better", "id": 8}\n')
    (folder / ".c.csv").write_text("text\nhidden\n")
    (folder / "notes.md").write_text("no data")
    watching = watched(folder)
    watching.step()
    assert [one.output for one in watching.step()] == ["a.csv.predictions.csv", "b.jsonl.predictions.jsonl"]
    assert written(folder / "a.csv.predictions.csv") == [{"id": 7, "text": "good", "prediction": 4.0}]


def test_images_are_answered_each_by_itself(folder: Path) -> None:
    (folder / "a.png").write_bytes(blank(8))
    (folder / "b.png").write_bytes(b"no image")
    watching = watched(folder, Lengths("image"))
    watching.step()
    assert [(one.file, one.rows) for one in watching.step()] == [("a.png", 1), ("b.png", 1)]
    (good,) = written(folder / "a.png.predictions.jsonl")
    assert (Path(good["file"]).name, good["prediction"]) == ("a.png", len(blank(8)))
    (bad,) = written(folder / "b.png.predictions.jsonl")
    assert "is no PNG" in bad["error"]


def test_what_cannot_be_predicted_says_why_beside_it_and_holds_up_nobody(folder: Path) -> None:
    (folder / "a.csv").write_text("words\ngood\n")
    (folder / "b.txt").write_text("good\n")
    watching = watched(folder)
    watching.step()
    first, second = watching.step()
    told = json.loads((folder / first.output).read_text())
    assert (told["file"], second.rows) == ("a.csv", 1)
    assert "text" in told["error"]
    assert watching.step() == []


def test_two_do_not_predict_one_folder(folder: Path) -> None:
    with watched(folder).held(), pytest.raises(Conflict), watched(folder).held():
        pass
    with pytest.raises(SourceError):
        watched(folder / "none")


def test_killed_in_the_middle_the_file_is_predicted_again_and_no_half_is_left(folder: Path) -> None:
    (folder / "a.txt").write_text("good\n")
    (folder / "b.txt").write_text("wait\n")
    child = Path(__file__).with_name("watching_child.py")
    process = subprocess.Popen([sys.executable, str(child), str(folder), str(folder.parent / "state")])
    end = time.monotonic() + 120
    while not (folder / ".waiting").exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert (folder / "a.txt.predictions.jsonl").exists()
    assert list(folder.glob(".b.txt.predictions.*"))
    (folder / "b.txt").write_text("done\n")
    watching = watched(folder)
    with watching.held():
        assert not list(folder.glob(".b.txt.predictions.*"))
        watching.step()
        assert [one.file for one in watching.step()] == ["b.txt"]
