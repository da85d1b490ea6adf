"""From an event in the history to the screen of somebody who looks, and what many who look cost."""

from __future__ import annotations

import time
from dataclasses import dataclass

from playwright.sync_api import Browser

from benchmarks.console.browsing import WITHIN, opened
from benchmarks.console.served import Served
from benchmarks.console.tabs import Tabs
from boucle.core.event import Event
from boucle.loop.project import Project

_WATCH = """
window.seen = {};
new MutationObserver(() => {
  for (const one of document.querySelectorAll('.ev .reason')) {
    window.seen[one.textContent] ??= (performance.timeOrigin + performance.now()) / 1000;
  }
}).observe(document.querySelector('#content'), { childList: true, subtree: true, characterData: true });
"""
PAUSE = 0.9
"""Seconds between two events: more often than a turn of any loop writes one."""


def delays(browser: Browser, served: Served, count: int) -> list[float]:
    """Append events as another process of the loop does, and return seconds until each stood on the page."""
    context, page = opened(browser)
    page.goto(served.url)
    page.wait_for_selector(".ev .reason")
    page.evaluate(_WATCH)
    project = Project.open(served.folder, actor="keeper")
    taken = []
    for number in range(count):
        reason = f"event {number} of {time.time()}"
        with project.state.begin() as tx:
            tx.journal.append(Event("trained", time.time(), reason, "churn", 1, "keeper"))
        written = time.time()
        found = page.wait_for_function(f"window.seen[{reason!r}]", timeout=WITHIN)
        taken.append(float(found.json_value()) - written)
        time.sleep(PAUSE + 0.13 * (number % 7))  # not in step with the console's own beat
    project.close()
    context.close()
    return taken


@dataclass(frozen=True, slots=True)
class Crowd:
    """``cpu`` is the part of a core with the tabs open; MiB before, with them, and when they had gone; per second."""

    cpu: float
    opening: float
    before: float
    during: float
    after: list[float]
    messages: float
    alive: int


def crowd(served: Served, path: str, count: int, seconds: float, rounds: int) -> Crowd:
    """Open ``count`` tabs several times and watch the server while they stand open."""
    with Tabs(served.url, path, 2):
        time.sleep(2)  # what is loaded once is not the tabs'
    before, after, cpu, sent, during, alive = served.memory(), [], 0.0, 0.0, 0.0, 0
    began = served.cpu()
    opening = 0.0
    for number in range(rounds):
        with Tabs(served.url, path, count) as tabs:
            opening = opening or (served.cpu() - began) / count
            if not number:
                time.sleep(2)
                used, then, messages = served.cpu(), time.monotonic(), tabs.messages
                time.sleep(seconds)
                span = time.monotonic() - then
                cpu, sent = (served.cpu() - used) / span, (tabs.messages - messages) / span
                during, alive = served.memory(), tabs.alive
        time.sleep(12)  # a client that is gone is forgotten after ten seconds
        after.append(served.memory())
    return Crowd(cpu, opening, before, during, after, sent, alive)
