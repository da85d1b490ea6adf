from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.serving.metrics import METRICS, Metrics, clear
from boucle.serving.slots import CAPACITY, Series, Slots, read

DEAD = """
import sys
from pathlib import Path
from boucle.serving.metrics import Metrics

metrics = Metrics(Path(sys.argv[1]), "worker-other")
metrics.add("requests_total", "wine", "1", "champion", "200", value=5)
metrics.add("requests_in_progress")
metrics.observe("batch_rows", value=3)
"""


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    made = Metrics(tmp_path, "worker-1")
    yield made
    made.close()


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().splitlines() if line.startswith(f"boucle_{name}")]


def test_every_worker_renders_the_sum_of_all(tmp_path: Path, metrics: Metrics) -> None:
    other = Metrics(tmp_path, "worker-2")
    for one, count in ((metrics, 2), (other, 3)):
        one.add("requests_total", "wine", "1", "champion", "200", value=count)
    told = 'boucle_requests_total{model="wine",version="1",role="champion",code="200"} 5'
    assert lines(metrics, "requests_total") == lines(other, "requests_total") == [told]
    other.close()


def test_a_dead_workers_counters_stay_and_its_gauges_go(tmp_path: Path, metrics: Metrics) -> None:
    subprocess.run([sys.executable, "-c", DEAD, str(tmp_path)], check=True)
    metrics.add("requests_total", "wine", "1", "champion", "200")
    assert lines(metrics, "requests_total")[0].endswith(" 6")
    assert lines(metrics, "requests_in_progress") == []
    assert lines(metrics, "batch_rows_count") == ["boucle_batch_rows_count 1"]
    clear(tmp_path, "worker")
    assert lines(metrics, "requests_total")[0].endswith(" 1")


def test_buckets_add_up_to_the_count(metrics: Metrics) -> None:
    for value in (1, 2, 3, 50, 1e6):
        metrics.observe("batch_rows", value=value)
    counts = [int(line.rpartition(" ")[2]) for line in lines(metrics, "batch_rows_bucket")]
    assert counts == sorted(counts)
    assert (counts[0], counts[1], counts[2], counts[-2], counts[-1]) == (1, 2, 3, 4, 5)
    assert lines(metrics, "batch_rows_sum") == ["boucle_batch_rows_sum 1000056"]
    assert 'le="+Inf"' in lines(metrics, "batch_rows_bucket")[-1]


def test_a_version_is_ready_once_however_many_workers_have_it(tmp_path: Path, metrics: Metrics) -> None:
    other = Metrics(tmp_path, "worker-2")
    for one in (metrics, other):
        one.set("model_ready", "wine", "1", value=1.0)
    assert lines(metrics, "model_ready") == ['boucle_model_ready{model="wine",version="1"} 1']
    other.close()


def test_labels_are_escaped(metrics: Metrics) -> None:
    metrics.add("predictions_total", "wine", "1", 'a"b\\c\nd')
    assert lines(metrics, "predictions_total") == [
        r'boucle_predictions_total{model="wine",version="1",class="a\"b\\c\nd"} 1'
    ]


def test_a_full_file_counts_no_more_and_raises_nothing(metrics: Metrics) -> None:
    for number in range(CAPACITY + 10):
        metrics.add("predictions_total", "wine", "1", str(number))
    assert len(lines(metrics, "predictions_total")) <= CAPACITY


def test_a_directory_that_cannot_be_written_costs_only_the_sharing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    metrics = Metrics(tmp_path / "file" / "metrics", "worker-1")
    metrics.add("requests_in_progress")
    assert lines(metrics, "requests_in_progress") == ["boucle_requests_in_progress 1"]
    metrics.close()


def test_a_file_that_is_none_has_no_series(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"what")
    assert (read(tmp_path / "a.bin")[0], list(read(tmp_path / "a.bin")[1])) == (0, [])
    assert list(read(tmp_path / "none.bin")[1]) == []


NAMES = st.text(min_size=1, max_size=20)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3), st.floats(allow_nan=False)), max_size=8))
def test_what_a_process_counted_another_reads(
    tmp_path_factory: pytest.TempPathFactory, counted: list[tuple[str, list[str], float]]
) -> None:
    path = tmp_path_factory.mktemp("slots") / "one.bin"
    slots = Slots(path)
    for name, labels, value in counted:
        place = slots.reserve(name, labels)
        assert place is not None
        slots.add(place, value)
    assert list(read(path)[1]) == [Series(name, tuple(labels), (value,)) for name, labels, value in counted]
    assert slots.series() == list(read(path)[1])
    slots.close()


def test_names_follow_the_conventions() -> None:
    for name, metric in METRICS.items():
        assert name.endswith("_total") == (metric.kind == "counter"), name
        assert bool(metric.edges) == (metric.kind == "histogram"), name
