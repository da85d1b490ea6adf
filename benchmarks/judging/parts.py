"""The parts beside the streams: each puts its rows into the table and returns a text and its data."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from benchmarks.judging import canary, keeper, real, retraining, speed
from benchmarks.judging.figures import Figures

Part = Callable[[Figures, argparse.Namespace], tuple[str, Any]]
PARTS: dict[str, Part] = {
    "speed": speed.part,
    "keeper": keeper.part,
    "merge": keeper.merge,
    "canary": canary.part,
    "retraining": retraining.part,
    "real": real.part,
}
