"""What a browser may do with the console's pages, and how their readings are kept."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route as Path
from starlette.testclient import TestClient

from boucle.loop.telling.said import said
from boucle.loop.wording import Language
from boucle.ui.csp import Pages, theme_of
from boucle.ui.frame import _counter, _lost
from boucle.ui.language import inside
from boucle.ui.live import Source
from boucle.ui.routes import ENTRIES, routes
from boucle.ui.words.catalogue import Words
from boucle.views.overview import Overview

VIEW = Overview("churn", 0.0, said("home.none"), said("home.none.lead"), (), (), {}, 0, 2, 0.0, None)
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


@pytest.mark.parametrize(("language", "day"), [("en", "21\u00a0Nov 12:00:00"), ("fr", "21\u00a0nov. 12:00:00")])
def test_the_banner_of_a_lost_server_has_the_day_for_a_page_may_stay_open_overnight(
    language: Language, day: str
) -> None:
    seen: Source[Overview] = Source(lambda: VIEW)
    seen.at = 1_795_262_400.0
    assert day in _lost(Words(language, ZoneInfo("UTC")), seen)


@pytest.mark.parametrize(
    ("language", "rail", "phone"),
    [("en", "2 open", "2 alarms open"), ("fr", "2 ouvertes", "2 alarmes ouvertes")],
)
def test_the_count_beside_an_entry_says_what_it_counts(language: Language, rail: str, phone: str) -> None:
    say = Words(language)
    assert f">{rail}<" in _counter(say, "alarms", VIEW)
    assert phone in _counter(say, "alarms", VIEW, small=True)
    assert _counter(say, "rollouts", VIEW) == ""


def test_every_page_stands_under_an_entry_and_none_hides_another() -> None:
    found = routes()
    assert {route.entry for route in found} <= {entry.name for entry in ENTRIES}
    assert len({route.path for route in found}) == len(found)
    assert len({entry.key for entry in ENTRIES}) == len(ENTRIES)
