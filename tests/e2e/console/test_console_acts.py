"""What people do in the console: asked once, done, told with the way back, and shown on every page at once."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from pathlib import Path

from playwright.sync_api import Page, expect

from boucle.core.alarm import Alarm
from boucle.loop.project import Project

from .conftest import Look, Start, Up
from .world import settle

PATIENCE = 30_000
"""Milliseconds after which something will not come any more; no claim about how quick it is."""


expect.set_options(timeout=PATIENCE)


def challenger(up: Up) -> int | None:
    found: int | None = up.cli("status")["models"][0]["challenger"]
    return found


def newest(up: Up, kind: str) -> dict[str, object]:
    events: list[dict[str, object]] = up.cli("history", "--kind", kind)["events"]
    return events[-1]


def confirm(page: Page) -> None:
    page.click("dialog[open] [data-confirm]")
    page.wait_for_selector(".toast.on")


def test_a_change_made_elsewhere_is_shown_without_reloading(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/models/churn").page
    acted.cli("pause", "churn")
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE)
    acted.cli("resume", "churn")
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE)


def test_pausing_asks_nothing_and_is_taken_back_by_one_key(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/models/churn").page
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".toast.on")).to_contain_text("paused")
    assert acted.cli("status")["models"][0]["rollout"]["phase"] == "holding"
    assert newest(acted, "rollout_paused")["actor"] == "local"
    page.keyboard.press("u")
    expect(page.locator(".toast.on")).to_contain_text("of the traffic")
    assert acted.cli("status")["models"][0]["rollout"]["phase"] != "holding"


def test_a_retraining_is_asked_for_by_name_and_stopped_again(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/models/churn").page
    page.get_by_role("button", name="Retrain now").click()
    expect(page.locator("dialog[open]")).to_contain_text("boucle train --with-feedback")
    expect(page.locator("dialog[open]")).to_contain_text("answers as before until somebody promotes it")
    confirm(page)
    expect(page.locator(".toast.on")).to_contain_text("The turn has begun")
    asked = newest(acted, "turn_asked")
    assert (asked["actor"], asked["reason"]) == ("local", "asked for by local in the console")
    expect(page.get_by_role("button", name="Retrain now")).to_have_count(0)
    page.locator(".acts .btn", has_text="Stop the turn").click()
    expect(page.locator(".toast.on")).to_contain_text("stopped")
    ended = newest(acted, "training_failed")
    assert ended["actor"] == "local"
    assert int(str(ended["seq"])) > int(str(asked["seq"]))
    expect(page.get_by_role("button", name="Retrain now")).to_be_visible()


def test_labels_are_asked_for_and_come_as_a_sheet_to_fill_in(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/drift").page
    page.get_by_role("button", name="Ask for 200 labels").click()
    expect(page.locator("dialog[open]")).to_contain_text("boucle label churn --count 200")
    with page.expect_download() as told:
        confirm(page)
    rows = list(csv.DictReader(told.value.path().read_text().splitlines()))
    asked = newest(acted, "labels_asked")
    assert asked["actor"] == "local"
    assert [one["id"] for one in rows] == [one["id"] for one in asked["data"]["rows"]]  # type: ignore[index]
    assert {one["truth"] for one in rows} == {""}
    assert all(one["contract"] and one["prediction"] for one in rows)
    expect(page.locator(".toast.on")).to_contain_text("boucle feedback to-label.csv")
    made = acted.cli("label", "churn", "--count", "5", "--output", str(acted.folder / "sheet.csv"))
    assert len(made["rows"]) == 5
    assert (acted.folder / "sheet.csv").read_text().startswith("id,row,contract,")


def test_rolling_back_says_what_it_will_do_and_the_commands(acted: Up, look: Look) -> None:
    page, late = look(f"{acted.url}/models/churn").page, look(acted.url).page
    version = challenger(acted)
    page.get_by_role("button", name="Roll back to").click()
    late.get_by_role("button", name="Undo").first.click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("boucle rollback churn")
    expect(dialog).to_contain_text(f"boucle promote churn/{version}")
    assert page.evaluate("document.activeElement.hasAttribute('data-confirm')")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.on")).to_contain_text("answers everything")
    assert challenger(acted) is None
    event = newest(acted, "rollout_aborted")
    assert (event["actor"], event["version"]) == ("local", version)

    confirm(late)  # asked before, of a state that is no more
    expect(late.locator(".toast.on")).to_contain_text("Nothing was done")
    assert newest(acted, "rollout_aborted")["seq"] == event["seq"]
    assert acted.cli("status")["models"][0]["champion"]["version"] != version


def test_switching_off_takes_the_models_name(acted: Up, look: Look) -> None:
    page = look(f"{acted.url}/models/churn").page
    page.get_by_role("button", name="Disable…").click()
    page.click("dialog[open] [data-confirm]")
    expect(page.locator("dialog[open] [role=alert]")).to_contain_text("churn")
    assert acted.cli("status")["models"][0]["enabled"]
    page.locator("dialog[open] input").fill("churn")
    confirm(page)
    expect(page.locator(".toast.on")).to_contain_text("churn is disabled")
    assert not acted.cli("status")["models"][0]["enabled"]
    page.locator(".toast .undo").first.click()
    expect(page.locator(".toast.on")).to_contain_text(" answers ")
    assert acted.cli("status")["models"][0]["enabled"]


def test_a_console_that_is_killed_says_so_and_comes_back(acted: Up, look: Look) -> None:
    seen = look(acted.url)
    page = seen.page
    os.kill(acted.control(), signal.SIGKILL)
    expect(page.locator(".stale")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".live")).not_to_be_visible()
    expect(page.locator(".stale")).not_to_be_visible(timeout=2 * PATIENCE)
    expect(page.locator(".live")).to_be_visible(timeout=PATIENCE)
    page.wait_for_selector("h1")
    seen.trouble.clear()  # a socket that was cut is told in the browser's console


def test_models_keep_their_place_until_somebody_asks(past: Path, start: Start, look: Look, tmp_path: Path) -> None:
    shutil.copytree(past, tmp_path / "many", ignore=shutil.ignore_patterns("control.json", "address.json"))
    project = Project.open(tmp_path / "many")
    settle(project, 3)
    page = look(start(tmp_path / "many", alone=True).url).page
    names = page.locator("a.model .strong")
    before = names.all_inner_texts()
    last = before[-1]
    with project.state.begin() as tx:
        tx.alarms.put(Alarm(0, last, "quality", project.clock.now(), "it lost much", 3, "open"))
    project.close()
    expect(page.locator("a.model").last).to_contain_text("an alarm is open")
    assert names.all_inner_texts() == before
    page.get_by_role("button", name="Update order").click()
    expect(names.last).not_to_have_text(last)
    assert sorted(names.all_inner_texts()) == sorted(before)
    expect(page.get_by_role("button", name="Update order")).to_be_hidden()
