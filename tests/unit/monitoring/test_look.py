"""One look: what is new is judged once, and the whole story of the wines is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from boucle.core.json import dumps
from boucle.core.observation import Feedback
from boucle.formats.segment import KIND_FEEDBACK, KIND_OBSERVATION, SegmentWriter, read_new
from boucle.monitoring.ingest import Ingested, ingest
from boucle.ports.stores import State

from .conftest import Service, Wines, make_settings, observed, rows


def test_red_wines_are_fine_and_white_ones_are_drift_and_a_loss(service: Service, wines: Wines) -> None:
    service.settings = make_settings(monitor={"window": 250})
    service.serve(rows(wines.red, slice(1100, 1599)), wines.red_quality[1100:1599])
    calm = service.look()
    assert (calm.windows, {kind: v.status for kind, v in calm.verdicts.items()}) == (
        1, {"fault": "pass", "drift": "pass", "quality": "pass"},
    )  # fmt: skip
    changed = 1000.0 + service.sent
    service.serve(rows(wines.white, slice(0, 401)), wines.white_quality[:401])
    seen = service.look()
    assert {kind: v.status for kind, v in seen.verdicts.items()} == {
        "fault": "pass",
        "drift": "fail",
        "quality": "fail",
    }
    assert seen.windows == 2
    assert seen.changed == pytest.approx(changed, abs=80)


def test_a_look_without_news_judges_nothing(service: Service, wines: Wines) -> None:
    assert service.look().verdicts == {}
    service.serve(rows(wines.red, slice(1100, 1340)), wines.red_quality[1100:1340])
    assert set(service.look().verdicts) == {"fault", "drift", "quality"}
    assert (service.look().windows, service.look().verdicts) == (0, {})


def test_quality_is_judged_anew_when_enough_labels_have_come(service: Service, wines: Wines) -> None:
    service.serve(rows(wines.red, slice(1100, 1110)), wines.red_quality[1100:1110])
    assert "too few labels: 10 of 100" in service.look().verdicts["quality"].reason
    service.serve(rows(wines.red, slice(1110, 1120)), wines.red_quality[1110:1120])
    assert service.look().verdicts == {}
    service.serve(rows(wines.red, slice(1120, 1220)), wines.red_quality[1120:1220])
    assert service.look().verdicts["quality"].status == "pass"


def test_labels_that_come_late_are_judged_when_they_come(service: Service, wines: Wines) -> None:
    service.serve(rows(wines.white, slice(0, 300)))
    assert "quality" not in service.look().verdicts
    with service.state.begin() as tx:
        tx.observations.ingest([], [Feedback(f"r{i}", 1e6, [float(wines.white_quality[i])]) for i in range(300)], {})
    assert service.look().verdicts["quality"].status == "fail"


def test_a_fault_in_any_of_the_windows_closed_at_once_is_told(service: Service, wines: Wines) -> None:
    broken = rows(wines.red, slice(1100, 1200))
    broken["pH"] *= 1000.0
    service.serve(broken)
    service.serve(rows(wines.red, slice(1200, 1400)))
    seen = service.look()
    assert seen.windows == 3
    assert [check.name for check in seen.verdicts["fault"].failed] == ["pH far"]


def test_slow_answers_breach_the_promise(service: Service, wines: Wines) -> None:
    service.settings = make_settings(monitor={"window": 100, "slo": {"latency_p99_ms": 50}})
    service.serve(rows(wines.red, slice(1100, 1200)), latency=0.2)
    verdict = service.look().verdicts["slo"]
    assert verdict.status == "fail"
    assert verdict.failed[0].observed == pytest.approx(200.0, rel=0.03)


def test_copies_and_pinned_answers_are_not_the_versions_quality(service: Service, wines: Wines) -> None:
    service.serve(rows(wines.white, slice(0, 300)), wines.white_quality[:300], role="pinned")
    assert service.look().verdicts == {}


def test_ingesting_takes_each_entry_once_wherever_it_is_killed(state: State, tmp_path: Path, wines: Wines) -> None:
    part = rows(wines.red, slice(0, 1))
    seen = [observed(f"r{i}", float(i), part, wines.predict(part)) for i in range(5)]
    writer = SegmentWriter(tmp_path / "segments", "w")
    writer.append([(KIND_OBSERVATION, dumps(one)) for one in seen[:3]])
    writer.append([(KIND_FEEDBACK, dumps(Feedback("r0", 9.0, [5.0])))])
    assert ingest(state, tmp_path / "segments") == Ingested(3, 1)
    assert ingest(state, tmp_path / "segments") == Ingested(0, 0)
    writer.append([(KIND_OBSERVATION, dumps(one)) for one in seen[2:]])
    with pytest.raises(RuntimeError, match="killed"):
        killed_half_way(state, tmp_path / "segments")
    assert ingest(state, tmp_path / "segments") == Ingested(2, 0)
    with state.begin() as tx:
        assert tx.observations.count("wine") == 5
    writer.close()


def killed_half_way(state: State, segments: Path) -> None:
    """Read and keep the new entries, and end before the transaction does."""
    with state.begin() as tx:
        tx.observations.ingest(*read_new(segments, tx.observations.cursors()))
        raise RuntimeError("killed")


def test_no_segments_are_no_news(state: State, tmp_path: Path) -> None:
    assert ingest(state, tmp_path / "nowhere") == Ingested(0, 0)


def test_the_version_of_another_model_is_not_mixed_in(service: Service, wines: Wines) -> None:
    service.serve(rows(wines.white, slice(0, 300)), wines.white_quality[:300], model="other")
    assert service.look().windows == 0
    service.version = replace(service.version, number=2)
    assert service.look().verdicts == {}
