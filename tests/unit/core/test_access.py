"""Roles are an order, scopes are limits, rates are read and written."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.access import LOCAL, Caller, Key, Rate, Role, may, reaches
from boucle.core.errors import RequestError


def test_each_role_may_do_what_those_before_it_may() -> None:
    for lesser, greater in combinations(Role, 2):
        assert lesser < greater
        assert lesser <= greater
        assert greater > lesser
        assert may(Caller("x", greater), lesser)
        assert not may(Caller("x", lesser), greater)


@pytest.mark.parametrize("role", Role)
def test_a_role_covers_itself(role: Role) -> None:
    assert role >= role
    assert may(Caller("x", role), role)


def test_a_caller_without_limits_reaches_every_model_and_one_limited_to_none_reaches_none() -> None:
    assert reaches(LOCAL, "wine")
    assert not reaches(Caller("x", Role.ADMIN, frozenset()), "wine")


def test_no_role_reaches_beyond_its_models() -> None:
    caller = Caller("x", Role.ADMIN, frozenset({"wine"}))
    assert may(caller, Role.OPERATOR, "wine")
    assert not may(caller, Role.VIEWER, "churn")
    assert may(caller, Role.VIEWER)  # what is about no model


def test_a_token_cannot_pass_for_a_key_in_the_history() -> None:
    assert Caller("ci", Role.VIEWER, by="key").actor != Caller("ci", Role.VIEWER, by="token").actor


@given(st.integers(1, 10**6), st.sampled_from(["s", "min", "h"]))
def test_a_rate_is_read_as_it_is_written(count: int, unit: str) -> None:
    assert str(Rate.parse(f" {count} / {unit} ")) == f"{count}/{unit}"


@pytest.mark.parametrize("text", ["", "0/s", "-1/s", "5", "5/day", "1.5/s", "5/s/s", "٣/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="no rate"):
        Rate.parse(text)


def test_a_key_works_until_it_expires_or_is_revoked() -> None:
    assert Key("a", "", Role.VIEWER).live(1e12)
    assert Key("a", "", Role.VIEWER, expires=10.0).live(9.9)
    assert not Key("a", "", Role.VIEWER, expires=10.0).live(10.0)
    assert not Key("a", "", Role.VIEWER, revoked=1.0).live(0.0)
