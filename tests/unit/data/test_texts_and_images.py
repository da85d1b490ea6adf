"""Texts and images in the contract: found out, checked, kept and parted like any other column."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import SourceError
from boucle.data import pictures, snapshot
from boucle.data.check import check
from boucle.data.contents import misread
from boucle.data.fields import conform, input_fields
from boucle.data.headers import fault_of
from boucle.data.infer import infer, infer_field
from boucle.data.split import split
from boucle.measures.pictures import blank
from boucle.project.settings import Settings

WORDS = np.array(["good", "bad", "plot", "actor", "scene", "slow", "bright", "heart", "city", "night", "dull", "warm"])


@pytest.fixture
def reviews() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(5, 12))) for _ in range(200)]
    return pd.DataFrame({"review": texts, "stars": rng.integers(1, 6, 200), "source": rng.choice(["a", "b"], 200)})


def settings(task: str, target: str, **data: object) -> Settings:
    return Settings.model_validate({"name": "x", "task": task, "data": {"source": "f.csv", "target": target, **data}})


def picture(width: int, height: int, tail: bytes = b"IEND\xaeB`\x82") -> bytes:
    """A PNG file that says its size and holds no pixel."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0" + tail


def test_a_table_of_running_text_is_a_task_about_texts(reviews: pd.DataFrame) -> None:
    contract = infer(reviews, "stars")
    assert contract.task == "text-classification"
    assert [(f.name, f.dtype) for f in contract.fields] == [("review", "text")]
    assert contract.target.categories == (1, 2, 3, 4, 5)
    assert "beside the text" in contract.dropped["source"]


def test_text_among_many_other_columns_leaves_the_task_a_tabular_one(reviews: pd.DataFrame) -> None:
    reviews = reviews.assign(age=np.arange(200) % 60, height=np.linspace(1.5, 2, 200))
    contract = infer(reviews, "stars")
    assert contract.task == "tabular-regression"
    assert "running text" in contract.dropped["review"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["I strongly agree with this", "I do not agree at all"] * 40, "string"),
        ([f"the {i}th of many sentences about nothing" for i in range(40)], "text"),
        (["这部电影非常好看我很喜欢" + "好" * i for i in range(60)], "text"),
        (["ok", "fine", "bad"] * 30, "string"),
    ],
)
def test_running_text_is_told_from_levels(values: list[str], dtype: str) -> None:
    found = infer_field("x", pd.Series(values))
    assert not isinstance(found, str)
    assert found.dtype == dtype


def test_names_and_codes_are_no_texts() -> None:
    assert isinstance(infer_field("x", pd.Series([f"AB-{i}" for i in range(100)])), str)
    assert isinstance(infer_field("x", pd.Series([f"Ada Lovelace{i}" for i in range(100)])), str)


def test_marked_texts_are_a_task_of_their_own() -> None:
    spans = ['[{"label": "CITY", "start": 0, "end": 4}]', "[]"] * 10
    frame = pd.DataFrame({"text": [f"Lyon is warm and bright today {i}" for i in range(20)], "spans": spans})
    contract = infer(frame, "spans")
    assert (contract.task, contract.target.dtype) == ("token-classification", "json")
    verdict, _ = check(frame, settings("token-classification", "spans", checks={"text": {"type": "text"}}))
    assert verdict.status == "pass"
    frame.loc[3, "spans"] = '[{"label": "CITY", "start": 0, "end": 4000}]'
    frame.loc[4, "spans"] = "nothing"
    verdict, found = check(frame, settings("token-classification", "spans", checks={"text": {"type": "text"}}))
    assert verdict.status == "fail"
    assert {(v.rule, v.rows) for v in found} == {
        ("a list of spans with label, start and end", (4,)),
        ("spans lie within the text", (3,)),
    }


def test_what_is_wrong_in_texts_is_said_with_its_rows(reviews: pd.DataFrame) -> None:
    reviews.loc[0, "review"] = "   "
    reviews.loc[1, "review"] = "a\0b c d e"
    reviews.loc[2, "review"] = "un trÃ¨s bon film, vraiment"
    reviews.loc[3, "review"] = "word " * 300_000
    wanted = settings("text-classification", "stars", checks={"review": {"type": "text", "missing": 0}})
    verdict, found = check(reviews, wanted)
    told = {v.rule: v.rows for v in found if v.column == "review"}
    assert verdict.status == "fail"
    assert told["a text is not empty"] == (0,)
    assert told["a text holds no binary data"] == (1,)
    assert told["a text is read in its own encoding"] == (2,)
    assert told["a text has at most 1,000,000 characters"] == (3,)
    assert all(len(str(example)) <= 80 for v in found for example in v.examples)


def test_personal_texts_are_not_shown(reviews: pd.DataFrame) -> None:
    reviews.loc[0, "review"] = "my number is\0 0612345678 call me"
    wanted = settings("text-classification", "stars", checks={"review": {"type": "text", "pii": True}})
    verdict, found = check(reviews, wanted)
    assert verdict.status == "fail"
    assert all(v.examples == () for v in found if v.column == "review")
    assert "0612345678" not in repr(verdict) + repr(found)


def test_the_same_text_with_two_labels_and_a_class_of_one_row_are_warned_of(reviews: pd.DataFrame) -> None:
    reviews.loc[1, "review"] = reviews["review"].iloc[0]
    reviews.loc[1, "stars"] = 12
    verdict, found = check(reviews, settings("text-classification", "stars", checks={"review": {"type": "text"}}))
    assert verdict.status == "pass"
    assert {"the same text has one label", "a class has two rows or more"} <= {v.rule for v in found}


def test_labels_that_are_all_the_same_are_refused(reviews: pd.DataFrame) -> None:
    verdict, _ = check(reviews.assign(stars=4), settings("text-classification", "stars"))
    assert verdict.status == "fail"
    assert "one value" in verdict.reason


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (blank(), ""),
        (blank()[:-20], "whole"),
        (b"", "readable"),
        (b"no picture at all", "readable"),
        ("photo.png", "bytes"),
        (picture(20_000, 20_000), "million pixels"),
        (picture(1, 1), "one pixel"),
        (picture(0, 5), "readable"),
    ],
)
def test_what_keeps_a_file_from_being_an_image(raw: object, says: str) -> None:
    assert says in fault_of(raw)
    assert (fault_of(raw) == "") == (says == "")


@given(st.binary(max_size=200), st.integers(0, 100))
def test_any_bytes_are_judged_without_an_exception(raw: bytes, cut: int) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF0000WEBP", blank()[:cut]):
        assert isinstance(fault_of(head + raw), str)


def test_broken_images_fail_the_contract_and_small_ones_warn() -> None:
    files = pd.Series([blank(), blank(40), b"broken", picture(20_000, 20_000), picture(1, 1), blank(50)], dtype=object)
    frame = pd.DataFrame({"photo": files, "kind": ["a", "b"] * 3})
    verdict, found = check(frame, settings("image-classification", "kind", checks={"photo": {"type": "image"}}))
    assert verdict.status == "fail"
    assert len(verdict.checks) == 2
    assert {v.rows for v in found if v.column == "photo"} == {(2,), (3,), (4,)}
    assert "png 20000x20000" in [example for v in found for example in v.examples]


def test_an_image_column_goes_through_the_data_room_whole(tmp_path: Path) -> None:
    files = [blank(8 + row) for row in range(40)]
    frame = pd.DataFrame({"photo": pd.Series(files, dtype=object), "kind": ["cat", "dog"] * 20})
    contract = infer(frame, "kind")
    assert (contract.task, contract.fields[0].dtype) == ("image-classification", "image")
    again = snapshot.decode(snapshot.encode(frame))
    assert again["photo"].tolist() == files
    wanted = settings("image-classification", "kind")
    fields = input_fields(again, wanted)
    assert conform(again, fields)["photo"].tolist() == files
    first, second = split(frame, wanted.data, True), split(again.sample(frac=1, random_state=1), wanted.data, True)
    assert set(first.test["photo"]) == set(second.test["photo"])


def test_paths_of_images_are_brought_in(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / f"{name}.png").write_bytes(blank())
    frame = pd.DataFrame({"file": ["photos/a.png", "photos/b.png", None], "kind": ["x", "y", "x"]})
    assert pictures.path_columns(frame) == ["file"]
    found = pictures.brought_in(frame, ["file"], [tmp_path])["file"].tolist()
    assert found[:2] == [blank(), blank()]
    assert pd.isna(found[2])
    with pytest.raises(SourceError, match=r"photos/c\.png in row 0"):
        pictures.brought_in(pd.DataFrame({"file": ["photos/c.png"]}), ["file"], [tmp_path])


@pytest.mark.parametrize("text", ["été à Noël", "naïve café – “quoted”", "中文", "plain", "Ã la carte", "Åse"])
def test_right_texts_are_not_called_misread(text: str) -> None:
    assert not misread(text)


@pytest.mark.parametrize(
    "broken", [lambda t: t.encode().decode("cp1252"), lambda t: t.encode("cp1252").decode("utf-8", "replace")]
)
def test_texts_of_another_encoding_are_found(broken: Callable[[str], str]) -> None:
    assert misread(broken("le café est fermé"))
