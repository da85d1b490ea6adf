"""The speed part: a drift report of 20 columns, ours and the peers', each in a process and environment of its own."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.judging.environments import PEERS, Unavailable, environment, packages
from benchmarks.judging.figures import Figures, rows
from benchmarks.judging.population import Law
from benchmarks.judging.reporting import MEMORY, REPORTS

SIZES = {"1e5": 100_000, "1e6": 1_000_000}
ROUNDS = {"1e5": 3, "1e6": 1}
PATIENCE = 1_200.0
ROOT = Path(__file__).parents[2]


def part(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Measure every report at each size; a peer that cannot be installed is left out with the reason."""
    sizes = {"1e5": SIZES["1e5"]} if chosen.quick else SIZES
    pythons, versions = _pythons(chosen.cache)
    data: list[dict[str, Any]] = []
    for told, size in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.npz"
            _write(file, size)
            data += [{"rows": told, "report": name, **_measure(name, pythons[name], file, ROUNDS[told])}
                     for name in REPORTS]  # fmt: skip
        _put(figures, told, {one["report"]: one for one in data if one["rows"] == told})
    cells = [[one["rows"], one["report"], versions.get(one["report"], ""), *_cells(one)] for one in data]
    text = "**A drift report of 20 columns, reference as large**\n\n" + rows(
        ["rows", "report", "version", "CPU s", "extra peak MiB", "columns called drifted"], cells
    )
    return text, data


def _pythons(cache: Path) -> tuple[dict[str, str | Unavailable], dict[str, str]]:
    pythons: dict[str, str | Unavailable] = dict.fromkeys(REPORTS, sys.executable)
    versions = {}
    for name in sorted(one.name for one in PEERS.iterdir()):
        try:
            folder = environment(cache, name)
        except Unavailable as why:
            pythons[name] = why
        else:
            pythons[name], versions[name] = str(folder / "bin/python"), packages(folder)[name]
    return pythons, versions


def _write(file: Path, size: int) -> None:
    """Write two tables of one law as plain arrays, which every pandas reads the same."""
    law, rng = Law(0), np.random.default_rng([0, 8])
    columns = {}
    for part_ in ("reference", "current"):
        frame = law.show(law.draw(rng, size))
        for name in frame:
            column = frame[name]
            columns[f"{part_} {name}"] = column.to_numpy(object if column.dtype == "str" else float)
    np.savez(file, allow_pickle=True, **columns)


def _measure(name: str, python: str | Unavailable, file: Path, rounds: int) -> dict[str, Any]:
    if isinstance(python, Unavailable):
        return {"failure": str(python)}
    command = [python, str(Path(__file__).with_name("reporting.py")), name, str(file)]
    try:
        found = [_run(command, {}) for _ in range(rounds)]
        memory = _run(command, MEMORY)["memory"]
    except Unavailable as why:
        return {"failure": str(why)}
    return {key: statistics.median(one[key] for one in found) for key in ("cpu", "drifted")} | {"memory": memory}


def _run(command: list[str], more: dict[str, str]) -> dict[str, Any]:
    """Report once in a process of its own; raises Unavailable."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env={**os.environ, **more}
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"not done after {PATIENCE:.0f} s") from None
    if done.returncode:
        raise Unavailable((done.stderr.strip().splitlines() or ["died"])[-1][:150])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _cells(one: dict[str, Any]) -> list[str]:
    if "failure" in one:
        return [one["failure"], "", ""]
    return [f"{one['cpu']:.3f}", f"{one['memory']:.0f}", f"{one['drifted']:.0f}"]


def _put(figures: Figures, told: str, found: dict[str, dict[str, Any]]) -> None:
    ours, theirs = found["boucle"], found["evidently"]
    failure = "; ".join(
        f"{name}: {found[name]['failure']}" for name in ("boucle", "evidently") if "failure" in found[name]
    )
    if failure:
        figures.put(f"evidently_{told}", None, failure)
        return
    whole = found["boucle.drift"]
    beside = f", boucle.drift {whole['cpu']:.3f} s" if "cpu" in whole else ""
    figures.put(f"evidently_{told}", theirs["cpu"] / ours["cpu"],
                f"{theirs['cpu']:.2f} s, ours {ours['cpu']:.3f} s from a stored reference{beside}")  # fmt: skip
    if told == "1e6":
        both = f", boucle.drift {whole['memory']:.1f}" if "memory" in whole else ""
        figures.put("memory_1e6", theirs["memory"] / max(0.25, ours["memory"]),
                    f"{theirs['memory']:.0f} MiB, ours {ours['memory']:.1f} from a stored reference{both}")  # fmt: skip
