"""Run by each environment in a process of its own: one drift report of two tables, and what it cost.

``python reporting.py NAME FILE`` prints CPU seconds, the extra peak memory in MiB, and how many columns were called
drifted. It imports nothing of this project but what it measures. Memory is only told right with ``MEMORY`` in the
environment: memory that was used and freed before would else be used again without being counted.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"
MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""What makes the C library give freed memory back at once. It costs time, so times are taken in another process."""
os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}

import numpy as np  # noqa: E402 - after the number of threads is settled
import pandas as pd  # noqa: E402

Report = Callable[[], Any]


def evidently(reference: pd.DataFrame, current: pd.DataFrame) -> Report:
    from evidently import Report as Preset
    from evidently.presets import DataDriftPreset

    return lambda: Preset([DataDriftPreset()]).run(current, reference).dict()["metrics"][0]["value"]["count"]


def nannyml(reference: pd.DataFrame, current: pd.DataFrame) -> Report:
    from nannyml import UnivariateDriftCalculator

    def report() -> int:
        calculator = UnivariateDriftCalculator(column_names=list(reference.columns)).fit(reference)
        found = calculator.calculate(current).to_df()
        alarms = [name for name in found.columns if name[-1] == "alert"]
        return int(found[alarms].any().sum())

    return report


def boucle(reference: pd.DataFrame, current: pd.DataFrame) -> Report:
    """As in production: the profile of the reference is stored, the current rows are new."""
    from boucle import DriftMonitor

    monitor = DriftMonitor(reference, window=max(1, len(reference) // 10))
    return lambda: len(monitor.update(current).alarms)


def boucle_drift(reference: pd.DataFrame, current: pd.DataFrame) -> Report:
    """The one call of a notebook, which has to profile the reference too."""
    from boucle import drift

    return lambda: len(drift(reference, current).alarms)


def sort(reference: pd.DataFrame, current: pd.DataFrame) -> Report:
    """No report: the sort of the numbers of the current rows, as a measure of the machine."""
    numbers = current.select_dtypes("number").to_numpy()
    return lambda: 0 * sum(len(np.sort(numbers[:, i])) for i in range(numbers.shape[1]))


REPORTS = {"evidently": evidently, "nannyml": nannyml, "boucle": boucle, "boucle.drift": boucle_drift, "sort": sort}


def tables(file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the reference and the current rows."""
    read = np.load(file, allow_pickle=True)
    names = [name.removeprefix("reference ") for name in read.files if name.startswith("reference ")]
    first, second = (
        pd.DataFrame({name: read[f"{part} {name}"] for name in names}) for part in ("reference", "current")
    )
    return first, second


def peak() -> float:
    """Return the most memory held since the mark was last taken back, in MiB."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Take the mark of the most memory back to what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    name, file = sys.argv[1], Path(sys.argv[2])
    reference, current = tables(file)
    small = REPORTS[name](reference[:2000], current[:2000])
    small()  # imports and first use are not the report
    report = REPORTS[name](reference, current)
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    forget_peak()
    before, began = _status("VmRSS"), time.process_time()
    found = report()
    print(json.dumps({"cpu": time.process_time() - began, "memory": peak() - before, "drifted": found}))


if __name__ == "__main__":
    main()
