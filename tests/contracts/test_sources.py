"""Every source reads whole tables or refuses them plainly: files, databases, functions."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle import plugins
from boucle.adapters.sources import delimited
from boucle.adapters.sources.files import FilesSource
from boucle.adapters.sources.function import CallableSource, frame_of
from boucle.adapters.sources.sql import SqlSource
from boucle.core.errors import SourceError
from boucle.data.read import read_path, read_table
from boucle.ports.source import Source
from boucle.project.learning import Data

WINES = Path(__file__).parents[2] / "src" / "boucle" / "demo" / "data" / "winequality-red.csv"
TABLE = pd.DataFrame({"size": [1.5, 2.0, -3.25], "rooms": [1, 2, 3], "quarter": ["Châtelet", "a, b", 'say "no"']})


def written(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_bytes(text.encode(encoding))
    return path.name


def read(spec: Any, directory: Path) -> pd.DataFrame:
    data = Data.model_validate({"source": spec, "target": "rooms"})
    return read_table(data, directory)


def test_every_source_says_what_it_reads(tmp_path: Path) -> None:
    made: dict[str, Source] = {name: plugins.load("sources", name)() for name in plugins.names("sources")}
    specs = {"files": "a.csv", "sql": "sqlite:///a.db", "callable": "module:load"}
    for name, spec in specs.items():
        assert [other for other, source in made.items() if source.accepts(spec, tmp_path)] == [name]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_found_out(tmp_path: Path, separator: str, encoding: str) -> None:
    name = written(tmp_path / "t.csv", TABLE.to_csv(sep=separator, index=False), encoding)
    pd.testing.assert_frame_equal(read(name, tmp_path), TABLE, check_dtype=False)


def test_decimal_commas_are_numbers(tmp_path: Path) -> None:
    name = written(tmp_path / "t.csv", "size;rooms\n1,5;1\n2,25;2\n")
    assert read(name, tmp_path)["size"].tolist() == [1.5, 2.25]


def test_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TABLE.to_csv(index=False).encode()))
    assert read("t.csv.gz", tmp_path)["rooms"].tolist() == [1, 2, 3]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=12
)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.integers(-(2**53), 2**53)), min_size=1, max_size=20),
    separator=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_a_csv_writer_writes_is_read_back(
    rows: list[tuple[str, str, int]], separator: str, tmp_path_factory: Any
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["first", "second", "third"])
    writer.writerows([("x" + a, "y" + b, n) for a, b, n in rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    found = delimited.read(path, separator, "utf-8")
    assert found["first"].tolist() == ["x" + a for a, _, _ in rows]
    assert found["second"].tolist() == ["y" + b for _, b, _ in rows]
    assert found["third"].tolist() == [n for _, _, n in rows]


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "json", "xlsx"])
def test_other_formats_hold_the_same_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    if ending == "parquet":
        TABLE.to_parquet(path)
    elif ending == "xlsx":
        TABLE.to_excel(path, index=False)
    elif ending == "json":
        path.write_text(json.dumps(TABLE.to_dict("records")))
    else:
        TABLE.to_json(path, orient="records", lines=True)
    pd.testing.assert_frame_equal(read(path.name, tmp_path), TABLE, check_dtype=False)


@pytest.mark.parametrize("spec", ["parts", "parts/*.csv", ["parts/b.csv", "parts/a.csv"]])
def test_folders_globs_and_lists_are_read_one_after_another(tmp_path: Path, spec: Any) -> None:
    (tmp_path / "parts").mkdir()
    for name, start in (("a", 0), ("b", 10)):
        pd.DataFrame({"rooms": [start, start + 1]}).to_csv(tmp_path / "parts" / f"{name}.csv", index=False)
    assert sorted(read(spec, tmp_path)["rooms"]) == [0, 1, 10, 11]


def test_files_that_disagree_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", "rooms,size\n1,2\n")
    written(tmp_path / "b.csv", "rooms,price\n1,2\n")
    with pytest.raises(SourceError, match="differ in their columns: price, size"):
        read(["a.csv", "b.csv"], tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"rooms,size\n", "no rows"),
        (b"rooms,rooms\n1,2\n", "the column 'rooms' twice"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not text"),
        (b"rooms,size\n1,2,3\n4\n", "cannot be read"),
        (b"rooms,size\n1,123456789012345678901\n2,4\n", "beyond 64 bits"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SourceError, match=says):
        read("t.csv", tmp_path)


def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"t\.parquet cannot be read"):
        read("t.parquet", tmp_path)


def test_a_file_that_is_not_there_suggests_the_one_that_is(tmp_path: Path) -> None:
    written(tmp_path / "winequality.csv", "rooms\n1\n")
    with pytest.raises(SourceError) as caught:
        read("winequalty.csv", tmp_path)
    assert "winequality.csv" in str(caught.value.hint)


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    written(tmp_path / "t.csv", "rooms,name\n1,Châtelet\n", "cp1252")
    data = Data.model_validate({"source": "t.csv", "target": "rooms", "encoding": "utf-8"})
    with pytest.raises(SourceError) as caught:
        read_table(data, tmp_path)
    assert "data.encoding" in str(caught.value.hint)


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(10_000)]
    written(tmp_path / "wide.csv", ",".join([*names, "rooms"]) + "\n" + ",".join(["1"] * 10_001) + "\n")
    assert read("wide.csv", tmp_path).shape == (1, 10_001)


def test_the_wine_table_is_read_as_it_is() -> None:
    wines = read_path(str(WINES), Path())
    assert wines.shape == (1599, 12)
    assert wines["quality"].sum() == 9012


FUNCTIONS = """
import pandas as pd
def frame(): return pd.DataFrame({"rooms": [1, 2]})
def rows(): return [{"rooms": 1}, {"rooms": 2}]
def columns(): return {"rooms": [1, 2]}
def number(): return 3
def broken(): raise ValueError("the feed is down")
"""


@pytest.mark.parametrize("name", ["frame", "rows", "columns"])
@pytest.mark.parametrize("place", ["feed", "feed.py"])
def test_functions_of_the_project_return_tables(tmp_path: Path, name: str, place: str) -> None:
    written(tmp_path / "feed.py", FUNCTIONS)
    assert read(f"{place}:{name}", tmp_path)["rooms"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "says"), [("number", "returned int"), ("broken", "the feed is down"), ("frme", "no function 'frme'")]
)
def test_functions_that_give_no_table_are_told(tmp_path: Path, name: str, says: str) -> None:
    written(tmp_path / "feed.py", FUNCTIONS)
    with pytest.raises(SourceError, match=says):
        CallableSource().read(f"feed:{name}", tmp_path)


def test_a_module_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    written(tmp_path / "feed.py", "import a_module_nobody_has")
    with pytest.raises(SourceError, match="a_module_nobody_has"):
        CallableSource().read("feed:load", tmp_path)


def test_polars_and_arrow_tables_are_taken() -> None:
    table = pl.DataFrame({"rooms": [1, 2]})
    assert frame_of(table, "it")["rooms"].tolist() == [1, 2]
    assert frame_of(table.to_arrow(), "it")["rooms"].tolist() == [1, 2]


@pytest.fixture
def database(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "flats.db")) as connection:
        TABLE.to_sql("flats", connection, index=False)
    return "sqlite:///flats.db"


def test_a_query_reads_rows(database: str, tmp_path: Path) -> None:
    data = Data.model_validate(
        {"source": database, "query": "SELECT rooms FROM flats WHERE size > 0", "target": "rooms"}
    )
    assert read_table(data, tmp_path)["rooms"].tolist() == [1, 2]


def test_an_only_table_needs_no_query(database: str, tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(read(database, tmp_path), TABLE, check_dtype=False)


@pytest.mark.parametrize("query", ["SELECT nothing FROM flats", "SELEC * FROM flats", "SELECT * FROM flats WHERE 0"])
def test_a_wrong_query_is_told(database: str, tmp_path: Path, query: str) -> None:
    with pytest.raises(SourceError):
        SqlSource().read({"path": database, "query": query}, tmp_path)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no database"):
        read("sqlite:///absent.db", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.server
def test_postgresql_is_read(postgres_url: str, tmp_path: Path) -> None:
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    query = "SELECT n AS rooms, n * 1.5 AS size FROM generate_series(1, 3) AS n"
    found = SqlSource().read({"path": plain, "query": query}, tmp_path)
    assert found["rooms"].tolist() == [1, 2, 3]
    assert found["size"].astype(float).tolist() == [1.5, 3.0, 4.5]


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    url = "postgresql://me:sesame@127.0.0.1:1/none"
    with pytest.raises(SourceError) as caught:
        SqlSource().read({"path": url, "query": "SELECT 1"}, tmp_path)
    assert "sesame" not in str(caught.value)


def test_nothing_reads_what_nobody_knows(tmp_path: Path) -> None:
    assert not FilesSource().accepts({"bucket": 1}, tmp_path)
    with pytest.raises(SourceError, match="Nothing here reads"):
        read({"bucket": 1}, tmp_path)
