"""A fingerprint is that of the rows: not of their file, their index, or how pandas holds them; secrets stay out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from boucle.adapters.sources.files import FilesSource
from boucle.core.errors import DataError
from boucle.data.snapshot import Snapshots, decode, encode


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.jsonl"])
def test_the_same_rows_of_another_kind_of_file_have_the_same_fingerprint(
    flats: pd.DataFrame, name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if path.suffix == ".parquet":
        flats.to_parquet(path)
    elif path.suffix == ".jsonl":
        flats.to_json(path, orient="records", lines=True)
    else:
        flats.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    assert encode(FilesSource().read(name, tmp_path)) == encode(flats)


@pytest.mark.parametrize(
    "other",
    [
        lambda frame: frame.set_axis(range(7, 307)),
        lambda frame: frame.astype({"quarter": object}),
        lambda frame: frame.astype({"quarter": "category"}),
        lambda frame: pd.concat([frame.head(10), frame.tail(290)]),
        lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    ],
    ids=["index", "object", "category", "parts", "arrow"],
)
def test_how_pandas_holds_rows_does_not_matter(
    flats: pd.DataFrame, other: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    assert encode(other(flats)) == encode(flats)


def test_order_names_and_types_matter(flats: pd.DataFrame) -> None:
    others = [
        flats.iloc[::-1],
        flats[flats.columns[::-1]],
        flats.rename(columns={"lift": "Lift"}),
        flats.astype({"rooms": float}),
    ]
    assert len({encode(frame) for frame in [flats, *others]}) == 5


def test_a_fixed_table_keeps_the_fingerprint_it_had() -> None:
    """But for the name of the writer, which Parquet puts into the file: a set kept long ago is found again."""
    days = pd.to_datetime(pd.Series(["2024-01-01", None, "2024-06-30"]))
    table = pd.DataFrame(
        {"n": [1.5, None, -0.25], "k": [1, 2, 3], "t": ["a", None, "é"], "b": [True, False, True], "d": days}
    )
    raw, writers = re.subn(rb"parquet-cpp-arrow version [0-9.]+", b"", encode(table))
    assert writers == 1
    assert hashlib.sha256(raw).hexdigest() == "b69c683ac72a9ee0a3d1463ebe0dfc0d862f47a07fa35ac2bee09c43ddafada2"


def test_what_is_kept_has_the_bytes_that_were_hashed(flats: pd.DataFrame, tmp_path: Path) -> None:
    kept = Snapshots(tmp_path).keep(flats, "a.csv", 0.0)
    raw = Snapshots(tmp_path).path(kept.fingerprint).read_bytes()
    assert (kept.fingerprint, kept.bytes) == (hashlib.sha256(raw).hexdigest(), len(raw))
    assert raw == encode(flats)
    assert len(list((tmp_path / "data").iterdir())) == 2


def test_a_table_that_cannot_be_kept_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'odd'"):
        Snapshots(tmp_path).keep(pd.DataFrame({"odd": [1, "two", object]}), "a.csv", 0.0)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_round_trip_has_the_same_fingerprint(flats: pd.DataFrame) -> None:
    flats["sold"] = pd.date_range("2024-01-01", periods=len(flats), freq="h")
    flats.loc[3, ["size", "quarter", "sold"]] = None
    back = decode(encode(flats))
    assert encode(back) == encode(flats)
    assert [d.kind for d in back.dtypes] == [d.kind for d in flats.dtypes]


def test_no_password_is_kept_with_a_snapshot(flats: pd.DataFrame, tmp_path: Path) -> None:
    source = "postgresql://me:sesame@db.example/flats"
    assert "sesame" not in Snapshots(tmp_path).keep(flats, source, 0.0).source
    notes = [path.read_text() for path in (tmp_path / "data").glob("*.json")]
    assert len(notes) == 1
    assert "sesame" not in notes[0]
    assert "db.example/flats" in notes[0]
