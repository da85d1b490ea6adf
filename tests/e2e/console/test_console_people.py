"""Signing in to a console that asks who one is: roles hold on every button, and end when they end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser import Watched

from boucle.core.access import Role
from boucle.core.person import Person
from boucle.loop import access
from boucle.loop.project import Project

from .conftest import Look, Start, Up


@pytest.fixture(scope="module")
def guarded(past: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """Serve a copy of the project that takes a key."""
    folder = tmp_path_factory.mktemp("guarded") / "churn"
    shutil.copytree(past, folder, ignore=shutil.ignore_patterns("control.json", "address.json"))
    settings = folder / "boucle.yaml"
    settings.write_text(settings.read_text().replace("serve: {", "serve: {auth: {required: true}, "))
    return start(folder)


@pytest.fixture
def project(guarded: Up) -> Iterator[Project]:
    project = Project.open(guarded.folder)
    yield project
    project.close()


def entered(look: Look, up: Up, secret: str, to: str = "/") -> Watched:
    """Open a page, be sent to the door, and sign in with a key."""
    seen = look(up.url + to)
    seen.page.wait_for_url("**/sign-in?**")
    seen.page.fill("input[name=key]", secret)
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(up.url + to)
    seen.page.wait_for_selector(".rail")
    return seen


def test_who_signs_in_gets_to_the_page_asked_for_and_is_named(guarded: Up, look: Look, project: Project) -> None:
    made = access.add(project, "olga", Role.OPERATOR)
    page = entered(look, guarded, made.secret, "/models/churn").page
    expect(page.locator("[data-do=account]")).to_contain_text("olga · operator")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".toast.on")).to_contain_text("paused")
    assert guarded.cli("history", "--kind", "rollout_paused")["events"][-1]["actor"] == "olga"
    page.locator(".toast .undo").first.click()
    expect(page.locator(".toast.on")).to_contain_text("of the traffic")
    page.click("[data-do=account]")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(guarded.url)
    assert "/sign-in" in page.url


def test_a_viewer_sees_the_buttons_and_the_role_they_take(guarded: Up, look: Look, project: Project) -> None:
    page = entered(look, guarded, access.add(project, "vera", Role.VIEWER).secret, "/models/churn").page
    button = page.get_by_role("button", name="Roll back to")
    expect(button).to_be_disabled()
    expect(button).to_contain_text("needs operator")
    button.evaluate("one => { one.disabled = false; one.click(); }")  # as a tampered page would
    page.wait_for_timeout(500)
    assert guarded.cli("status")["models"][0]["challenger"] is not None


def test_an_admin_gives_a_person_a_role_and_it_is_an_event(guarded: Up, look: Look, project: Project) -> None:
    with project.state.begin() as tx:
        tx.people.put(Person("subject-7", "eva@example.org", Role.VIEWER, last=project.clock.now()))
    page = entered(look, guarded, access.add(project, "adam", Role.ADMIN).secret, "/settings/people").page
    assert Axe().run(page).violations_count == 0
    page.get_by_label("Role of eva@example.org").select_option("operator")
    expect(page.locator("dialog[open]")).to_contain_text("boucle people give eva@example.org --role operator")
    page.click("dialog[open] [data-confirm]")
    expect(page.locator(".toast.on")).to_contain_text("eva@example.org: operator")
    expect(page.locator(".keyrow")).to_contain_text("given by an admin")
    given = guarded.cli("history", "--kind", "role_given")["events"][-1]
    assert (given["actor"], given["data"]["before"], given["data"]["role"]) == ("adam", "viewer", "operator")
    page.goto(f"{guarded.url}/settings")
    expect(page.locator(".keyrow", has_text="adam")).not_to_contain_text("not yet")


def test_a_key_for_other_models_finds_no_page_of_this_one(guarded: Up, look: Look, project: Project) -> None:
    seen = entered(look, guarded, access.add(project, "lisa", Role.VIEWER, ["other"]).secret)
    expect(seen.page.locator("a.model")).to_have_count(0)
    for name in ("", "/drift", "/quality", "/contract", "/try"):
        seen.page.goto(f"{guarded.url}/models/churn{name}")
        expect(seen.page.locator("h1")).to_contain_text("There is no model churn")
    seen.trouble.clear()  # the browser tells of each 404


def test_a_key_that_is_revoked_ends_the_page_that_stands_open(guarded: Up, look: Look, project: Project) -> None:
    page = entered(look, guarded, access.add(project, "rolf", Role.ADMIN).secret).page
    access.revoke(project, "rolf")
    page.wait_for_url("**/sign-in?**", timeout=20_000)


def test_the_door_keeps_nobody_out_and_says_what_is_wrong(guarded: Up, look: Look) -> None:
    seen = look(f"{guarded.url}/sign-in")
    for theme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=theme)
        assert Axe().run(seen.page).violations_count == 0
    seen.page.fill("input[name=key]", "boucle_guessed")
    seen.page.click("button[type=submit]")
    expect(seen.page.locator("[role=alert]")).to_contain_text("not known")
    seen.trouble.clear()  # the browser tells of the 401
