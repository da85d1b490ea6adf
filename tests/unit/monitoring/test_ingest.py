"""From segments into the state, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from boucle.adapters.stores.sql import SqlState
from boucle.core.json import dumps
from boucle.core.observation import Feedback, Observation
from boucle.formats.segment import KIND_FEEDBACK, KIND_GAP, KIND_OBSERVATION, Gap, SegmentWriter
from boucle.monitoring import ingest as ingesting
from boucle.monitoring.ingest import Ingested, ingest


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlState]:
    state = SqlState(None, tmp_path)
    yield state
    state.close()


def filled(folder: Path, many: int) -> SegmentWriter:
    """Write observations into files of two each."""
    writer = SegmentWriter(folder, "w", max_bytes=300)
    for n in range(many):
        seen = Observation(f"id{n}", 1.0 + n, "wine", 1, "champion", 1, {"x": [n]}, {"prediction": [6.0]})
        assert writer.append([(KIND_OBSERVATION, dumps(seen))])
    return writer


@pytest.mark.parametrize("at_once", [1, 3, 10, 1000])
def test_a_long_absence_is_read_in_pieces(
    tmp_path: Path, state: SqlState, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "AT_ONCE", at_once)
    filled(tmp_path / "segments", 10).close()
    assert ingest(state, tmp_path / "segments") == Ingested(10, 0)
    assert ingest(state, tmp_path / "segments") == Ingested(0, 0)


def test_one_call_reads_no_more_than_it_is_told(tmp_path: Path, state: SqlState) -> None:
    filled(tmp_path / "segments", 10).close()
    taken = [ingest(state, tmp_path / "segments", most=4).observations for _ in range(4)]
    assert taken == [4, 4, 2, 0]


def test_gaps_are_counted_once(tmp_path: Path, state: SqlState) -> None:
    writer = filled(tmp_path, 1)
    writer.append(
        [(KIND_GAP, msgspec.msgpack.encode(Gap(5, 1.0, 2.0))), (KIND_FEEDBACK, dumps(Feedback("id0", 2.0, [5])))]
    )
    writer.append([(KIND_GAP, msgspec.msgpack.encode(Gap(2, 3.0, 4.0)))])
    writer.close()
    assert ingest(state, tmp_path) == Ingested(1, 1, dropped=7)
    assert ingest(state, tmp_path) == Ingested(0, 0)


def test_files_that_go_away_between_are_no_news(tmp_path: Path, state: SqlState) -> None:
    filled(tmp_path, 4).close()
    ingest(state, tmp_path)
    for path in tmp_path.glob("*.seg"):
        path.unlink()
    assert ingest(state, tmp_path) == Ingested(0, 0)
