"""What the data plane counts, and how Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from boucle.serving.slots import Series, Slots, read

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 10000.0)


@dataclass(frozen=True, slots=True)
class Metric:
    kind: str
    text: str
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()


METRICS = {
    "requests_total": Metric(
        "counter", "Requests by who answered and HTTP status.", ("model", "version", "role", "code")
    ),
    "request_duration_seconds": Metric(
        "histogram", "From the whole request read to the answer written into the log.", ("model", "version"), SECONDS
    ),
    "requests_in_progress": Metric("gauge", "Requests being answered."),
    "batch_rows": Metric("histogram", "Rows in one call of a model.", (), ROWS),
    "queue_rows": Metric("gauge", "Rows that wait for a slow model."),
    "refused_total": Metric("counter", "Requests no version answered, by the code of the reason.", ("model", "reason")),
    "saturation_ratio": Metric("gauge", "Of what may wait for the busiest model, the share that waits; 1 refuses."),
    "predictions_total": Metric("counter", "Predicted labels.", ("model", "version", "class")),
    "feedback_received_total": Metric("counter", "Entries of feedback taken in.", ("joined",)),
    "shadow_dropped_total": Metric("counter", "Shadow copies that could not be asked.", ("model", "version")),
    "observations_dropped_total": Metric("counter", "Observations and feedback that could not be written."),
    "model_load_failures_total": Metric("counter", "Versions that could not be loaded.", ("model", "version")),
    "model_ready": Metric("gauge", "1 for each loaded version the release state names, else 0.", ("model", "version")),
    "model_info": Metric("gauge", "The loaded versions.", ("model", "version", "runtime", "fingerprint")),
    "process_cpu_seconds_total": Metric("counter", "CPU time of all workers."),
    "process_resident_memory_bytes": Metric("gauge", "Memory of all workers."),
}


_SAME_EVERYWHERE = {"model_ready", "model_info", "saturation_ratio"}
"""Told as the largest of all processes, not as their sum."""


class Metrics:
    """The numbers of this process, in a file of ``directory`` that every other worker can read."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._path = directory / f"{name}.bin"
        self._slots = Slots(self._path)
        self._places: dict[tuple[str, ...], int | None] = {}
        self._lock = threading.Lock()

    def add(self, name: str, *labels: str, value: float = 1.0) -> None:
        """Add to a counter or gauge."""
        with self._lock:
            place = self._place(name, labels, 1)
            if place is not None:
                self._slots.add(place, value)

    def set(self, name: str, *labels: str, value: float) -> None:
        """Set a gauge of this process."""
        with self._lock:
            place = self._place(name, labels, 1)
            if place is not None:
                self._slots.set(place, value)

    def observe(self, name: str, *labels: str, value: float) -> None:
        """Count a value in its bucket: one number a bucket, one beyond the last edge, then the sum."""
        edges = METRICS[name].edges
        with self._lock:
            place = self._place(name, labels, len(edges) + 2)
            if place is not None:
                self._slots.add(place + bisect_left(edges, value), 1.0)
                self._slots.add(place + len(edges) + 1, value)

    def observe_all(self, name: str, *labels: str, values: Sequence[float]) -> None:
        """Count values of a histogram, at least one; those of one batch nearly always share a bucket."""
        edges = METRICS[name].edges
        with self._lock:
            place = self._place(name, labels, len(edges) + 2)
            if place is None:
                return
            first, last = bisect_left(edges, min(values)), bisect_left(edges, max(values))
            if first == last:
                self._slots.add(place + first, len(values))
            else:
                for value in values:
                    self._slots.add(place + bisect_left(edges, value), 1.0)
            self._slots.add(place + len(edges) + 1, sum(values))

    def render(self, extra: Iterable[Series] = ()) -> str:
        """Return the sum over all processes, with ``extra`` series, as text."""
        totals: dict[tuple[str, tuple[str, ...]], tuple[float, ...]] = {}
        pids = {os.getpid()}
        with self._lock:
            found = [*extra, *self._slots.series()]
        for path in sorted(set(self._directory.glob("*.bin")) - {self._path}):
            pid, series = read(path)
            pids.add(pid)
            alive = _alive(pid)  # what a dead process counted still counts; its gauges do not
            found += [one for one in series if one.name in METRICS and (alive or METRICS[one.name].kind != "gauge")]
        found += _processes(pids)
        for one in found:
            held = totals.get((one.name, one.labels))
            add = max if one.name in _SAME_EVERYWHERE else float.__add__
            totals[one.name, one.labels] = one.values if held is None else tuple(map(add, held, one.values))
        return "".join(_text(totals))

    def close(self) -> None:
        with self._lock:
            self._slots.close()

    def _place(self, name: str, labels: tuple[str, ...], width: int) -> int | None:
        key = (name, *labels)
        if key not in self._places:
            self._places[key] = self._slots.reserve(name, labels, width)
        return self._places[key]


def clear(directory: Path, prefix: str) -> None:
    """Forget the numbers of processes that are gone."""
    for path in directory.glob(f"{prefix}*.bin"):
        pid, _ = read(path)
        if not _alive(pid):
            path.unlink(missing_ok=True)


def escaped(text: str) -> str:
    """Escape a label's value."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _text(totals: dict[tuple[str, tuple[str, ...]], tuple[float, ...]]) -> Iterator[str]:
    for name, metric in METRICS.items():
        series = [(labels, values) for (found, labels), values in totals.items() if found == name]
        if series:
            yield f"# HELP boucle_{name} {metric.text}\n# TYPE boucle_{name} {metric.kind}\n"
        for labels, values in series:
            pairs = [f'{k}="{escaped(v)}"' for k, v in zip(metric.labels, labels, strict=True)]
            if metric.kind == "histogram":
                yield from _histogram(f"boucle_{name}", pairs, metric.edges, values)
            else:
                yield f"boucle_{name}{_braced(pairs)} {values[0]:.17g}\n"


def _histogram(name: str, pairs: list[str], edges: tuple[float, ...], values: tuple[float, ...]) -> Iterator[str]:
    total = 0.0
    for edge, count in zip([*edges, float("inf")], values[:-1], strict=True):
        total += count
        bound = 'le="+Inf"' if edge == float("inf") else f'le="{edge:g}"'
        yield f"{name}_bucket{_braced([*pairs, bound])} {total:.17g}\n"
    yield f"{name}_sum{_braced(pairs)} {values[-1]:.17g}\n{name}_count{_braced(pairs)} {total:.17g}\n"


def _braced(pairs: list[str]) -> str:
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _processes(pids: Iterable[int]) -> Iterator[Series]:
    """Read CPU time and memory of living processes, where the system tells (Linux)."""
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        ticks = int(fields[11]) + int(fields[12])
        yield Series("process_cpu_seconds_total", (), (ticks / os.sysconf("SC_CLK_TCK"),))
        yield Series("process_resident_memory_bytes", (), (float(int(fields[21]) * os.sysconf("SC_PAGE_SIZE")),))


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
