"""Photograph every page of the console: a project with a past, in both themes, wide and narrow.

    python tools/shoot_console.py [FOLDER] [--pages /,/rollouts] [--models 0] [--readme]

Needs Chromium and the development packages. With ``--readme`` it writes the README's two pictures and no more.
"""

# ruff: noqa: E402 - what is imported lies beside this folder, not in it
from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e" / "console")]

from playwright.sync_api import Browser
from world import kept

from boucle.loop.service import address
from boucle.ui.routes import routes
from browser import Watched, browsing

WIDE, PHONE = (1440, 900), (390, 844)
GIVEN = {"name": "churn", "left": "1", "right": "2"}
README = {"console-home": ("/", "light"), "console-model": ("/models/churn", "dark")}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the control plane of a project alone; gives its address."""
    command = [sys.executable, "-m", "boucle.api.server", "--port", "0", "--project", str(folder)]
    where = folder / ".boucle" / "serving" / "control.json"
    where.unlink(missing_ok=True)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        url = address(where, 60)
        assert url is not None
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def paths() -> list[str]:
    """Return an address of every page there is an example for."""
    found = [route.path for route in routes() if all(n in GIVEN for n in re.findall(r"{(\w+)", route.path))]
    return [re.sub(r"{(\w+)[^}]*}", lambda name: GIVEN[name[1]], path) for path in found]


def shoot(browser: Browser, url: str, path: str, file: Path, theme: str, size: tuple[int, int], full: bool) -> None:
    """Photograph one page."""
    width, height = size
    seen = Watched(
        browser,
        color_scheme=theme,
        viewport={"width": width, "height": height},
        device_scale_factor=1 if width > 600 else 2,
    )
    seen.page.goto(url + path)
    seen.page.wait_for_selector("h1")
    seen.page.wait_for_timeout(1200)
    file.parent.mkdir(parents=True, exist_ok=True)
    seen.page.screenshot(path=file, full_page=full)
    for trouble in seen.trouble:
        print(f"{path}: {trouble}")
    seen.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "shots")
    parser.add_argument("--pages", default="")
    parser.add_argument("--models", type=int, default=5, help="more models beside the one with a past")
    parser.add_argument("--readme", action="store_true")
    chosen = parser.parse_args()
    place = kept(ROOT / "build", chosen.models)
    with served(place) as url, browsing() as browser:
        if chosen.readme:
            for name, (path, theme) in README.items():
                shoot(browser, url, path, ROOT / "docs" / "images" / f"{name}.png", theme, WIDE, False)
            return
        wanted = chosen.pages.split(",") if chosen.pages else paths()
        for path in wanted:
            name = path.strip("/").replace("/", "-") or "home"
            for theme in ("light", "dark"):
                shoot(browser, url, path, chosen.folder / f"{name}-wide-{theme}.png", theme, WIDE, False)
                shoot(browser, url, path, chosen.folder / f"{name}-phone-{theme}.png", theme, PHONE, True)
            french = "/fr" + (path if path != "/" else "")
            shoot(browser, url, french, chosen.folder / f"{name}-wide-fr.png", "light", WIDE, False)
            print(json.dumps({"page": path, "shots": str(chosen.folder)}))


if __name__ == "__main__":
    main()
