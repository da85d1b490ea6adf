"""Files, queries and functions as they come: odd headings, packed rows, written indexes, signs in a password."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.adapters.sources import delimited
from boucle.adapters.sources.files import FilesSource
from boucle.adapters.sources.function import CallableSource
from boucle.adapters.sources.sql import SqlSource
from boucle.core.errors import MissingExtra, SourceError
from boucle.data.infer import infer


def read(path: Path, content: bytes | str) -> pd.DataFrame:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FilesSource().read(path.name, path.parent)


WORDS = st.text(st.characters(codec="latin-1", categories=["L"]), min_size=1, max_size=6)
NOTES = st.tuples(WORDS, st.sampled_from(["", "\n", "\r\n", '"', " "]), WORDS).map("".join)
HEADING = ["first", 'a "quoted"\nheading', "third"]


@given(
    rows=st.lists(st.tuples(NOTES, NOTES, st.integers(-(2**62), 2**62)), min_size=1, max_size=30),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_dialect_is_found_out(
    rows: list[tuple[str, str, int]], separator: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([HEADING, *((f"x{a}", f"y{b}", n) for a, b, n in rows)])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    found = delimited.read(path)
    assert list(found.columns) == HEADING
    assert [tuple(row) for row in found.to_numpy().tolist()] == [(f"x{a}", f"y{b}", n) for a, b, n in rows]


def test_the_last_letter_decides_on_the_encoding_as_well(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "n,town\n1,Orly\n2,Orbé\n".encode("cp1252"))
    assert found["town"].tolist() == ["Orly", "Orbé"]


def test_a_letter_cut_in_the_middle_is_no_sign_of_another_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_ENCODING_SAMPLE", 8)
    assert delimited.find_encoding(b"townxxx" + "é".encode() + b"\n") == "utf-8"


def test_a_written_index_gets_a_name_and_is_an_id(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": range(0, 60, 2), "rent": [n % 7 for n in range(30)]})
    found = read(tmp_path / "t.csv", frame.to_csv())
    assert list(found.columns) == ["unnamed_0", "size", "rent"]
    assert infer(found, "rent").id == "unnamed_0"


@pytest.mark.parametrize("number", ["9223372036854775808", "-123456789012345678901"])
def test_integers_beyond_64_bits_are_refused_with_their_column(tmp_path: Path, number: str) -> None:
    with pytest.raises(SourceError, match=number) as caught:
        read(tmp_path / "t.csv", f"n,key\n1,{number}\n2,\n3,5\n")
    assert caught.value.facts["field"] == "key"


@pytest.mark.parametrize("number", ["1e300", "9223372036854775807", "99999999999999999999.5"])
def test_big_numbers_that_are_no_names_are_read(tmp_path: Path, number: str) -> None:
    assert read(tmp_path / "t.csv", f"n,key\n1,{number}\n2,5\n")["key"].iloc[0] == float(number)


def test_a_type_that_changes_late_in_a_long_file_is_found(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "n,note\n" + "1,\n" * 400_000 + "1.5,late\n")
    assert (found["n"].iloc[-1], found["note"].iloc[-1]) == (1.5, "late")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_file_of_many_blocks_is_read_as_one_of_a_single_block(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "n,when,note,late\n" + "".join(f"{i / 8},2024-01-{i % 28 + 1:02},é{i},\n" for i in range(500)) + "1,,,x\n"
    content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    whole = read(tmp_path / name, content)
    monkeypatch.setattr(delimited, "_BLOCK", 1024)
    parts = read(tmp_path / name, content)
    pd.testing.assert_frame_equal(parts, whole)
    parts.loc[0, "n"] = 9.0  # its columns are its own
    assert [d.kind for d in whole.dtypes] == ["f", "M", "O", "O"]


def test_dates_are_times_and_infinities_numbers(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "day,n\n2024-01-02,inf\n2024-01-03,-inf\n")
    assert [d.kind for d in found.dtypes] == ["M", "f"]


def test_json_lines_keep_their_text_as_it_stands(tmp_path: Path) -> None:
    rows = [{"zip": "01234", "note": "a\u2028b"}, {"zip": "2", "note": None}]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    for name, content in (("t.jsonl", text.encode()), ("t.jsonl.gz", gzip.compress(text.encode()))):
        assert read(tmp_path / name, content)["zip"].tolist() == ["01234", "2"]


@pytest.mark.parametrize(("index", "columns"), [(None, ["n"]), ("key", ["n", "key"])])
def test_a_named_index_of_a_parquet_file_is_a_column(tmp_path: Path, index: str | None, columns: list[str]) -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index([7, 9], name=index))
    frame.to_parquet(tmp_path / "t.parquet")
    assert list(FilesSource().read("t.parquet", tmp_path).columns) == columns


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet", "t.csv.gz", "t.jsonl", "t.csv.xz", "t.csv"])
@given(content=st.binary(min_size=1, max_size=300))
def test_garbage_is_refused_or_read_and_never_breaks(
    name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("garbage") / name
    try:
        assert len(read(path, content)) > 0
    except (SourceError, MissingExtra) as error:
        assert path.name in error.message  # noqa: PT017 - what can be read is right as well


def test_a_packed_file_that_was_cut_or_changed_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"n\n" + b"1\n2\n345\n" * 500)
    for broken in (packed[:-9], packed[:30] + b"\xff" * 9 + packed[39:]):
        with pytest.raises(SourceError, match="cannot be unpacked"):
            read(tmp_path / "t.csv.gz", broken)


def test_hidden_files_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("a.csv", ".b.csv", "_c.csv"):
        (tmp_path / name).write_text(f"n\n{len(name)}\n")
    assert FilesSource().read(".", tmp_path)["n"].tolist() == [5]


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[str], pd.DataFrame]:
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        pd.DataFrame({"note": ["a :b", "100%", "%d"], "n": [1, 2, 3]}).to_sql("notes", connection, index=False)
    return lambda query: SqlSource().read({"url": "sqlite:///t.db", "query": query}, tmp_path)


@pytest.mark.parametrize(("condition", "n"), [("note LIKE '%:b'", 1), ("note = 'a :b'", 1), ("note = '%d'", 3)])
def test_colons_and_per_cents_of_a_query_are_only_themselves(
    ask: Callable[[str], pd.DataFrame], condition: str, n: int
) -> None:
    assert ask(f"SELECT * FROM notes WHERE {condition}")["n"].tolist() == [n]


def test_a_query_with_one_name_for_two_columns_is_refused(ask: Callable[[str], pd.DataFrame]) -> None:
    with pytest.raises(SourceError, match="'n' twice"):
        ask("SELECT a.n, b.n FROM notes a JOIN notes b ON a.n = b.n")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sesame@127.0.0.1:none/db",
        "postgresql://me:ses@me:sesame/x@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=sesame",
        "postgresql://me@127.0.0.1:1/db?sslkey=sesame",
    ],
)
def test_no_way_of_writing_a_password_shows_it(tmp_path: Path, url: str) -> None:
    source = SqlSource()
    assert source.accepts(url, tmp_path)
    with pytest.raises(SourceError) as caught:
        source.read({"path": url, "query": "SELECT 1"}, tmp_path)
    error: Any = caught.value
    assert "sesame" not in f"{error} {error.facts}"
    assert error.__suppress_context__


def test_a_function_imports_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_the_feed.py").write_text("ROWS = [{'n': 1}]\n")
    (tmp_path / "feed.py").write_text("from beside_the_feed import ROWS\ndef load(): return ROWS\n")
    assert CallableSource().read("feed:load", tmp_path)["n"].tolist() == [1]
