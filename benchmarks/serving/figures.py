"""The rows of the table: what each one compares, what is promised and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.serving.load import Load

C1, C8, C64, C8_32 = Load(1), Load(8), Load(64), Load(8, 32)
OURS = "boucle"
FAR = 2.0  # so much dearer than the better mode of the same row, and a mode is left out of the rounds to come
Cost = Callable[[str, str, Load], float | None]  # case, server, loop: median CPU microseconds an answer


@dataclass(frozen=True)
class Ratio:
    """CPU per request of the best of ``against`` over ours; ``case`` and ``load`` say in which loop."""

    told: str
    case: str
    load: Load
    against: tuple[str, ...]
    floor: float
    aim: float
    unit: str = "x"


@dataclass(frozen=True)
class Limit:
    """A figure of its own, by the ``key`` it is measured under; it is to be at most, or ``least``, the floor."""

    told: str
    key: str
    floor: float
    aim: float
    unit: str
    least: bool = False


RATIOS = [
    Ratio("linear 1 row vs MLflow, c64", "linear", C64, ("mlflow",), 40, 75),
    Ratio("linear 1 row vs MLflow, c8", "linear", C8, ("mlflow",), 20, 35),
    Ratio("linear vs BentoML (better mode), c64", "linear", C64, ("bentoml", "bentoml batchable"), 50, 90),
    Ratio("linear vs LitServe (better mode), c64", "linear", C64, ("litserve", "litserve batch"), 40, 65),
    Ratio("linear vs MLServer (better mode), c64", "linear", C64, ("mlserver", "mlserver tuned"), 20, 35),
    Ratio("linear vs FastAPI + pydantic + ORT, c64", "linear", C64, ("fastapi",), 6, 10),
    Ratio("linear vs Triton HTTP + Python backend, c64", "linear", C64, ("triton",), 3, 5),
    Ratio('share of nginx "return 200", linear, c64', "linear", C64, ("nginx",), 0.35, 0.6, ""),
    Ratio("forest 1 row vs MLflow, c1", "forest", C1, ("mlflow",), 50, 70),
    Ratio("forest 1 row vs BentoML (better mode), c1", "forest", C1, ("bentoml", "bentoml batchable"), 50, 70),
    Ratio(
        "preprocessing not compiled vs best batching peer, c64", "uncompiled", C64,
        ("bentoml batchable", "litserve batch", "mlserver tuned"), 4, 6,
    ),
    Ratio("preprocessing not compiled vs MLflow, c1", "uncompiled", C1, ("mlflow",), 1, 1.2),
    Ratio("forest, 32 rows JSON vs FastAPI + ORT, c8", "forest", C8_32, ("fastapi",), 2.5, 3.5),
]  # fmt: skip
LIMITS = [
    Limit("v2 binary 256 x 30: CPU of decode", "decode_us", 5, 2, " µs"),
    Limit("p99 at MLflow's peak rate, over nginx's", "p99_ratio", 1.5, 1.2, "x"),
    Limit("p99 of those let in at 5x what a model can do, over p99 at half", "overload_ratio", 3, 2, "x"),
    Limit("CPU to the first right answer (linear)", "linear_ready_s", 0.8, 0.4, " s"),
    Limit("CPU to the first right answer (forest)", "forest_ready_s", 0.8, 0.4, " s"),
    Limit("PSS per worker (linear)", "linear_pss_mb", 80, 60, " MB"),
    Limit("PSS per worker (forest)", "forest_pss_mb", 80, 60, " MB"),
    Limit("cost of capture and metrics, c64", "capture_percent", 15, 5, " %"),
    Limit("serving-only install", "install_mb", 180, 160, " MB"),
    Limit("serving-only install: distributions", "install_distributions", 25, 15, ""),
    Limit("2 workers vs 1, answers per CPU second x 2", "two_workers", 1.8, 1.8, "x", least=True),
]
PARTS = ("linear", "forest", "uncompiled", "latency", "overload", "capture", "decode", "install", "workers")
# Printed beside the table: our by-name objects, and the loops that the other rows of a peer's line need.
BESIDE = {("linear", OURS): [Load(64, 1, "names"), C8, C1], ("forest", OURS): [C64]}


@dataclass(frozen=True)
class Line:
    """One line of the table; ``measured`` is None with the reason in ``note``."""

    told: str
    floor: float
    aim: float
    unit: str
    least: bool
    measured: float | None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        sign = 1.0 if self.least else -1.0
        aim, floor = (sign * self.measured >= sign * bound for bound in (self.aim, self.floor))
        return "aim" if aim else "ok" if floor else "MISSED"


def loads(cases: Iterable[str], peers: Iterable[str], cost: Cost) -> dict[str, dict[str, list[Load]]]:
    """Return for every case the servers to start, each with its loops; ours is first.

    A mode that an earlier round has shown to be far dearer than another of the same row is not run again.
    """
    known = set(peers)
    found: dict[str, dict[str, list[Load]]] = {}
    for case in cases:
        servers = found.setdefault(case, {OURS: []})
        for row in RATIOS:
            if row.case != case or not known & set(row.against):
                continue
            seen = {peer: us for peer in row.against if (us := cost(case, peer, row.load)) is not None}
            far = {peer for peer, us in seen.items() if us > FAR * min(seen.values())}
            for name in (OURS, *(peer for peer in row.against if peer in known - far)):
                servers.setdefault(name, []).append(row.load)
        servers[OURS] += BESIDE.get((case, OURS), [])
    return {
        case: {name: list(dict.fromkeys(every)) for name, every in servers.items()} for case, servers in found.items()
    }


def lines(cost: Cost, figures: dict[str, float], why: Callable[[str, str], str]) -> list[Line]:
    """Return the table. ``cost`` gives the CPU of a loop (case, server), ``why`` what kept a figure from us."""
    found = []
    for row in RATIOS:
        ours = cost(row.case, OURS, row.load)
        theirs = {peer: us for peer in row.against if (us := cost(row.case, peer, row.load)) is not None}
        note = ", ".join(f"{peer} {us:,.0f} µs" for peer, us in theirs.items())
        if ours is None or not theirs:
            missing = [why(row.case, OURS)] if ours is None else [why(row.case, peer) for peer in row.against]
            found.append(Line(row.told, row.floor, row.aim, row.unit, True, None, "; ".join(filter(None, missing))))
        else:
            note += f", ours {ours:,.1f} µs"
            found.append(Line(row.told, row.floor, row.aim, row.unit, True, min(theirs.values()) / ours, note))
    for limit in LIMITS:
        value = figures.get(limit.key)
        note = why("", limit.key)
        found.append(Line(limit.told, limit.floor, limit.aim, limit.unit, limit.least, value, note))
    return found
