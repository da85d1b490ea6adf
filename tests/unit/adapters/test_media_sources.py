"""Sources of texts and images: folders, CoNLL files, and data sets that the Hugging Face library saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from boucle.core.errors import MissingExtra, SourceError
from boucle.data.read import read_path, read_table
from boucle.measures.pictures import blank
from boucle.measures.spans import spans_of
from boucle.project.learning import Data

CONLL = """-DOCSTART- -X- O

EU NNP B-ORG
rejects VBZ O
German JJ B-MISC
call NN I-MISC

Peter NNP I-PER
Blackburn NNP I-PER
"""


def saved(folder: Path, table: pa.Table, features: dict[str, Any]) -> None:
    """Write what ``save_to_disk`` of the library writes."""
    folder.mkdir(parents=True)
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as out,
        pa.ipc.new_stream(out, table.schema) as stream,
    ):
        stream.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))


def test_folders_of_images_are_files_with_the_label_of_their_folder(tmp_path: Path) -> None:
    for part, label in (("train", "cat"), ("train", "dog"), ("test", "cat")):
        (tmp_path / "photos" / part / label).mkdir(parents=True)
        (tmp_path / "photos" / part / label / "1.PNG").write_bytes(blank())
        (tmp_path / "photos" / part / label / "notes.md").write_text("no picture")
    frame = read_path("photos", tmp_path)
    assert frame["label"].tolist() == ["cat", "cat", "dog"]
    assert frame["image"].tolist() == [blank()] * 3


def test_folders_of_texts_are_read_in_their_encoding(tmp_path: Path) -> None:
    for label, raw in (("fr", "déjà vu".encode("cp1252")), ("en", b"\xef\xbb\xbfseen before\n")):
        (tmp_path / "news" / label).mkdir(parents=True)
        (tmp_path / "news" / label / "001.txt").write_bytes(raw)
    assert read_path("news", tmp_path).to_dict("list") == {"text": ["seen before", "déjà vu"], "label": ["en", "fr"]}


def test_a_folder_of_tables_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("x,y\n1,2\n3,4\n")
    assert read_path("tables", tmp_path)["y"].tolist() == [2, 4]


def test_conll_becomes_texts_with_spans(tmp_path: Path) -> None:
    (tmp_path / "news.conll").write_text(CONLL)
    frame = read_table(Data(source="news.conll", target="spans"), tmp_path)  # type: ignore[call-arg]
    assert frame["text"].tolist() == ["EU rejects German call", "Peter Blackburn"]
    marked = [[(s.label, text[s.start : s.end]) for s in spans_of(spans)] for text, spans in frame.to_numpy().tolist()]
    assert marked == [[("ORG", "EU"), ("MISC", "German call")], [("PER", "Peter Blackburn")]]


def test_a_line_without_a_tag_is_named(tmp_path: Path) -> None:
    (tmp_path / "news.iob").write_text("EU B-ORG\nalone\n")
    with pytest.raises(SourceError, match="line 2"):
        read_path("news.iob", tmp_path)


def test_a_saved_data_set_has_its_labels_by_name(tmp_path: Path) -> None:
    feature = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}
    for split in ("train", "test"):
        saved(tmp_path / "imdb" / split, pa.table({"text": [f"{split} film", "bad"], "label": [1, 0]}), feature)
    (tmp_path / "imdb" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert read_path("imdb", tmp_path)["label"].tolist() == ["pos", "neg"] * 2
    one = Data(source={"path": "imdb", "split": "test"}, target="label")  # type: ignore[call-arg]
    assert read_table(one, tmp_path)["text"].tolist() == ["test film", "bad"]
    with pytest.raises(SourceError, match=r"did you mean 'test'"):
        read_table(Data(source={"path": "imdb", "split": "tests"}, target="label"), tmp_path)  # type: ignore[call-arg]


def test_saved_tokens_and_images_become_spans_and_bytes(tmp_path: Path) -> None:
    tags = {"feature": {"names": ["O", "B-CITY", "I-CITY"], "_type": "ClassLabel"}, "_type": "Sequence"}
    saved(tmp_path / "ner", pa.table({"tokens": [["In", "New", "York"]], "ner_tags": [[0, 1, 2]]}), {"ner_tags": tags})
    row = read_path("ner", tmp_path).iloc[0]
    assert [(s.label, row["text"][s.start : s.end]) for s in spans_of(row["spans"])] == [("CITY", "New York")]
    pictures = pa.table({"image": [{"bytes": blank(), "path": "a.png"}] * 2, "label": [0, 1]})
    saved(tmp_path / "pets", pictures, {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}})
    frame = read_path("pets", tmp_path)
    assert (frame["image"].tolist(), frame["label"].tolist()) == ([blank()] * 2, ["cat", "dog"])


def test_a_parquet_file_of_the_hub_gives_its_images_as_bytes(tmp_path: Path) -> None:
    pd.DataFrame({"image": [{"bytes": blank(), "path": None}], "label": ["cat"]}).to_parquet(tmp_path / "pets.parquet")
    assert read_path("pets.parquet", tmp_path)["image"].tolist() == [blank()]


def test_a_target_of_lists_is_written_as_json(tmp_path: Path) -> None:
    (tmp_path / "ner.jsonl").write_text('{"text": "Lyon", "spans": [{"start": 0, "label": "CITY", "end": 4}]}\n' * 2)
    frame = read_table(Data(source="ner.jsonl", target="spans"), tmp_path)  # type: ignore[call-arg]
    assert frame["spans"].tolist() == ['[{"end": 4, "label": "CITY", "start": 0}]'] * 2


def test_a_data_set_by_name_needs_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtra, match="pip install datasets"):
        read_table(Data(source={"dataset": "imdb"}, target="label"), tmp_path)  # type: ignore[call-arg]
