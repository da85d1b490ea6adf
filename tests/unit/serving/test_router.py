from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.deployment import Route, Target
from boucle.core.errors import NotFound
from boucle.serving.router import Served, choose, point

KEYS = [f"customer-{n}" for n in range(20_000)]


def served(share: float, shadow: bool = False, challenger: bool = True) -> Served[str]:
    route = Route(
        "wine",
        True,
        Target(1, "bundles/a", "a"),
        Target(2, "bundles/b", "b") if challenger else None,
        share=share,
        shadow=shadow,
    )
    versions = {1: "one", 2: "two"}
    return Served(route, versions, "one", "two" if challenger else None)


def taken(share: float) -> set[str]:
    table = served(share)
    return {key for key in KEYS if choose(table, key).role == "challenger"}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_challenger_gets_its_share_of_the_keys(share: float) -> None:
    deviation = (share * (1 - share) / len(KEYS)) ** 0.5
    assert abs(len(taken(share)) / len(KEYS) - share) < 5 * deviation


def test_a_share_of_nothing_takes_nobody_and_of_all_takes_all() -> None:
    assert taken(0.0) == set()
    assert taken(1.0) == set(KEYS)


@given(key=st.text(max_size=40), low=st.floats(0, 1), high=st.floats(0, 1))
def test_raising_the_share_sends_nobody_back(key: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    if choose(served(low), key).version == "two":
        assert choose(served(high), key).version == "two"


def test_two_challengers_get_independent_keys() -> None:
    first = {key for key in KEYS if point("wine/2", key) < 0.5}
    second = {key for key in KEYS if point("wine/3", key) < 0.5}
    assert abs(len(first & second) / len(KEYS) - 0.25) < 0.02


def test_a_shadow_never_answers() -> None:
    choices = [choose(served(0.5, shadow=True), key) for key in KEYS[:100]]
    assert {(c.version, c.role, c.shadow) for c in choices} == {("one", "champion", "two")}


def test_without_a_challenger_the_champion_answers() -> None:
    assert choose(served(1.0, challenger=False), "k").role == "champion"


def test_a_pinned_version_answers_whatever_the_share() -> None:
    assert choose(served(0.0), "k", 2).version == "two"
    with pytest.raises(NotFound, match="loaded: 1, 2"):
        choose(served(0.0), "k", 7)


def test_a_route_that_is_not_loaded_is_not_ready() -> None:
    empty: Served[str] = Served(served(0.0).route, {}, None)
    with pytest.raises(NotFound) as caught:
        choose(empty, "k")
    assert caught.value.facts["code"] == "not_ready"
