"""A real browser for tests and screenshots: Debian's Chromium, installed where it may be, else unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WITHIN = 300
_START = 180_000  # milliseconds


def chromium() -> Path:
    """Return the browser's program; installs Debian's package where that is allowed.

    Where it cannot be had the test is skipped, and with CI=true it fails.
    """
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        trouble = _installed()
        found = _found()
    else:
        trouble = "Chromium is not there; install Debian's package chromium"
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(trouble)
    return found


def _found() -> Path | None:
    return next((Path(path) for name in _NAMES if (path := shutil.which(name))), None)


def _installed() -> str:
    """Install the package; returns what went wrong. One process does it, the others wait."""
    import fcntl  # not on Windows, where there is no apt-get either

    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with (Path(sys.prefix) / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (install, ["apt-get", "-qq", "update"], install):
            if _found() is not None:
                return ""
            done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN, check=False, env=environ)
    return f"chromium could not be installed: {done.stderr[-500:]}"


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run the browser while a block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=list(ARGUMENTS), timeout=_START
        )
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that remembers what must not happen: errors in its console, requests that leave this machine."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", lambda told: self._told(told.type, told.text))
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _told(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.trouble.append(f"console {kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            self.trouble.append(f"off the machine: {url}")
