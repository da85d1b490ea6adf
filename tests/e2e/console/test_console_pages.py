"""Every page, in both languages and themes: it says what the command line says, nothing fails, nothing leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from tests.browser import Watched

from boucle.ui.routes import ENTRIES, routes
from boucle.ui.words.catalogue import LANGUAGES

from .conftest import Look, Up

NARROW = 320
GIVEN = {"name": "churn", "model": "churn", "left": "1", "right": "2", "version": "2", "id": "latest"}
"""What stands in a path for what varies."""


def paths() -> list[str]:
    """Return an address of every page there is."""
    found = []
    for route in routes():
        names = re.findall(r"{(\w+)", route.path)
        if all(name in GIVEN for name in names):
            found.append(re.sub(r"{(\w+)[^}]*}", lambda name: GIVEN[name[1]], route.path))
    return [*found, "/there/is/no/such/page"]


@pytest.fixture(scope="module")
def readers(browser: Browser) -> Iterator[dict[str, Watched]]:
    """Keep one reader of each language, each with the other theme: together they see all words and all colours."""
    themes = {"en": "light", "fr": "dark"}
    readers: dict[str, Watched] = {language: Watched(browser, color_scheme=themes[language]) for language in LANGUAGES}
    yield readers
    for reader in readers.values():
        reader.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", paths())
def test_no_page_keeps_anybody_out(up: Up, readers: dict[str, Watched], path: str, language: str) -> None:
    seen = readers[language]
    seen.trouble.clear()
    seen.page.set_viewport_size({"width": 1440, "height": 900})
    before = "/fr" if language == "fr" else ""
    seen.page.goto(up.url + before + (path if path != "/" or not before else ""))
    expect(seen.page.locator("#content .bars")).to_have_count(0)
    assert seen.page.get_attribute("html", "lang") in ("fr", "en-US")
    found = Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()
    seen.page.set_viewport_size({"width": NARROW, "height": 640})
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= NARROW
    assert [one for one in seen.trouble if "404" not in one or "no/such" not in path] == []


def test_home_says_what_the_command_line_says(up: Up, look: Look) -> None:
    told = up.cli("status")["models"][0]
    page = look(up.url).page
    champion, challenger = told["champion"]["version"], told["challenger"]
    assert f"churn/{champion}" in page.inner_text("h1")
    shown = page.inner_text("#content")
    assert f"champion {champion}" in shown
    assert f"challenger {challenger} · {told['rollout']['share']:.0%}".replace("%", "\u00a0%") in shown
    quality = told["quality"]["checks"][0]
    assert f"{quality['observed']:.3f}" in (page.locator(".strip").first.text_content() or "")
    assert page.inner_text(".rail .n.red") == f"{sum(a['state'] == 'open' for a in told['alarms'])} open"
    assert f"promise {float(quality['bound'].split()[1]):.3f}" in page.inner_text(".legend")


def test_home_shows_why_with_the_columns_that_drifted(up: Up, look: Look) -> None:
    told = up.cli("status")["models"][0]["drift"]
    strip = look(up.url).page.locator(".strip >> visible=true")
    assert told["columns"]
    for column in told["columns"]:
        assert column in (strip.text_content() or "")


def test_the_newest_decisions_are_those_of_the_history(up: Up, look: Look) -> None:
    page = look(up.url).page
    shown = page.locator(".ev .what a").all_inner_texts()
    assert len(shown) == 5
    released = next(e for e in reversed(up.cli("history")["events"]) if e["kind"] == "rollout_started")
    assert any(f"churn/{released['version']}" in one for one in shown)


def test_a_models_page_lists_its_versions_and_where_its_answers_come_from(up: Up, look: Look) -> None:
    page = look(f"{up.url}/models/churn").page
    made = [e["version"] for e in up.cli("history")["events"] if e["kind"] == "trained"]
    assert page.locator("table tbody tr").count() == len(made)
    assert "gate" not in page.inner_text("h1").lower()
    assert f"churn/{up.cli('status')['models'][0]['champion']['version']}" in page.inner_text(".lineage")


def test_a_page_is_sent_in_the_language_the_browser_reads(up: Up, look: Look) -> None:
    page = look(up.url, locale="fr-FR").page
    assert page.url.endswith("/fr")
    assert page.get_attribute("html", "lang") == "fr"
    page.click("a[href^='/language/en']")
    page.wait_for_url(up.url + "/")
    page.goto(up.url)
    assert page.url == up.url + "/"  # the choice holds against the browser's language


def test_the_theme_that_was_chosen_is_there_before_anything_is_drawn(up: Up, look: Look) -> None:
    page = look(up.url, color_scheme="light").page
    page.click("[data-do=theme]")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert 'data-theme="dark"' in page.context.request.get(up.url).text()


def test_one_gets_everywhere_by_keyboard(up: Up, look: Look) -> None:
    page = look(up.url).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("churn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/churn")
    page.wait_for_selector("h1")
    page.keyboard.press("?")
    assert page.locator("dialog.help").is_visible()
    page.keyboard.press("Escape")
    for entry in ENTRIES[:2]:
        page.keyboard.press("g")
        page.keyboard.press(entry.key)
        page.wait_for_url(f"**{entry.path}")
        page.wait_for_selector("h1")


@pytest.mark.parametrize(("path", "rows"), [("/", ".ev .what a"), ("/drift", "a.col")])
def test_j_and_k_walk_through_a_list_and_enter_opens(up: Up, look: Look, path: str, rows: str) -> None:
    page = look(up.url + path).page
    names = page.locator(rows).all_inner_texts()
    focused = "document.activeElement.innerText"
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert page.evaluate(focused) == names[at]
    to = page.evaluate("document.activeElement.href")
    page.keyboard.press("Enter")
    page.wait_for_url(to)


def test_single_keys_can_be_turned_off(up: Up, look: Look) -> None:
    page = look(up.url).page
    page.keyboard.press("?")
    page.click("[data-do=keys]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert not page.locator("dialog.palette").is_visible()
    page.goto(f"{up.url}/settings/look")
    switch = page.locator(".look [role=switch]")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    page.keyboard.press("/")
    expect(page.locator("dialog.palette")).to_be_visible()


def test_a_script_that_is_not_ours_does_not_run(up: Up, look: Look) -> None:
    seen = look(up.url)
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hurt=1\">')")
    seen.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.hurt=1'; document.body.append(s)"
    )
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.hurt") is None
    assert seen.trouble
    assert all("Content Security Policy" in one or "404" in one for one in seen.trouble)
    seen.trouble.clear()
