"""Texts a line each, images and folders of them are predicted as tables are, and say where each row came from."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import BoucleError, RequestError, SourceError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature
from boucle.loop.batches import images_in, lines, typed
from boucle.loop.operations import predict_with
from boucle.loop.tables import CsvLines
from boucle.measures.pictures import blank

from .watching_child import IMAGES, TEXTS, Lengths


def predicted(source: Path, signature: Signature, model: Any) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    predict_with(model, BundleInfo("m", signature, "fake", 0.0), str(source), source.parent, parts.append)
    return pd.concat(parts, ignore_index=True)


def test_a_folder_of_images_is_predicted_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, content in (("b.png", blank(8)), ("deep/a.png", blank(9)), ("c.png", b"none")):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").write_text("no image")
    found = predicted(tmp_path, IMAGES, Lengths("image"))
    assert [Path(file).name for file in found["file"]] == ["b.png", "c.png", "a.png"]
    assert found["prediction"].tolist()[::2] == [len(blank(8)), len(blank(9))]
    assert pd.isna(found["prediction"][1])
    assert "is no PNG" in found["error"][1]
    assert "image" not in found.columns


def test_texts_are_lines_of_any_usual_encoding_end() -> None:
    frame = lines(b"\xef\xbb\xbfone\r\n\r\n two \n", Field("text", "text"))
    assert frame.to_dict("list") == {"line": [1, 3], "text": ["one", " two "]}
    with pytest.raises(SourceError):
        lines(b"\n \n", Field("text", "text"))
    with pytest.raises(RequestError, match="byte 3"):
        lines(b"caf\xe9", Field("text", "text"))


@pytest.mark.parametrize(
    ("given", "texts"),
    [(b"good\nbad\n", ["good", "bad"]), (b"text\ngood\n", ["good"]), (b'id,"text"\n1,good\n', ["good"])],
)
def test_standard_input_is_texts_or_a_table_by_its_first_line(
    given: bytes, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    assert typed(TEXTS)["text"].tolist() == texts


def test_a_file_for_another_model_says_what_the_model_takes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good\n")
    with pytest.raises(RequestError, match="holds texts; the model takes image"):
        predicted(tmp_path / "a.txt", IMAGES, Lengths("image"))
    with pytest.raises(SourceError, match="has no images"):
        images_in(tmp_path)


@pytest.mark.parametrize("text", ["", " ", "a\0b"])
def test_a_table_with_a_text_that_is_none_is_refused_with_its_row(tmp_path: Path, text: str) -> None:
    pd.DataFrame({"text": ["good", text]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(BoucleError):
        predicted(tmp_path / "a.parquet", TEXTS, Lengths("text"))


class Marking:
    def predict(self, batch: Batch) -> Batch:
        spans = np.empty(len(batch["text"]), dtype=object)
        spans[:] = [[{"label": "A", "start": 0, "end": 1}] for _ in spans]
        return {"prediction": spans, "score": np.full(len(spans), 0.5)}


def test_structured_answers_are_json_in_a_cell(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada\n")
    signature = Signature(
        TEXTS.inputs, (Field("prediction", "json"), Field("score", "float64")), "token-classification"
    )
    out = io.StringIO()
    CsvLines(out)(predicted(tmp_path / "a.txt", signature, Marking()))
    assert out.getvalue().splitlines()[1] == '1,Ada,"[{""label"": ""A"", ""start"": 0, ""end"": 1}]",0.5'
