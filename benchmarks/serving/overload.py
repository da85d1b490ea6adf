"""What becomes of those who are let in when far more is asked than a model can answer.

The model is one that nothing compiles, and slow enough for the generator to ask five times as much as it can do. Its
capacity is what a closed loop of a few connections gets out of it. Then many ask at a fixed rate: half of that, and
five times as much. Only answers with status 200 are looked at, from when the request was sent: how long the generator
waited for a free connection says nothing about the server.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.cases import Case
from benchmarks.serving.environments import Unavailable
from benchmarks.serving.load import Load, Wire, generate

FEW, MANY = 16, 256
HALF, FAR = 0.5, 5.0


@dataclass(frozen=True)
class Overload:
    """Rates are per second, p99 in milliseconds; ``refused`` is the share of what was asked at the high rate."""

    capacity: float
    unloaded: float
    overloaded: float
    accepted: float
    refused: float

    @property
    def ratio(self) -> float:
        return self.overloaded / self.unloaded

    def __str__(self) -> str:
        return (
            f"capacity {self.capacity:,.0f}/s; p99 {self.unloaded:.1f} ms at half of it, {self.overloaded:.1f} ms at "
            f"five times: {self.accepted:,.0f}/s let in, {self.refused:.0%} refused"
        )


def overload(port: int, wire: Wire, case: Case, seconds: int, folder: Path) -> Overload:
    """Measure one server; raises Unavailable when it answers nothing, or not even half of what it can do."""
    bodies = folder / "bodies"
    bodies.write_bytes(b"\n".join(wire.bodies(case, Load(MANY))) + b"\n")

    def loop(rate: float) -> dict[str, float]:
        return generate(port, wire.path, bodies, MANY if rate else FEW, seconds, rate, own=True)

    loop(0.0)  # the pace of the model is learned
    most = loop(0.0)
    capacity = (most["answered"] - most["refused"]) / most["seconds"]
    calm, far = loop(HALF * capacity), loop(FAR * capacity)
    if calm["refused"] or not capacity or far["refused"] == far["answered"]:
        raise Unavailable(f"{calm['refused']:.0f} refused at half of {capacity:.0f}/s, {json.dumps(far)} far above it")
    accepted = (far["answered"] - far["refused"]) / far["seconds"]
    return Overload(capacity, calm["taken99"] * 1e3, far["taken99"] * 1e3, accepted, far["refused"] / far["answered"])
