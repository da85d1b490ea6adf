"""What every Archive has to do, as tests. An adapter's author subclasses the suite and says how to make one:

class TestMyArchive(ArchiveContract):
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Archive:
        return MyArchive(None, tmp_path)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from boucle.core.observation import Feedback
from boucle.core.observed import ObservedRows, Values
from boucle.ports.archive import Archive

NOON = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""
DAY = 86400.0


def rows(
    ids: Sequence[str], *, model: str = "wine", version: int = 1, time: float = NOON, **inputs: Values
) -> ObservedRows:
    """Describe requests of one row each, a second apart, that answered 1.5, 2.5 and so on."""
    many = len(ids)
    return ObservedRows(
        model,
        version,
        list(ids),
        [time + second for second in range(many)],
        [0.002] * many,
        ["champion"] * many,
        [""] * many,
        [""] * many,
        np.ones(many, dtype=np.int64),
        inputs or {"alcohol": np.arange(many) / 2},
        {"prediction": [1.5 + place for place in range(many)]},
    )


def read(archive: Archive, *columns: str, model: str = "wine") -> list[tuple[Any, ...]]:
    """Return columns of all rows of a model, sorted by id and place; None is missing."""
    frame = archive.read(model, 0.0, NOON + 1000 * DAY, [*dict.fromkeys([*columns, "id", "row"])])
    frame = frame.sort_values(["id", "row"])[list(columns)].astype(object)
    return [tuple(row) for row in frame.where(frame.notna(), None).itertuples(index=False)]


class ArchiveContract:
    """Every test has an archive of its own, empty."""

    @pytest.fixture
    def archive(self) -> Archive:
        raise NotImplementedError("say how to make the archive")

    def test_an_empty_one_has_nothing(self, archive: Archive) -> None:
        assert archive.parts() == []
        assert archive.read("wine", 0.0, NOON).empty
        assert archive.feedback(0.0, NOON).empty

    def test_rows_are_read_back_with_all_that_is_known_of_them(self, archive: Archive) -> None:
        assert archive.write("s1", [rows(["a", "b"])], []) == 2
        frame = archive.read("wine", 0.0, NOON + DAY)
        assert frame["id"].tolist() == ["a", "b"]
        assert [moment.timestamp() for moment in frame["time"]] == [NOON, NOON + 1]
        kept = frame.iloc[0].to_dict()
        about = ("version", "role", "row", "rows", "key", "latency", "error", "in_alcohol", "out_prediction")
        assert [kept[name] for name in about] == [1, "champion", 0, 1, "", 0.002, "", 0.0, 1.5]

    def test_a_request_of_many_rows_stands_once_a_row(self, archive: Archive) -> None:
        asked = replace(rows(["a", "b"]), rows=np.array([2, 1]), inputs={"x": [7, 8, 9]}, outputs={})
        archive.write("s1", [asked], [])
        assert read(archive, "id", "row", "rows", "in_x") == [("a", 0, 2, 7), ("a", 1, 2, 8), ("b", 0, 1, 9)]

    def test_a_request_without_rows_stands_once(self, archive: Archive) -> None:
        failed = replace(rows(["a"]), rows=np.array([0]), inputs={}, outputs={}, errors=["model_error"])
        archive.write("s1", [failed], [])
        assert read(archive, "id", "rows", "error") == [("a", 0, "model_error")]

    def test_the_same_name_again_replaces_what_it_kept(self, archive: Archive) -> None:
        for _ in range(2):
            archive.write("s1", [rows(["a", "b"])], [Feedback("a", NOON, [6])])
        assert read(archive, "id") == [("a",), ("b",)]
        assert len(archive.feedback(0.0, NOON + 1)) == 1

    def test_names_stand_beside_each_other(self, archive: Archive) -> None:
        archive.write("s1", [rows(["a"])], [])
        archive.write("s2", [rows(["b"])], [])
        assert read(archive, "id") == [("a",), ("b",)]

    def test_models_do_not_mix_whatever_their_names(self, archive: Archive) -> None:
        names = ["wine", "wine.red", "a b%/=x", ".."]
        archive.write("s1", [rows([f"id of {name}"], model=name) for name in names], [])
        for name in names:
            assert read(archive, "id", model=name) == [(f"id of {name}",)]

    def test_a_span_of_time_is_read_across_days(self, archive: Archive) -> None:
        archive.write(
            "s1", [rows(["a"], time=NOON), rows(["b"], time=NOON + DAY), rows(["c"], time=NOON + 2 * DAY)], []
        )
        frame = archive.read("wine", NOON + 1, NOON + 2 * DAY)
        assert frame["id"].tolist() == ["b"]
        assert {part.date for part in archive.parts()} == {"2026-01-01", "2026-01-02", "2026-01-03"}

    def test_versions_of_other_columns_are_read_as_one_table(self, archive: Archive) -> None:
        first = rows(["a"], x=np.array([1.5]), gone=["old"])
        archive.write("s1", [first, rows(["b"], version=2, x=np.array([2]), new=[True])], [])
        archive.write("s2", [rows(["c"], version=3, x=[None], new=[None])], [])
        found = read(archive, "in_x", "in_gone", "in_new")
        assert found == [(1.5, "old", None), (2.0, None, True), (None, None, None)]

    def test_columns_of_types_that_do_not_agree_become_text(self, archive: Archive) -> None:
        archive.write("s1", [rows(["a"], x=[1.5]), rows(["b"], x=["high"])], [])
        archive.write("s2", [rows(["c"], x=[[1, 2]]), rows(["f"], y=np.array([0.5])), rows(["g"], y=[2**60 + 1])], [])
        archive.write("s3", [rows(["d", "e"], x=["low", 3])], [])
        assert [row[0] for row in read(archive, "in_x")] == ["1.5", "high", "[1,2]", "low", "3", None, None]
        assert [row[0] for row in read(archive, "in_y")][-2:] == [0.5, 2.0**60]

    def test_missing_values_stay_missing_and_infinite_ones_infinite(self, archive: Archive) -> None:
        whole = np.ma.MaskedArray(np.array([2**53, 0]), mask=[False, True])
        archive.write("s1", [rows(["a", "b"], f=np.array([np.nan, np.inf]), i=whole, s=["", None])], [])
        assert read(archive, "in_f", "in_i", "in_s") == [(None, 2**53, ""), (float("inf"), None, None)]

    def test_probabilities_are_lists(self, archive: Archive) -> None:
        told = replace(rows(["a"]), outputs={"prediction": ["red"], "probabilities": [[0.25, 0.75]]})
        archive.write("s1", [told], [])
        ((label, shares),) = read(archive, "out_prediction", "out_probabilities")
        assert (label, list(shares)) == ("red", [0.25, 0.75])

    def test_named_columns_come_alone_and_unknown_ones_are_missing(self, archive: Archive) -> None:
        archive.write("s1", [rows(["a"])], [])
        frame = archive.read("wine", 0.0, NOON + 1, ["out_prediction", "in_nothing"])
        assert list(frame.columns) == ["out_prediction", "in_nothing"]
        assert frame["in_nothing"].isna().all()

    def test_feedback_stands_once_a_truth_and_event(self, archive: Archive) -> None:
        told = [Feedback("a", NOON, ["red", None]), Feedback("b", NOON + 1, event="sale", value=2.5)]
        assert archive.write("s1", [], told) == 3
        frame = archive.feedback(NOON, NOON + 2).astype(object)
        frame = frame.where(frame.notna(), None).drop(columns="time")
        found = [tuple(row) for row in frame.itertuples(index=False)]
        assert found == [("a", 0, '"red"', "", None), ("a", 1, None, "", None), ("b", None, None, "sale", 2.5)]

    def test_feedback_of_any_time_makes_one_part(self, archive: Archive) -> None:
        archive.write("s1", [], [Feedback(f"id{day}", day * DAY, [1]) for day in range(100)])
        assert len(archive.parts()) == 1
        assert len(archive.feedback(0.0, 10 * DAY)) == 10

    def test_times_out_of_all_calendars_are_kept(self, archive: Archive) -> None:
        archive.write("s1", [replace(rows(["a", "b", "c"]), times=[float("nan"), -1e30, 1e30])], [])
        assert len(archive.parts()) == 2

    def test_parts_are_listed_oldest_first_with_their_size(self, archive: Archive) -> None:
        archive.write("s2", [rows(["new"], time=NOON + DAY)], [])
        archive.write("s1", [rows(["b"]), rows(["a"], model="beer")], [])
        parts = archive.parts()
        assert [part.date for part in parts] == ["2026-01-01", "2026-01-01", "2026-01-02"]
        assert all(part.bytes > 100 for part in parts)
        assert all(part.path.endswith(".parquet") for part in parts)

    def test_a_part_dropped_is_gone_and_dropped_again_does_no_harm(self, archive: Archive) -> None:
        archive.write("s1", [rows(["a"]), rows(["b"], time=NOON + DAY)], [])
        first, second = archive.parts()
        archive.drop(first)
        archive.drop(first)
        assert archive.parts() == [second]
        assert read(archive, "id") == [("b",)]

    def test_small_parts_of_past_days_are_merged_and_every_row_stays_once(self, archive: Archive) -> None:
        for place in range(6):
            archive.write(f"s{place}", [rows([f"id{place}"])], [Feedback(f"id{place}", NOON, [place])])
        assert archive.merge("2026-01-01") == 0
        while archive.merge("2026-01-02"):
            pass
        assert len(archive.parts()) == 2
        assert read(archive, "id") == [(f"id{place}",) for place in range(6)]
        assert sorted(archive.feedback(0.0, NOON + 1)["truth"]) == [str(place) for place in range(6)]

    def test_a_part_written_again_behind_its_merge_does_not_stand_twice(self, archive: Archive) -> None:
        for round_ in range(2):
            for place in range(5):
                archive.write(f"s{round_}{place}", [rows([f"id{round_}{place}"])], [])
            while archive.merge("2026-01-02"):
                pass
            archive.write("s00", [rows(["id00"])], [])
        assert read(archive, "id") == [(f"id{n // 5}{n % 5}",) for n in range(10)]

    def test_versions_of_other_columns_are_not_merged_into_one_type(self, archive: Archive) -> None:
        for place in range(4):
            archive.write(f"a{place}", [rows([f"a{place}"], x=[place])], [])
            archive.write(f"b{place}", [rows([f"b{place}"], x=["high"], version=2, time=NOON + 60)], [])
        while archive.merge("2026-01-02"):
            pass
        assert len(archive.parts()) == 2
        assert archive.read("wine", NOON, NOON + 30)["in_x"].tolist() == [str(place) for place in range(4)]

    def test_nothing_to_keep_leaves_nothing(self, archive: Archive) -> None:
        assert archive.write("s1", [], []) == 0
        assert archive.parts() == []
