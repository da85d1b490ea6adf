"""What is kept of texts and images: personal data redacted, images as hashes, and what is watched of both."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle import plugins
from boucle.core.observation import Observation
from boucle.formats.segment import read_new, read_segment
from boucle.formats.table import observed
from boucle.measures.derived import derived, meaning, projection
from boucle.measures.pictures import blank
from boucle.serving.app import App
from boucle.serving.options import ServeOptions
from boucle.serving.pictures import path_of
from boucle.serving.plane import assemble

from .media_models import SIGNATURES, Runtime, asked, objects, release

WRITTEN = "good: Ada Lovelace, ada@example.org"
PNG = blank(24)


def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, body: Any, **options: Any) -> Observation:
    """Ask one model and return what was written of it."""
    monkeypatch.setattr(plugins, "load", lambda group, name: Runtime)
    state = tmp_path / ".boucle"
    release(state, model)
    plane = assemble(ServeOptions(str(state), **options), "test")
    plane.engine.start()
    assert asked(App(plane), f"/predict/{model}", body).status == 200
    plane.close()
    ((seen,), _, _) = read_new(state / "serving" / "segments", {})
    return seen


@pytest.mark.parametrize(
    ("texts", "stands"),
    [("keep", WRITTEN), ("redact", "good: Ada Lovelace, [e-mail]"), ("drop", None)],
)
def test_a_text_is_kept_as_the_project_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: str, stands: str | None
) -> None:
    seen = kept(tmp_path, monkeypatch, "mood", WRITTEN, texts=texts)
    assert seen.inputs["text"] == [stands]
    (file,) = (tmp_path / ".boucle" / "serving" / "segments").iterdir()
    assert (b"ada@example.org" in file.read_bytes()) == (texts == "keep")


def test_a_hash_is_the_same_for_the_same_text_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = kept(tmp_path, monkeypatch, "mood", [WRITTEN, WRITTEN, "other"], texts="hash")
    one, same, other = seen.inputs["text"]
    assert one == same != other
    assert len(one) == 32


@pytest.mark.parametrize(("texts", "text"), [("redact", "Ada:ada@x.org"), ("drop", "Ada:ada@x.org")])
def test_answers_that_repeat_the_text_are_kept_no_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: str, text: str
) -> None:
    seen = kept(tmp_path, monkeypatch, "names", text, texts=texts)
    (((span,),),) = (seen.outputs["prediction"],)
    assert span["text"] == ("Ada:[e-mail]" if texts == "redact" else None)
    assert (span["label"], span["start"], span["end"], span["score"]) == ("NAME", 0, 13, 0.75)


@pytest.mark.parametrize("texts", ["keep", "redact", "hash", "drop"])
def test_what_is_watched_is_of_the_text_as_it_was_however_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: str
) -> None:
    seen = kept(tmp_path, monkeypatch, "mood", WRITTEN, texts=texts)
    want = derived(SIGNATURES["mood"].inputs, {"text": [WRITTEN]})
    vectors = Runtime.loaded["mood"].embed({"text": objects([WRITTEN])})
    want |= meaning(vectors, projection(12))
    assert {name: np.array(values).tolist() for name, values in seen.inputs.items() if name != "text"} == {
        name: column.tolist() for name, column in want.items()
    }
    assert seen.inputs["text.characters"] == [len(WRITTEN)]


@pytest.mark.parametrize(("images", "files"), [("hash", 0), ("thumbnail", 1), ("keep", 1)])
def test_an_image_is_kept_by_hash_and_its_file_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: str, files: int
) -> None:
    seen = kept(tmp_path, monkeypatch, "offer", [{"image": _based(PNG), "price": 1}] * 2, images=images)
    name = hashlib.sha256(PNG).hexdigest()
    record = seen.inputs["image"][0]
    assert record == {
        "sha256": name, "width": 24, "height": 24, "bytes": len(PNG), "format": "png", "channels": 3,
    }  # fmt: skip
    folder = tmp_path / ".boucle" / "serving" / "pictures"
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert len(found) == files
    if images == "keep":
        assert path_of(folder, name).read_bytes() == PNG
    if images == "thumbnail":
        assert found[0].read_bytes() == b"small " + PNG[:8]


def test_blocks_of_texts_come_back_by_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, monkeypatch, "mood", ["good", "bad"])
    (file,) = (tmp_path / ".boucle" / "serving" / "segments").iterdir()
    (rows,) = observed((kind, record) for kind, record, _ in read_segment(file))
    assert list(rows.inputs["text"]) == ["good", "bad"]
    assert list(rows.inputs["text.words"]) == [1, 1]


def _based(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
