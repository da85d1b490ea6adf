"""Monitors in a notebook: tables of three libraries, replicas, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import boucle
from boucle.core.errors import ContractError
from boucle.core.json import dumps
from boucle.monitoring.monitors import DriftMonitor


def table(seed: int, rows: int = 2000, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": random.normal(shift, 1.0, rows),
            "rooms": random.integers(1, 6, rows),
            "town": random.choice(["Lyon", "Nice", "<b>Metz</b>"], rows),
            "new": random.random(rows) < 0.3,
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 10**6, rows), unit="s"),
        }
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "mapping"])
def test_two_tables_are_compared_whatever_library_they_come_from(kind: str) -> None:
    makes: dict[str, Any] = {
        "pandas": lambda frame: frame,
        "polars": lambda frame: pl.from_arrow(pa.Table.from_pandas(frame)),
        "arrow": pa.Table.from_pandas,
        "mapping": lambda frame: {name: frame[name].to_numpy() for name in frame},
    }
    make = makes[kind]
    assert boucle.drift(make(table(0)), make(table(1))).alarms == frozenset()
    found = boucle.drift(make(table(0)), make(table(1, shift=0.5)))
    assert found.alarms == {"size"}
    assert not found.faults
    assert found.status == "fail"


def test_a_page_shows_the_columns_and_runs_none_of_their_text() -> None:
    frame = table(0).rename(columns={"size": "<script>x</script>"})
    page = boucle.drift(frame, frame).to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_score_is_watched_like_a_column() -> None:
    random = np.random.default_rng(5)
    found = boucle.drift(table(0), table(1), score=(random.random(2000), random.random(2000) ** 2))
    assert found.alarms == {"score"}
    with pytest.raises(ContractError, match="2000 rows"):
        boucle.drift(table(0), table(1), score=(random.random(3), random.random(2000)))


def test_replicas_together_know_what_one_would() -> None:
    one, half, other = (DriftMonitor(table(0), window=500) for _ in range(3))
    whole = table(7, 600, shift=0.4)
    expected = one.update(whole)
    half.update(whole.iloc[:200])
    other.update(whole.iloc[200:])
    half.merge(other)
    assert half.seen[0].counts.bins.tolist() == one.seen[0].counts.bins.tolist()
    again = table(8, 600, shift=0.4)
    assert half.update(again).alarms == one.update(again).alarms >= expected.alarms
    with pytest.raises(ContractError, match="same windows"):
        half.merge(DriftMonitor(table(0), window=500))


def test_a_monitor_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    errors = np.random.default_rng(1).random(2000) < 0.1
    monitor = DriftMonitor(table(0), errors=errors, window=500)
    monitor.update(table(1, 500), feedback=errors[:500])
    monitor.save(tmp_path / "monitor.json")
    again = DriftMonitor.load(tmp_path / "monitor.json")
    window = table(2, 500, shift=0.5)
    assert dumps(again.update(window)) == dumps(monitor.update(window))
    assert b"Timestamp" not in (tmp_path / "monitor.json").read_bytes()
    (tmp_path / "monitor.json").write_text("{}")
    with pytest.raises(ContractError, match="no monitor"):
        DriftMonitor.load(tmp_path / "monitor.json")


def test_errors_that_rise_are_an_alarm_of_quality() -> None:
    random = np.random.default_rng(3)
    monitor = DriftMonitor(table(0), errors=random.random(2000) < 0.1, window=500)
    calm = [monitor.update(table(10 + n, 500), feedback=random.random(500) < 0.1).alarms for n in range(5)]
    assert all("quality" not in alarms for alarms in calm)
    worse = [monitor.update(table(20 + n, 500), feedback=random.random(500) < 0.2).alarms for n in range(4)]
    assert "quality" in worse[-1]


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ContractError, match="no table"):
        boucle.drift(3, table(0))
