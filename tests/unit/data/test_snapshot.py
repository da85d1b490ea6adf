"""Data sets are kept by their content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import DataError, NotFound
from boucle.data.snapshot import Snapshots, decode, encode


def test_the_same_rows_are_stored_once(flats: pd.DataFrame, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    first = snapshots.keep(flats, "a.csv", 1.0)
    second = snapshots.keep(flats.set_index(flats.index + 10), "b.csv", 2.0)
    assert first == second
    assert len(list((tmp_path / "data").glob("*.parquet"))) == 1


def test_a_kept_set_comes_back_byte_for_byte(flats: pd.DataFrame, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    kept = snapshots.keep(flats, "a.csv", 1.0)
    back = snapshots.load(kept.fingerprint)
    pd.testing.assert_frame_equal(back, flats)
    assert encode(back) == snapshots.path(kept.fingerprint).read_bytes()


def test_one_changed_value_is_another_set(flats: pd.DataFrame, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    first = snapshots.keep(flats, "a.csv", 1.0)
    changed = flats.assign(rooms=flats["rooms"].where(flats.index != 0, 99))
    assert snapshots.keep(changed, "a.csv", 1.0).fingerprint != first.fingerprint


@pytest.mark.parametrize("place", [10, -10])
def test_one_changed_byte_is_noticed(flats: pd.DataFrame, tmp_path: Path, place: int) -> None:
    snapshots = Snapshots(tmp_path)
    path = snapshots.path(snapshots.keep(flats, "a.csv", 1.0).fingerprint)
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="was changed"):
        snapshots.load(path.stem)


def test_a_file_cut_off_is_written_anew(flats: pd.DataFrame, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    kept = snapshots.keep(flats, "a.csv", 1.0)
    snapshots.path(kept.fingerprint).write_bytes(b"PAR1")
    snapshots.keep(flats, "a.csv", 1.0)
    assert len(snapshots.load(kept.fingerprint)) == 300


def test_an_unknown_fingerprint_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Snapshots(tmp_path).load("0" * 64)


def test_a_column_of_mixed_types_is_named() -> None:
    with pytest.raises(DataError, match="'odd'"):
        encode(pd.DataFrame({"odd": [1, "two", object]}))


@given(
    numbers=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30),
    data=st.data(),
)
def test_tables_round_trip(numbers: list[float], data: st.DataObject) -> None:
    many = len(numbers)
    texts = data.draw(
        st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5), min_size=many, max_size=many)
    )
    frame = pd.DataFrame({"n": numbers, "i": np.arange(many), "t": pd.Series(texts, dtype="str")})
    assert encode(decode(encode(frame))) == encode(frame)
