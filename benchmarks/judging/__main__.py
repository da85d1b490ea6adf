"""``python -m benchmarks.judging``: false alarms, misses and right decisions on streams whose truth is known."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.judging import drift, figures, parts
from benchmarks.judging.environments import default_cache
from benchmarks.judging.judges import JUDGES
from benchmarks.judging.streams import BY_NAME, ROWS

GROUPS = ("plain", "traffic", "fine")
SEEDS = range(1000, 1006)  # nobody tunes on these


def main() -> None:
    chosen, begun = arguments(), time.monotonic()
    found, told, every = figures.Figures(), [], {}
    if groups := [one for one in GROUPS if one in chosen.parts]:
        played = []
        for size in chosen.rows:
            kinds = drift.chosen(chosen.kinds, groups, size)
            seeds = chosen.seeds if size < drift.LARGE else chosen.seeds[:2]
            played += drift.run(kinds, seeds, size, chosen.judges)
        drift.figures(played, found)
        told.append(drift.tables(played, chosen.judges))
        every["streams"] = drift.as_json(played)
    for name, part in parts.PARTS.items():
        if name in chosen.parts:
            drift.say(f"part {name}")
            text, data = part(found, chosen)
            told.append(text)
            every[name] = data
    print("\n\n".join([figures.table(found), *filter(None, told)]))
    print(f"\nseeds {chosen.seeds[0]} to {chosen.seeds[-1]}, {time.monotonic() - begun:.0f} s in all")
    if chosen.json:
        chosen.json.write_text(json.dumps({"table": figures.as_json(found), **every}, indent=1, default=str) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line; ``parts`` is what ``--only`` leaves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judging", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seeds, windows of 1,000, fewer runs, no peers")
    parser.add_argument("--only", type=_names, default=[], help=f"by comma: {', '.join([*GROUPS, *parts.PARTS])}")
    parser.add_argument("--seeds", type=_seeds, help="as 0:6; default 1000:1006, which nobody may tune on")
    parser.add_argument("--rows", type=_numbers, help="rows a window, by comma; default 200,1000,10000,100000")
    parser.add_argument("--kinds", type=_list, default=[], help="kinds of stream, by semicolon; default all")
    parser.add_argument("--judges", type=_names, help=f"by comma: {', '.join(JUDGES)}; the first is told of by kind")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the peers are installed")
    chosen = parser.parse_args()
    known = {*GROUPS, *parts.PARTS}
    for option, asked, names in (("only", chosen.only, known), ("kinds", chosen.kinds, BY_NAME),
                                 ("judges", chosen.judges or [], JUDGES)):  # fmt: skip
        if strange := [one for one in asked if one not in names]:
            parser.error(f"--{option}: there is no {', '.join(strange)}; there are {', '.join(sorted(names))}")
    quick = chosen.quick
    chosen.parts = chosen.only or [one for one in (*GROUPS, *parts.PARTS) if not (quick and one == "speed")]
    chosen.seeds = chosen.seeds or list(SEEDS[:2] if quick else SEEDS)
    chosen.rows = chosen.rows or ([1000] if quick else list(ROWS))
    chosen.judges = chosen.judges or (list(JUDGES)[:1] if quick else list(JUDGES))
    return chosen


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(";") if one.strip()]


def _numbers(text: str) -> list[int]:
    return [int(one.replace("_", "")) for one in text.split(",")]


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition(":")
    return list(range(int(first), int(last or int(first) + 1)))


if __name__ == "__main__":
    with threadpool_limits(1):  # CPU time means one core
        main()
