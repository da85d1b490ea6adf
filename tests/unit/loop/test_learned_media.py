"""What was captured of texts and images is learned from again, so far as the project keeps their content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.observed import ObservedRows
from boucle.loop.media import learnable
from boucle.loop.project import Project
from boucle.measures.pictures import blank
from boucle.serving.options import ServeOptions
from boucle.serving.pictures import Album, forget, path_of

PNG = blank(8)


def project(root: Path, texts: str = "redact") -> Project:
    """Return as much of a project as learning needs."""
    capture = SimpleNamespace(texts=texts)
    data = SimpleNamespace(target="label", checks={"text": SimpleNamespace(type="text", pii=False)})
    settings = SimpleNamespace(serve=SimpleNamespace(capture=capture), data=data)
    return cast("Project", SimpleNamespace(root=root, settings=settings))


def archived(root: Path, **inputs: list[Any]) -> pd.DataFrame:
    """Put rows into an archive and read their inputs back."""
    many = len(next(iter(inputs.values())))
    told = (["r"] * many, [1e9] * many, [0.1] * many, ["champion"] * many, [""] * many, [""] * many)
    rows = ObservedRows("m", 1, *told, np.ones(many, dtype=np.int64), inputs, {"prediction": ["a"] * many})
    archive = ParquetArchive(None, root)
    archive.write("s", [rows], [])
    found = archive.read("m", 0.0, 2e9)
    return found[[f"in_{name}" for name in inputs]].rename(columns=lambda name: name.removeprefix("in_"))


@pytest.mark.parametrize(("texts", "learned"), [("redact", 2), ("keep", 2), ("hash", 0), ("drop", 0)])
def test_archived_texts_are_learned_where_they_are_kept(tmp_path: Path, texts: str, learned: int) -> None:
    base = pd.DataFrame({"text": ["known"], "label": ["good"]})
    rows = archived(tmp_path, text=["one [e-mail]", "two"], **{"text.words": [2, 1]}).assign(label="bad")
    found, unkept = learnable(project(tmp_path, texts), rows, base)
    assert (len(found), unkept) == (learned, 2 - learned)
    assert list(found.columns) == ["text", "label"]


@pytest.mark.parametrize("way", ["archive", "state"])
def test_images_are_learned_from_the_files_that_were_kept(tmp_path: Path, way: str) -> None:
    album = Album(ServeOptions(str(tmp_path)).pictures)
    records = [*album.records([PNG], "keep"), *album.records([blank(9)], "hash")]
    rows = archived(tmp_path, image=records) if way == "archive" else pd.DataFrame({"image": records})
    base = pd.DataFrame({"image": [blank(4)], "label": ["a"]})
    found, unkept = learnable(project(tmp_path), rows.assign(label=["a", "b"]), base)
    assert (found["image"].tolist(), found["label"].tolist(), unkept) == ([PNG], ["a"], 1)


def test_records_of_images_and_spans_are_json_in_the_archive(tmp_path: Path) -> None:
    (record,) = Album(tmp_path / "none").records([PNG], "hash")
    spans = [[{"label": "A", "start": 0}], []]
    found = archived(tmp_path, image=[record, None], spans=spans)
    assert json.loads(found["image"][0]) == record
    assert pd.isna(found["image"][1])
    assert [json.loads(one) for one in found["spans"]] == spans


def test_kept_images_go_by_age_and_for_room(tmp_path: Path) -> None:
    album = Album(tmp_path)
    images = [blank(side) for side in (8, 9, 10)]
    album.records(images, "keep")
    assert forget(tmp_path, 0.0) == 0
    assert forget(tmp_path, 0.0, least=1) in {len(image) for image in images}
    forget(tmp_path, 1e12)
    assert not any(path_of(tmp_path, hashlib.sha256(image).hexdigest()).exists() for image in images)
