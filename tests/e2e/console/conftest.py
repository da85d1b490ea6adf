"""The console of a project with a past, served by a real `boucle up`, in a real browser."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.browser import Watched

from boucle.cli.main import run
from boucle.loop.service import address

from .world import kept

ROOT = Path(__file__).parents[3]
WITHIN = 120.0


@dataclass
class Up:
    """A project that is up. ``url`` is its control plane's."""

    folder: Path
    url: str
    process: subprocess.Popen[bytes]

    def cli(self, *words: str) -> Any:
        """Run a command of the project, in this process, and return what it says as JSON."""
        told = io.StringIO()
        with redirect_stdout(told), suppress(SystemExit):
            run([*words, "--project", str(self.folder), "--json"])
        return json.loads(told.getvalue())

    def control(self) -> int:
        """Return the process of the control plane."""
        return int(json.loads((self.folder / ".boucle" / "serving" / "control.json").read_bytes())["pid"])


Start = Callable[..., Up]


def _free() -> int:
    """Return a port that is free now: a console that is killed has to come back where it was."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Return what starts a project, or with ``alone`` its control plane and nothing beside."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(folder: Path, *, alone: bool = False) -> Up:
        words = ["boucle.api.server", "--port"] if alone else ["boucle", "up", "--control-port"]
        environ = {**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words, str(_free()), "--project", str(folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, start_new_session=True,
            )  # fmt: skip
        begun.append(process)
        url = address(folder / ".boucle" / "serving" / "control.json", WITHIN)
        assert url is not None, (folder / "up.log").read_text()
        return Up(folder, url, process)

    yield begin
    for process in begun:
        process.send_signal(signal.SIGTERM)
    for process in begun:
        process.wait(WITHIN)


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that has lived through the story, a copy of the one that all runs share."""
    folder = tmp_path_factory.mktemp("past") / "churn"
    shutil.copytree(kept(ROOT / "build"), folder)
    return folder


@pytest.fixture(scope="session")
def up(past: Path, start: Start) -> Up:
    """Serve the project with a past; tests that use this one change nothing."""
    return start(past)


@pytest.fixture(scope="session")
def acted(past: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """Serve a copy of it, to act on; tests leave the champion answering, and say nothing of what others have done."""
    folder = tmp_path_factory.mktemp("acted") / "churn"
    shutil.copytree(past, folder, ignore=shutil.ignore_patterns("control.json", "address.json"))
    return start(folder)


Look = Callable[..., Watched]


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Open a page; at the end it must not have had an error, nor asked for anything off this machine."""
    opened: list[Watched] = []

    def open_page(url: str, **options: Any) -> Watched:
        seen = Watched(browser, **options)
        opened.append(seen)
        seen.page.goto(url)
        seen.page.wait_for_selector("h1")
        return seen

    yield open_page
    trouble = [one for seen in opened for one in seen.trouble]
    for seen in opened:
        seen.context.close()
    assert trouble == []
