"""``python -m benchmarks.serving``: the data plane beside its peers, in CPU microseconds per answered request."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.serving import environments
from benchmarks.serving.figures import PARTS, Line
from benchmarks.serving.load import stay_on
from benchmarks.serving.peers import ALL, BY_NAME
from benchmarks.serving.session import Session, machine, say

ROUNDS, SECONDS = 3, 2
QUIET = 0.1  # more of the core than this to other programs, and only the CPU columns mean anything
LEFT_OUT = {"bentoml", "litserve batch", "mlserver"}  # by --quick: the modes that are slower or no better


def main() -> None:
    chosen = arguments()
    begun = time.monotonic()
    stay_on()
    with tempfile.TemporaryDirectory(prefix="boucle-benchmark-") as folder:
        session = Session(chosen.cache, Path(folder), chosen.seconds, chosen.parts, chosen.peers)
        session.prepare()
        done, longest = 0, 0.0
        while done < chosen.rounds and time.monotonic() - begun + longest < chosen.minutes * 60:
            say(f"round {done + 1} of {chosen.rounds}")
            since = time.monotonic()
            session.round(done)
            done, longest = done + 1, max(longest, time.monotonic() - since)
        report(session)
        print(
            f"\n{done} of {chosen.rounds} rounds, loops of {chosen.seconds} s, {time.monotonic() - begun:.0f} s in all"
        )
        if chosen.json:
            chosen.json.write_text(json.dumps(session.as_json(), indent=1) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line; ``parts`` and ``peers`` are what ``--only`` leaves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"through all servers; default {ROUNDS}")
    parser.add_argument("--minutes", type=float, default=14, help="begin no round that would end later; default 14")
    parser.add_argument("--quick", action="store_true", help="one round of short loops, the peers' better modes")
    parser.add_argument("--only", default="", help=f"parts or peers, by comma: {', '.join([*PARTS, *BY_NAME])}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")
    parser.add_argument(
        "--cache", type=Path, default=environments.default_cache(), help="where the peers are installed"
    )
    chosen = parser.parse_args()
    asked = [one.strip() for one in chosen.only.split(",") if one.strip()]
    if strange := [one for one in asked if one not in PARTS and one not in BY_NAME]:
        parser.error(f"--only: no part and no peer is called {', '.join(strange)}")
    chosen.parts = [one for one in asked if one in PARTS] or list(PARTS)
    usual = [peer.name for peer in ALL if not (chosen.quick and peer.name in LEFT_OUT)]
    chosen.peers = [one for one in asked if one in BY_NAME] or usual
    chosen.cache = chosen.cache.absolute()
    chosen.rounds = chosen.rounds or (1 if chosen.quick else ROUNDS)
    chosen.seconds = 1 if chosen.quick else SECONDS
    return chosen


def report(session: Session) -> None:
    """Print the table, then what it was made of."""
    told = machine()
    print(f"{told['cpu']}, {told['cores']} cores, Python {told['python']}; one worker on one core\n")
    print("| | floor | aim | measured | | of what |\n|---|---|---|---|---|---|")
    for line in session.lines():
        if line.measured is None and not line.note:  # not asked for
            continue
        print(f"| {line.told} | {_bound(line, line.floor)} | {_bound(line, line.aim)} | {_value(line)} "
              f"| {line.verdict} | {line.note} |")  # fmt: skip
    print("\n| model | server | load | CPU µs/answer (each round) | answers/s | p50 ms | p99 ms | others on the core |")
    print("|---|---|---|---|---|---|---|---|")
    for (case, server, load), samples in sorted(session.samples.items()):
        each = " ".join(f"{one.us:,.1f}" for one in samples)
        rate, p50, p99, others = (
            statistics.median(getattr(one, name) for one in samples) for name in ("rate", "p50", "p99", "others")
        )
        print(f"| {case} | {server} | {load} | {each} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {others:.2f} |")
    busy = [one.others for samples in session.samples.values() for one in samples]
    others = statistics.median(busy) if busy else 0.0
    print(
        f"\nothers' share of the server's core, median of all loops: {others:.2f}" + (" (not quiet)" * (others > QUIET))
    )
    print("\n| model | server | CPU s to the first right answer | PSS MB | processes |\n|---|---|---|---|---|")
    for key, seconds in sorted(session.ready.items()):
        memory = statistics.median(session.pss[key]) if session.pss.get(key) else float("nan")
        count = session.processes.get(key, "")
        print(f"| {key[0]} | {key[1]} | {statistics.median(seconds):.2f} | {memory:,.0f} | {count} |")
    print()
    for name, shown in session.cases.items():
        print(f"{name}: {shown.told}; {session.notes.get(name, '')}")
    for missing, why in session.failures.items():
        print(f"not measured: {' '.join(filter(None, missing))}: {why}")
    for name, found in session.distributions.items():
        versions = [f"{one} {found[one]}" for one in dict.fromkeys((name, *_TOLD)) if one in found]
        print(f"{name}: {', '.join(versions)}; {len(found)} distributions")


_TOLD = ("nvidia-pytriton", "mlserver-sklearn", "uvicorn", "uvloop", "httptools", "fastapi", "starlette", "pydantic",
         "scikit-learn", "onnxruntime", "numpy")  # fmt: skip


def _bound(line: Line, bound: float) -> str:
    return f"{'≥' if line.least else '≤'} {bound:g}{line.unit}"


def _value(line: Line) -> str:
    if line.measured is None:
        return "–"
    return f"{line.measured:.{2 if line.measured < 10 else 1}f}{line.unit}"


if __name__ == "__main__":
    main()
