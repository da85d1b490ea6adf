"""What a browser may do with the console's pages, and how their readings are kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route as Path
from starlette.testclient import TestClient

from boucle.core.errors import StoreError
from boucle.loop.project import Project
from boucle.ui.csp import Pages, theme_of
from boucle.ui.language import inside
from boucle.ui.live import Heart, Source
from boucle.ui.routes import ENTRIES, routes

PAGE = '<!doctype html><html lang="en"><script>one()</script><script src="/x.js"></script></html>'


@pytest.fixture
def client() -> TestClient:
    paths = [Path("/", lambda _: HTMLResponse(PAGE)), Path("/text", lambda _: PlainTextResponse("<script"))]
    return TestClient(Pages(Starlette(routes=paths)))


def test_each_answer_numbers_its_scripts_afresh(client: TestClient) -> None:
    first, second = client.get("/"), client.get("/")
    policy = first.headers["content-security-policy"]
    number = policy.split("'nonce-")[1].split("'")[0]
    assert first.text.count(f'<script nonce="{number}"') == 2
    assert number not in second.text
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert int(first.headers["content-length"]) == len(first.content)


def test_what_is_no_page_is_left_as_it_is(client: TestClient) -> None:
    assert client.get("/text").text == "<script"
    assert "default-src 'none'" in client.get("/text").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [
        ("boucle_theme=dark", "dark"),
        ("boucle_theme=light; x=y", "light"),
        ('boucle_theme="><script>', None),
        ("", None),
    ],
)
def test_only_a_theme_that_there_is_gets_into_the_page(client: TestClient, cookie: str, theme: str | None) -> None:
    assert theme_of(Headers({"cookie": cookie})) == theme
    assert ("data-theme" in client.get("/", headers={"cookie": cookie}).text) == (theme is not None)


@pytest.mark.parametrize(
    ("path", "kept"), [("/a?b=c", "/a?b=c"), ("//evil", "/"), ("https://evil", "/"), ("/\\evil", "/")]
)
def test_a_way_back_stays_on_this_site(path: str, kept: str) -> None:
    assert inside(path) == kept


def test_every_page_stands_under_an_entry_and_none_hides_another() -> None:
    found = routes()
    assert {route.entry for route in found} <= {entry.name for entry in ENTRIES}
    assert len({route.path for route in found}) == len(found)
    assert len({entry.key for entry in ENTRIES}) == len(ENTRIES)


class Store:
    """Readings in the test's hands."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False
        self.free = threading.Event()
        self.free.set()

    def read(self, project: object, name: str) -> str:
        self.count += 1
        self.free.wait(5)
        if self.fails:
            raise StoreError("The state is locked.")
        return f"{name} {self.count}"


def beating(story: Callable[[Heart, Store], Any], happened: Callable[[], int] = lambda: 0) -> None:
    """Run a story with a heart; ``happened`` is the number of the newest event."""
    heart = Heart(cast(Project, object()), period=0.01)
    heart._newest = Source(happened)
    asyncio.run(story(heart, Store()))


def test_tabs_that_show_the_same_share_one_reading() -> None:
    async def story(heart: Heart, store: Store) -> None:
        one, other = heart.source(store.read, "churn"), heart.source(store.read, "churn")
        assert one is other
        assert await one.first() == await other.first() == "churn 1"
        assert heart.source(store.read, "wine") is not one

    beating(story)


def test_what_nobody_looks_at_is_not_read_again() -> None:
    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        await source.first()
        await heart.once()
        assert store.count == 1
        source.followers += 1
        heart.hurry()
        await heart.once()
        assert source.value == "churn 2"

    beating(story)


def test_a_reading_that_fails_leaves_the_last_one_with_its_age() -> None:
    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        source.followers += 1
        await source.first()
        read_at, store.fails = source.at, True
        await source.refresh()
        assert (source.value, source.at) == ("churn 1", read_at)
        assert isinstance(source.error, StoreError)
        store.fails = False
        await source.refresh()
        assert source.value == "churn 3"

    beating(story)


def test_a_slow_state_stops_neither_the_page_nor_the_beat() -> None:
    async def story(heart: Heart, store: Store) -> None:
        store.free.clear()
        source = heart.source(store.read, "churn")
        source.followers += 1
        assert await source.first() is None  # the page shows grey bars
        beats = []
        heart.beat.subscribe(lambda: beats.append(1))
        await heart.once()
        assert beats == [1]
        store.free.set()
        await source.refresh()
        assert source.value == "churn 1"

    beating(story)


def test_what_happens_is_read_at_the_next_beat_however_long_reading_takes() -> None:
    newest = [7]

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        heart.beat.subscribe(lambda: None)
        source.followers += 1
        await heart.once()
        source._due = float("inf")
        count = store.count
        await heart.once()
        assert store.count == count
        newest[0] = 8
        await heart.once()
        assert store.count == count + 1

    beating(story, lambda: newest[0])
