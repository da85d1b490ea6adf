"""History, contract and maturity say what the command line says."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import Look, Up

PATIENCE = 30_000
"""Milliseconds after which something will not come any more; no claim about how quick it is."""


def test_the_history_has_every_event_by_day_and_says_that_its_chain_holds(up: Up, look: Look) -> None:
    told = up.cli("history")["events"]
    page = look(f"{up.url}/history").page
    expect(page.locator(".days .ev")).to_have_count(min(len(told), 50), timeout=PATIENCE)
    expect(page.locator(".chain")).to_contain_text(f"{len(told)} events, none changed")
    assert page.locator(".days .day").count() >= 2


def test_an_entry_opens_its_evidence_where_it_stands_by_keyboard_too(up: Up, look: Look) -> None:
    trained = next(e for e in up.cli("history")["events"] if e["kind"] == "trained")
    page = look(f"{up.url}/history?kind=training").page
    row = page.locator(f"#event-{trained['seq']}")
    row.locator("a.line").focus()
    page.keyboard.press("Enter")
    expect(row.locator(".evidence")).to_contain_text(trained["digest"][:16], timeout=PATIENCE)
    check = trained["data"]["verdict"]["checks"][0]
    expect(row.locator(".evidence")).to_contain_text(f"{check['observed']:.3f}")
    page.keyboard.press("Enter")
    expect(row.locator(".evidence")).to_be_empty()
    assert "event=" not in page.url


def test_a_link_to_an_event_shows_it_open_and_the_filters_are_in_the_address(up: Up, look: Look) -> None:
    seen = up.cli("history")["events"][3]
    page = look(f"{up.url}/history?event={seen['seq']}").page
    expect(page.locator(f"#event-{seen['seq']} .evidence")).to_contain_text(seen["digest"][:16], timeout=PATIENCE)
    page.locator(".filters select").nth(1).select_option("alarms")
    page.wait_for_url("**/history?*kind=alarms*")
    kinds = {e["kind"] for e in up.cli("history", "--kind", "alarm_opened")["events"]}
    assert kinds == {"alarm_opened"}
    expect(page.locator(".days .ev").first).to_be_visible(timeout=PATIENCE)


def test_the_contract_lists_its_fields_and_offers_what_a_program_needs(up: Up, look: Look) -> None:
    page = look(f"{up.url}/contract").page
    table = page.locator("table").first
    for name in ("contract", "monthly_charges", "tenure", "internet", "senior"):
        expect(table.get_by_role("cell", name=name, exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_text("JSON Schema").click()
    expect(page.get_by_role("region", name="JSON Schema")).to_contain_text('"monthly_charges"')
    expect(page.get_by_role("region", name="curl")).to_contain_text("/predict/churn")


def test_the_parts_of_the_settings_lead_to_each_other(up: Up, look: Look) -> None:
    page = look(f"{up.url}/settings").page
    for name, part in (("People", "people"), ("Messages", "alerts"), ("Look", "look"), ("Maturity", "maturity")):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(f"**/settings/{part}")
        page.wait_for_selector("h1")
    expect(page.locator(".level")).to_have_count(3)
