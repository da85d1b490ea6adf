"""Signing in: with a key, or through a provider that runs here; and what a forger gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from boucle.core.access import Caller, Role
from boucle.core.person import Person
from boucle.loop import access
from boucle.loop.project import Project
from boucle.ui.sessions import COOKIE, Sessions
from boucle.ui.signin import STATE_COOKIE, router

from .openid_provider import CLIENT, SECRET, Provider, providing
from .test_console_sessions import PROJECT

SITE = "http://127.0.0.1"
OIDC = "serve: {{auth: {{required: true, oidc: {{issuer: '{}', client_id: {}, client_secret: '{}', name: Example}}}}}}"


class Site:
    """The routes of signing in, alone."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.sessions = Sessions(project)
        app = FastAPI()
        app.include_router(router(project, self.sessions))
        self.client = TestClient(app, base_url=SITE, follow_redirects=False)

    def enter(self, key: str, to: str = "/") -> Any:
        return self.client.post("/sign-in", data={"key": key, "to": to})

    def caller(self) -> Caller | None:
        return self.sessions.caller(self.client.cookies.get(COOKIE))

    def through_provider(self, to: str = "/") -> Any:
        """Follow the provider's redirects as a browser does."""
        left = self.client.get(f"/sign-in/provider?to={to}")
        assert left.status_code == 303, left.text
        back = httpx.get(left.headers["location"], follow_redirects=False).headers["location"]
        return self.client.get(back.removeprefix(SITE))


def site(folder: Path, more: str) -> Site:
    (folder / "boucle.yaml").write_text(PROJECT + more)
    project = Project.open(folder, actor="api")
    project.prepare()
    access.publish(project)
    return Site(project)


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Site]:
    found = site(tmp_path, "serve: {auth: {required: true}}")
    yield found
    found.project.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provided(tmp_path: Path, provider: Provider) -> Iterator[Site]:
    found = site(tmp_path, OIDC.format(provider.issuer, CLIENT, SECRET))
    yield found
    found.project.close()


def test_a_key_is_sent_once_and_a_cookie_no_script_can_read_comes_back(keyed: Site) -> None:
    secret = access.add(keyed.project, "ana", Role.OPERATOR).secret
    answer = keyed.enter(secret, "/models/wine")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/wine")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert secret not in cookie
    caller = keyed.caller()
    assert caller is not None
    assert caller.name == "ana"


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nset-cookie: a=b"])
def test_nobody_is_sent_to_another_site(keyed: Site, to: str) -> None:
    secret = access.add(keyed.project, "ana", Role.VIEWER).secret
    assert keyed.enter(secret, to).headers["location"] == "/"


def test_a_wrong_key_is_refused_and_the_sixth_in_a_minute_has_to_wait(keyed: Site) -> None:
    answers = [keyed.enter(f"boucle_guess{i}").status_code for i in range(7)]
    assert answers == [401] * 5 + [429] * 2
    secret = access.add(keyed.project, "ana", Role.VIEWER).secret
    assert keyed.enter(secret).status_code == 303  # whoever has a key gets in all the same


def test_the_form_repeats_what_it_was_sent_without_harm(keyed: Site) -> None:
    page = keyed.client.get("/sign-in", params={"to": '/"><script>alert(1)</script>'})
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_signing_out_ends_the_session(keyed: Site) -> None:
    keyed.enter(access.add(keyed.project, "ana", Role.VIEWER).secret)
    number = keyed.client.cookies.get(COOKIE)
    assert keyed.client.post("/sign-out").headers["location"] == "/sign-in"
    assert keyed.sessions.caller(number) is None


def test_a_provider_says_who_it_is_and_with_which_role(provided: Site) -> None:
    assert "Example" in provided.client.get("/sign-in").text
    assert provided.through_provider("/models/wine").headers["location"] == "/models/wine"
    caller = provided.caller()
    assert caller is not None
    assert (caller.name, caller.role) == ("ana@example.org", Role.OPERATOR)


def test_who_has_no_role_gets_in_once_an_admin_gives_one(provided: Site, provider: Provider) -> None:
    provider.claims.pop("roles")
    assert provided.through_provider().status_code == 403
    with provided.project.state.begin() as tx:
        (ana,) = tx.people.all()
        tx.people.put(Person(ana.subject, ana.name, Role.APPROVER, "admin"))
    assert provided.through_provider().status_code == 303
    caller = provided.caller()
    assert caller is not None
    assert caller.role is Role.APPROVER


@pytest.mark.parametrize(
    "twisted",
    [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1_000_000_000}],
    ids=lambda twisted: next(iter(twisted)),
)
def test_a_token_for_something_else_is_refused(provided: Site, provider: Provider, twisted: dict[str, object]) -> None:
    provider.twisted = twisted
    assert provided.through_provider().status_code == 401
    assert provided.caller() is None


def test_a_sign_in_that_another_browser_began_is_refused(provided: Site) -> None:
    left = provided.client.get("/sign-in/provider")
    back = httpx.get(left.headers["location"], follow_redirects=False).headers["location"].removeprefix(SITE)
    provided.client.cookies.delete(STATE_COOKIE)
    assert provided.client.get(back).status_code == 401


def test_a_sign_in_comes_back_once(provided: Site) -> None:
    left = provided.client.get("/sign-in/provider")
    back = httpx.get(left.headers["location"], follow_redirects=False).headers["location"].removeprefix(SITE)
    state = provided.client.cookies[STATE_COOKIE]
    assert provided.client.get(back).status_code == 303
    provided.client.cookies.set(STATE_COOKIE, state)
    assert provided.client.get(back).status_code == 401


def test_a_provider_that_is_away_is_said_so(tmp_path: Path, provider: Provider) -> None:
    found = site(tmp_path, OIDC.format("http://127.0.0.1:9", CLIENT, SECRET))
    answer = found.client.get("/sign-in/provider")
    assert answer.status_code == 502
    assert "cannot be asked" in answer.text
    found.project.close()
