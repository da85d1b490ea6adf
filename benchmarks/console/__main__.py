"""The console: how soon it is there, how soon it shows what happened, and what it costs. See README.md."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks.console import browsing, everywhere, grown, live, plane
from benchmarks.console.served import copied, served, told, up

KEYS = "rdqicash"
PARTS = ("paint", "live", "pages", "plane", "grown")
Row = tuple[str, str, str]


def main() -> None:
    wanted = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    wanted.add_argument("--quick", action="store_true", help="fewer rounds and rows: about three minutes, no figures")
    wanted.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    wanted.add_argument("--json", type=Path, help="where the figures go as well")
    given = wanted.parse_args()
    from browser import browsing as a_browser  # type: ignore[import-not-found]  # the tests' own, on the path by now

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, a_browser() as browser:
        for name in given.only:
            load = os.getloadavg()[0]
            for row in _DOES[name](browser, Path(folder), given.quick):
                rows.append(row)
                print(f"{row[0]:52} {row[1]:>24}   {row[2]}", flush=True)
            print(f"{'':52} {'':>24}   load average {load:.1f} before, {os.getloadavg()[0]:.1f} after", flush=True)
    if given.json:
        given.json.write_text(json.dumps([dict(zip(("what", "measured", "floor"), row, strict=True)) for row in rows]))


def _paint(browser: Browser, folder: Path, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for models in (6, 20):
        with served(copied(told(), folder / f"of{models}", models)) as one:
            browsing.paints(browser, one, "/", 1)  # the first page of a server's life loads what all others use
            cold, warm = browsing.paints(browser, one, "/", 3 if quick else 9)
            name = f"home, {models} models"
            rows += [
                (f"first paint, cold, {name}", f"{cold.first:.2f} s, h1 {cold.headed:.2f} s", "< 1.0 s"),
                (f"first paint, warm, {name}", f"{warm.first:.2f} s, h1 {warm.headed:.2f} s", "< 0.6 s"),
                (f"sent, cold, {name}", f"{cold.sent / 1e6:.2f} MB", "<= 0.6 MB"),
                (f"HTML, {name}", f"{cold.html / 1e3:.0f} kB", "<= 120 kB"),
                (f"server CPU of one page, {name}", f"{1e3 * warm.cpu:.0f} ms", ""),
            ]
            if models == 20:
                taken = sorted(browsing.changes(browser, one, KEYS))
                told_ = f"{statistics.median(taken):.2f} s, worst {taken[-1]:.2f} s"
                rows.append((f"page change, {len(taken)} pages", told_, "< 0.6 s"))
    return rows


def _live(browser: Browser, folder: Path, quick: bool) -> list[Row]:
    rows: list[Row] = []
    count = 20 if quick else 100
    with served(copied(told(), folder / "watched", 20)) as one:
        from benchmarks.console.tabs import Tabs  # here beside what it is used for

        for tabs in (1, 50):
            with Tabs(one.url, "/", tabs - 1):
                taken = sorted(live.delays(browser, one, count))
            at = taken[math.ceil(0.99 * len(taken)) - 1]
            middle = 1e3 * statistics.median(taken)
            rows.append((f"event to screen, {tabs} tabs, p50 / p99", f"{middle:.0f} / {1e3 * at:.0f} ms", "< 100 ms"))
    with served(copied(told(), folder / "crowded", 20)) as one:
        found = live.crowd(one, "/", 50, 10 if quick else 30, 2 if quick else 10)
    left = ", ".join(f"{mib:.0f}" for mib in found.after)
    rows += [
        (f"server CPU, {found.alive} tabs, 20 models", f"{found.cpu:.1%} of a core", "<= 10 %"),
        ("messages to 50 tabs", f"{found.messages:.0f} a second", ""),
        ("server memory a tab", f"{(found.during - found.before) / 50:.2f} MiB", "<= 1 MiB"),
        ("server memory: before; after each 50 had left", f"{found.before:.0f}; {left} MiB", "flat"),
    ]
    return rows


def _pages(browser: Browser, folder: Path, quick: bool) -> list[Row]:
    with served(copied(told(), folder / "seen")) as one:
        found = everywhere.look(browser, one)
    for wrong in (*found.axe, *found.errors, *found.off, *found.wide):
        print(f"  {wrong}")
    return [
        (f"axe violations, {found.pages} pages x 2 themes", str(len(found.axe)), "0"),
        ("errors in the browser's console", str(len(found.errors)), "0"),
        ("requests off the host", str(len(found.off)), "0"),
        ("pages that scroll sideways at 320 pixels", str(len(found.wide)), "0"),
    ]


def _plane(browser: Browser, folder: Path, quick: bool) -> list[Row]:
    with up(copied(told(), folder / "asked")) as one:
        alone, watched = plane.beside(one, 50, 2, 10 if quick else 60)
        ended = plane.killed(one, 4 if quick else 10)
    times = f"{1e3 * alone.p99:.1f} / {1e3 * watched.p99:.1f} ms"
    return [
        ("prediction p99, control plane stopped / with 50 tabs", times, ""),
        ("the same, as a ratio", f"{watched.p99 / alone.p99:.2f}", "<= 1.1"),
        ("prediction p50, as a ratio", f"{watched.p50 / alone.p50:.2f}", ""),
        ("failed predictions, console killed", f"{ended.failed} of {ended.count}", "0"),
    ]


def _grown(browser: Browser, folder: Path, quick: bool) -> list[Row]:
    young = _times(browser, copied(told(), folder / "young"))
    old = copied(told(), folder / "old")
    held = grown.grow(old, 100_000 if quick else 1_000_000)
    aged = _times(browser, old)
    rows = [("rows, events of the old project", f"{held['observations']:,}, {held['events']:,}", "")]
    for path, paint in young.items():
        then = aged[path]
        shown = f"{paint.headed:.2f} / {then.headed:.2f} s, CPU {1e3 * paint.cpu:.0f} / {1e3 * then.cpu:.0f} ms"
        rows.append((f"{path}, young / old", shown, "no slower"))
    return rows


def _times(browser: Browser, folder: Path) -> dict[str, browsing.Paint]:
    with served(folder) as one:
        browsing.paints(browser, one, "/", 1)
        return {path: browsing.paints(browser, one, path, 3)[1] for path in everywhere.paths()}


_DOES: dict[str, Callable[[Browser, Path, bool], list[Any]]] = {
    "paint": _paint, "live": _live, "pages": _pages, "plane": _plane, "grown": _grown,
}  # fmt: skip


if __name__ == "__main__":
    main()
