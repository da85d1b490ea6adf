"""What people do beside releases: see to an alarm, try a model and correct it, make and end a key."""

from __future__ import annotations

import csv
import json
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from boucle.loop.project import Project

from .conftest import Look, Up

PATIENCE = 30_000
"""Milliseconds after which something will not come any more; no claim about how quick it is."""
expect.set_options(timeout=PATIENCE)


def newest(up: Up, kind: str) -> dict[str, object]:
    """Return the newest event of a kind, as soon as there is one."""
    until = time.monotonic() + PATIENCE / 1000
    while not (events := up.cli("history", "--kind", kind)["events"]) and time.monotonic() < until:
        time.sleep(0.05)
    found: dict[str, object] = events[-1]
    return found


def versions_of(up: Up, id_: str) -> list[int]:
    """Return the versions that answered an observation, as soon as a keeper has taken it in."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        up.cli("watch", "--once")
        project = Project.open(up.folder)
        with project.state.begin(write=False) as tx:
            kept = [one.version for _, one in tx.observations.rows("churn", roles=["pinned"]) if one.id == id_]
        project.close()
        if kept or time.monotonic() > until:
            return kept


def asked(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_selector(".answer")


def test_an_alarm_is_acknowledged_and_its_messages_muted_for_a_while(acted: Up, look: Look) -> None:
    alarms = acted.cli("alarms")["alarms"]
    page = look(f"{acted.url}/alarms").page
    expect(page.locator(".alarm")).to_have_count(len(alarms))
    page.locator(".alarm").first.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".toast.on")).to_contain_text("acknowledged")
    assert newest(acted, "alarm_acknowledged")["actor"] == "local"
    expect(page.locator(".alarm .st", has_text="acknowledged")).to_have_count(1)
    menu = page.locator(".alarm").first.locator("details.menu")
    menu.locator("summary").click()
    menu.get_by_role("button", name="2\u00a0h").click()
    expect(page.locator(".note")).to_contain_text("No messages about churn until")
    assert newest(acted, "muted")["actor"] == "local"
    page.get_by_role("button", name="Send messages again").click()
    expect(page.locator(".note")).to_have_count(0)


def test_a_try_is_answered_kept_as_a_test_and_corrected(acted: Up, look: Look) -> None:
    before = acted.cli("status")["models"][0]["champion"]
    page = look(f"{acted.url}/try").page
    asked(page)
    expect(page.locator(".pb")).to_have_count(2)
    id_ = page.locator(".answer [data-do=copy]").get_attribute("data-text") or ""
    said = page.locator(".said").inner_text()
    page.get_by_role("button", name="Wrong").click()
    right = "yes" if said == "no" else "no"
    page.locator(".told select").select_option(right)
    page.locator(".told textarea").fill("she <b>left</b>")
    page.get_by_role("button", name="Send the correction").click()
    expect(page.locator(".told [role=status]")).to_contain_text(id_)
    noted = newest(acted, "feedback_noted")
    assert (noted["actor"], noted["reason"]) == ("local", "she <b>left</b>")
    assert versions_of(acted, id_) == [before["version"]]


def test_what_is_wrong_with_a_row_is_said_under_its_field_and_nothing_is_asked(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/try").page
    page.get_by_role("button", name="Odd row").click()
    expect(page.locator("[data-field=senior]")).to_have_value("true")
    page.fill("[data-field=tenure]", "twelve")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".field.wrong")).to_contain_text("This takes a number")
    assert page.input_value("[data-field=tenure]") == "twelve"
    assert page.locator(".answer").count() == 0


def test_rows_that_are_pasted_are_answered_together_and_taken_along(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/try").page
    field, ask = page.locator("form textarea").last, page.get_by_role("button", name="Ask for all")
    field.fill("contract,monthly_charges,tenure,internet,senior\none year,61.5,12,dsl,false\none year,x,3,dsl,true")
    ask.click()
    expect(page.get_by_text("Row 2: 'x' is no value of 'monthly_charges'")).to_be_visible()
    rows = [
        {"contract": "month-to-month", "monthly_charges": 61.5, "tenure": 12, "internet": "dsl", "senior": False},
        {"contract": "two years", "monthly_charges": 20.25, "tenure": 60, "internet": "none", "senior": True},
    ]
    field.fill(json.dumps(rows))
    ask.click()
    expect(page.locator("p", has_text="2 rows answered by churn/")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    with page.expect_download() as told:
        page.get_by_role("button", name="Download the answers").click()
    answers = list(csv.DictReader(told.value.path().read_text().splitlines()))
    assert [one["tenure"] for one in answers] == ["12", "60"]
    assert {one["prediction"] for one in answers} <= {"yes", "no"}
    for one in answers:
        assert abs(float(one["probability_no"]) + float(one["probability_yes"]) - 1.0) < 1e-6


def test_a_key_is_shown_once_and_ended_by_what_it_is_known_by(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/settings").page
    page.get_by_role("button", name="New key").click()
    page.fill("dialog[open] input", "lena")
    page.locator("dialog[open] select").first.select_option("operator")
    expect(page.locator("dialog[open]")).to_contain_text("--role operator")
    page.click("dialog[open] [data-confirm]")
    secret = page.input_value("dialog[open] .secret")
    assert secret.startswith("boucle_")
    page.keyboard.press("Escape")
    expect(page.locator(".keyrow")).to_contain_text("lena")
    expect(page.locator(".secret")).to_have_count(0)
    assert secret not in page.content()
    assert newest(acted, "key_added")["actor"] == "local"
    page.get_by_role("button", name="Revoke").click()
    page.click("dialog[open] [data-confirm]")
    assert len(acted.cli("keys", "list")["keys"]) == 1
    page.fill("dialog[open] input", page.locator(".keyrow code").inner_text()[:8])
    page.click("dialog[open] [data-confirm]")
    expect(page.locator(".toast.on")).to_contain_text("revoked")
    assert acted.cli("keys", "list")["keys"] == []
