"""Windows close when they are full, once, and hold the counts of their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from boucle.core.observation import Observation
from boucle.core.profile import RATES
from boucle.monitoring import windows
from boucle.monitoring.service import latencies, quantile, service_counts
from boucle.monitoring.windows import ClosedWindow, close_windows
from boucle.ports.stores import State

from .conftest import Wines, make_settings, observed, rows


def keep(state: State, *seen: Observation) -> None:
    with state.begin() as tx:
        tx.observations.ingest(seen, [], {})


def close(state: State, wines: Wines, window: int | str, now: float = 0.0) -> list[ClosedWindow]:
    monitor = make_settings(monitor={"window": window}).monitor
    with state.begin() as tx:
        return close_windows(tx, "wine", 1, wines.law, wines.signature, monitor, now)


def requests(wines: Wines, first: int, many: int, per: int = 1, **changes: object) -> list[Observation]:
    """Return requests of ``per`` rows each, one a second from ``first`` on."""
    made = []
    for i in range(first, first + many):
        part = rows(wines.red, slice(i * per, (i + 1) * per))
        made.append(replace(observed(f"r{i}", float(i), part, wines.predict(part)), **changes))  # type: ignore[arg-type]
    return made


def test_a_window_closes_with_the_request_that_fills_it_and_only_once(state: State, wines: Wines) -> None:
    keep(state, *requests(wines, 0, 9))
    assert close(state, wines, 10) == []
    keep(state, *requests(wines, 9, 14))
    (first, second) = close(state, wines, 10)
    assert (first.window.number, first.window.rows, second.window.number) == (1, 10, 2)
    assert (first.window.start, first.window.end) == (0.0, 9.0)
    assert close(state, wines, 10) == []


def test_the_counts_are_those_of_the_rows(state: State, wines: Wines) -> None:
    keep(state, *requests(wines, 0, 20, per=5))
    (closed,) = close(state, wines, 100)
    assert (closed.counts.bins == wines.window(rows(wines.red, slice(0, 100))).bins).all()
    assert (closed.counts.rows, closed.counts.extra["requests"]) == (100, 20.0)
    with state.begin() as tx:
        ((window, counts),) = tx.windows.counts("wine", 1, 5)
    assert window == closed.window
    assert (counts.bins == closed.counts.bins).all()


def test_folding_the_open_window_away_changes_nothing(
    state: State, wines: Wines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "FOLD", 7)
    found: list[ClosedWindow] = []
    for first in range(0, 60, 6):
        keep(state, *requests(wines, first, 6))
        found += close(state, wines, 25)
    whole = [wines.window(rows(wines.red, slice(0, 25))), wines.window(rows(wines.red, slice(25, 50)))]
    assert [c.window.rows for c in found] == [25, 25]
    for closed, expected in zip(found, whole, strict=True):
        assert (closed.counts.bins == expected.bins).all()


def test_copies_pinned_requests_and_other_versions_are_not_counted(state: State, wines: Wines) -> None:
    keep(state, *requests(wines, 0, 5, role="shadow"), *requests(wines, 5, 5, role="pinned"))
    keep(state, *requests(wines, 10, 5, version=2), *requests(wines, 15, 5, role="challenger"))
    (closed,) = close(state, wines, 5)
    assert closed.window.start == 15.0


def test_a_service_that_only_fails_still_closes_windows(state: State, wines: Wines) -> None:
    keep(state, *(replace(one, error="error", outputs={}) for one in requests(wines, 0, 10)))
    (closed,) = close(state, wines, 10)
    assert (closed.counts.rows, closed.counts.extra["errors"]) == (0, 10.0)


def test_a_window_by_time_ends_with_its_span(state: State, wines: Wines) -> None:
    keep(state, *requests(wines, 0, 150))
    assert [(c.window.start, c.window.end) for c in close(state, wines, "1m", now=149.0)] == [
        (0.0, 59.0),
        (60.0, 119.0),
    ]
    assert close(state, wines, "1m", now=179.0) == []
    assert [c.window.rows for c in close(state, wines, "1m", now=180.0)] == [30]
    assert close(state, wines, "1m", now=999.0) == []


def test_absent_and_odd_values_are_missing(state: State, wines: Wines) -> None:
    seen = requests(wines, 0, 3)
    seen[0].inputs["pH"] = [None]
    del seen[1].inputs["pH"]
    seen[2].inputs["pH"] = ["acid"]
    keep(state, *seen)
    (closed,) = close(state, wines, 3)
    place = [column.name for column in wines.law.profile.columns].index("pH")
    assert closed.counts.rates[place, RATES.index("missing")] == 3


def test_latency_quantiles_are_right_within_two_per_cent() -> None:
    random = np.random.default_rng(0)
    seconds = random.lognormal(-5.0, 1.0, 5000)
    counts = service_counts(
        Observation("x", 0.0, "wine", 1, "champion", 1, {}, {}, latency=s) for s in seconds.tolist()
    )
    for q in (0.5, 0.9, 0.99):
        assert quantile(latencies(counts), q) == pytest.approx(np.quantile(seconds, q), rel=0.025)


def test_a_refused_request_is_no_failure_of_the_service() -> None:
    refused = Observation("x", 0.0, "wine", 1, "champion", 0, {}, {}, error="bad_request")
    assert service_counts([refused]) == {"refused": 1.0}
