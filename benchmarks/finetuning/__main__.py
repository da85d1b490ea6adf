"""Fine-tune MiniLM to the same accuracy three ways, in the same run: CPU seconds of one thread, and ratios.

The tutorials' script pads every text to 512 tokens; a few of its steps are run, and its whole reckoned from them: its
arithmetic, and so its accuracy, is that of the script that pads each batch to its longest text, which is run in full.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import json
import tempfile
import warnings
from math import nan
from pathlib import Path
from statistics import mean

import torch

from benchmarks.finetuning import ours, scripts
from benchmarks.finetuning.texts import QUICK, SETS, SIZES

FLOORS = {
    "vs tutorial": (60, 150), "vs dynamic": (2.5, 6), "padded/real": (1.10, 1.03), "of bf16 bound": (0.40, 0.55),
    "probe/whole": (1 / 4, 1 / 6),
}  # fmt: skip


def main() -> None:
    wanted = argparse.ArgumentParser(prog="python -m benchmarks.finetuning", description=__doc__)
    wanted.add_argument("--quick", action="store_true", help="few rows and one seed: about two minutes, no figures")
    wanted.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    wanted.add_argument("--seeds", type=int, default=3)
    wanted.add_argument("--out", type=Path, help="where the figures go, as JSON")
    wanted.add_argument(
        "--steps", type=int, default=0, help="run so many steps of the second script, not all: no accuracy"
    )
    given = wanted.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    from transformers.utils import logging  # after the environment is set

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    found = {}
    for name in given.sets:
        rows, tests = (QUICK if given.quick else SIZES)[name]
        runs = [_once(name, seed, rows, tests, given.steps) for seed in range(1 if given.quick else given.seeds)]
        found[name] = {key: mean(run[key] for run in runs) for key in runs[0]}
        _print(name, rows, found[name], len(runs))
        if given.out:
            given.out.write_text(json.dumps(found, indent=1))


def _once(name: str, seed: int, rows: int, tests: int, steps: int) -> dict[str, float]:
    part = SETS[name](seed, rows, tests)
    with tempfile.TemporaryDirectory() as folder:
        tutorial, _ = scripts.run(part, seed, f"{folder}/a", padded=True, steps=3)
        fast = ours.peak()
        mine = ours.run(part, seed, f"{folder}/b")
        dynamic, accuracy = scripts.run(part, seed, f"{folder}/c", padded=False, steps=steps or -1)
        fast = max(fast, ours.peak())
    figures = {
        "tutorial CPU s": tutorial, "dynamic CPU s": dynamic, "ours CPU s": mine.cpu,
        "dynamic accuracy": nan if accuracy is None else accuracy,
        "ours accuracy": mine.accuracy, "probe accuracy": mine.probe_score, "vs tutorial": tutorial / mine.cpu,
        "vs dynamic": dynamic / mine.cpu, "padded/real": mine.waste,
        "of bf16 bound": mine.flop / mine.sustained / mine.computing,
        "of the quickest": mine.flop / fast / mine.computing,
        "sustained TFLOP/s": mine.sustained, "probe/whole": mine.probe / mine.cpu, "peak TFLOP/s": fast,
    }  # fmt: skip
    print(f"{name} seed {seed}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()), flush=True)
    return figures


def _print(name: str, rows: int, found: dict[str, float], runs: int) -> None:
    print(f"\n{name}, {rows} texts, mean of {runs}")
    for key, value in found.items():
        floor = FLOORS.get(key)
        told = "" if floor is None else f"   floor {floor[0]:.3g}, aim {floor[1]:.3g}"
        print(f"  {key:18} {value:10.4g}{told}")
    print(flush=True)


if __name__ == "__main__":
    main()
