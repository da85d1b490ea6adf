"""What a reader waits for in a real browser: the first paint, the next page, and how much is sent for it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.console.served import Served

_WATCH = """
new MutationObserver((_, me) => {
  const head = document.querySelector('h1');
  if (head && head.textContent.trim()) { window.headed = performance.now(); me.disconnect(); }
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
_PAINT = "(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null)"
WITHIN = 60_000.0


@dataclass(frozen=True, slots=True)
class Paint:
    """Seconds until something and until the answer was painted; bytes sent and of HTML; CPU seconds of the server."""

    first: float
    headed: float
    sent: int
    html: int
    cpu: float


def opened(browser: Browser) -> tuple[BrowserContext, Page]:
    """Return a page of a browser that has seen nothing yet."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WITHIN)
    page.add_init_script(_WATCH)
    return context, page


def load(page: Page, served: Served, path: str) -> Paint:
    """Open a page and measure it."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda told: sizes.append(int(told["encodedDataLength"])))
    before = served.cpu()
    answer = page.goto(served.url + path)
    assert answer is not None
    page.wait_for_function(f"window.headed && {_PAINT} && !document.querySelector('#content .bars')")
    html = len(answer.body())
    found = Paint(
        page.evaluate(_PAINT) / 1e3, page.evaluate("window.headed") / 1e3, sum(sizes), html, served.cpu() - before
    )
    network.detach()
    return found


def paints(browser: Browser, served: Served, path: str, rounds: int) -> tuple[Paint, Paint]:
    """Return the best paint with a cold and with a warm cache: what else the machine does only adds to it."""
    cold, warm = [], []
    for _ in range(rounds):
        context, page = opened(browser)
        cold.append(load(page, served, path))
        warm.append(load(page, served, path))
        context.close()
    return _best(cold), _best(warm)


def changes(browser: Browser, served: Served, keys: str) -> list[float]:
    """Go through the rail by keyboard and return seconds from each key to the answer of the next page."""
    context, page = opened(browser)
    load(page, served, "/")
    taken = []
    for key in keys:
        page.keyboard.press("g")
        with page.expect_navigation():
            page.keyboard.press(key)
        page.wait_for_function("window.headed")
        taken.append(page.evaluate("window.headed") / 1e3)
    context.close()
    return taken


def _best(seen: list[Paint]) -> Paint:
    return Paint(
        min(one.first for one in seen),
        min(one.headed for one in seen),
        round(statistics.median(one.sent for one in seen)),
        max(one.html for one in seen),
        statistics.median(one.cpu for one in seen),
    )
