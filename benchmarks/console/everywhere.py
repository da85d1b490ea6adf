"""Every page in both languages and themes: what axe says, errors in the browser, requests that leave this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from benchmarks.console.browsing import load, opened
from benchmarks.console.served import Served
from boucle.ui.routes import FRENCH, routes

GIVEN = {"name": "churn", "left": "1", "right": "2", "id": "churn#1", "model": "churn", "version": "2"}
NARROW = 320


@dataclass(slots=True)
class Found:
    """Pages looked at, and on which of them something was found."""

    pages: int = 0
    axe: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)


def paths() -> list[str]:
    """Return an address of every page there is an example for."""
    known = [route.path for route in routes() if all(name in GIVEN for name in re.findall(r"{(\w+)", route.path))]
    return [re.sub(r"{(\w+)[^}]*}", lambda name: GIVEN[name[1]].replace("#", "%23"), path) for path in known]


def look(browser: Browser, served: Served) -> Found:
    """Look at every page: twice two times with axe, and once on a screen of 320 pixels."""
    found = Found()
    for path in paths():
        for before in ("", FRENCH):
            _page(browser, served, before + (path if path != "/" or not before else ""), found)
    return found


def _page(browser: Browser, served: Served, path: str, found: Found) -> None:
    context, page = opened(browser)
    page.on("console", lambda told: _note(found.errors, path, told.text, told.type in ("error", "warning")))
    page.on("pageerror", lambda error: _note(found.errors, path, str(error)))
    page.on("request", lambda asked: _note(found.off, path, asked.url, not asked.url.startswith(_local(served))))
    load(page, served, path)
    found.pages += 1
    for theme in ("light", "dark"):
        for one in Axe().run(page).response["violations"]:
            _note(found.axe, path, f"{theme}: {one['id']}")
        page.click("[data-do=theme]")
    page.set_viewport_size({"width": NARROW, "height": 640})
    page.wait_for_timeout(100)
    _note(found.wide, path, "", page.evaluate("document.documentElement.scrollWidth") > NARROW)
    context.close()


def _local(served: Served) -> tuple[str, ...]:
    return served.url, served.url.replace("http", "ws", 1), "data:", "blob:"


def _note(where: list[str], path: str, told: str, wrong: bool = True) -> None:
    if wrong:
        where.append(f"{path} {told}".strip())
