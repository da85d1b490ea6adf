"""Nobody gets in without a key that is known, live, for that model and within its rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.access import LOCAL, Key, Rate, Role
from boucle.core.errors import Forbidden, RateLimited, Unauthenticated
from boucle.formats.access import Access, digest_of, write_access
from boucle.serving.guard import OPEN_PAGES, Followed, Guard

SECRET = b"boucle_" + b"k" * 43
KEY = Key("ci", digest_of(SECRET), Role.VIEWER, ("wine",))
NOW = 1_800_000_000.0


def guard(*keys: Key, metrics_open: bool = False) -> Guard:
    return Guard(Access(True, metrics_open, keys or (KEY,)))


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [(b"Bearer " + SECRET, b""), (b"bearer  " + SECRET + b" ", b""), (b"", SECRET), (b"Basic eDp5", SECRET)],
)
def test_a_known_key_is_taken_from_either_header(authorization: bytes, api_key: bytes) -> None:
    caller = guard().admit(authorization, api_key, "wine", NOW)
    assert (caller.name, caller.role, caller.by) == ("ci", Role.VIEWER, "key")


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [(b"", b""), (b"Bearer ", b""), (SECRET, b""), (b"Basic " + SECRET, b""), (b"", SECRET[:-1]), (b"", SECRET + b"k")],
)
def test_anything_else_is_unauthenticated_with_a_challenge(authorization: bytes, api_key: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        guard().admit(authorization, api_key, "wine", NOW)
    assert refused.value.facts["challenge"].startswith('Bearer realm="boucle"')


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=20))
def test_no_bytes_whatever_open_the_door_or_break_it(authorization: bytes, api_key: bytes, model: str) -> None:
    with pytest.raises(Unauthenticated):
        guard().admit(b"Bearer " + authorization, api_key, model, NOW)


def test_a_digest_is_no_key() -> None:
    with pytest.raises(Unauthenticated):
        guard().admit(b"", KEY.digest.encode(), "wine", NOW)


def test_an_error_never_repeats_what_was_presented() -> None:
    with pytest.raises(Unauthenticated) as refused:
        guard().admit(b"Bearer hunter2.hunter2.hunter2", b"", "wine", NOW)
    assert "hunter2" not in str(refused.value)


def test_a_key_reaches_its_models_and_what_is_about_none() -> None:
    assert guard().admit(b"", SECRET, "", NOW).name == "ci"
    with pytest.raises(Forbidden, match="churn"):
        guard().admit(b"", SECRET, "churn", NOW)
    with pytest.raises(Forbidden):
        guard(replace(KEY, models=())).admit(b"", SECRET, "wine", NOW)
    assert guard(replace(KEY, models=None)).admit(b"", SECRET, "churn", NOW).name == "ci"


@pytest.mark.parametrize("over", [{"expires": NOW}, {"revoked": NOW - 1}])
def test_a_key_that_is_over_is_unauthenticated(over: dict[str, float]) -> None:
    with pytest.raises(Unauthenticated):
        guard(replace(KEY, **over)).admit(b"", SECRET, "wine", NOW)  # type: ignore[arg-type]


def test_a_key_expires_while_the_guard_stands() -> None:
    standing = guard(replace(KEY, expires=NOW + 1))
    assert standing.admit(b"", SECRET, "wine", NOW)
    with pytest.raises(Unauthenticated, match="expired"):
        standing.admit(b"", SECRET, "wine", NOW + 1)


def test_too_many_requests_are_told_when_to_come_back() -> None:
    limited = guard(replace(KEY, rate=Rate(2, 60)))
    for _ in range(2):
        limited.admit(b"", SECRET, "wine", NOW)
    with pytest.raises(RateLimited) as refused:
        limited.admit(b"", SECRET, "wine", NOW)
    assert limited.admit(b"", SECRET, "wine", NOW + refused.value.facts["retry_after"])


def test_a_refused_model_costs_no_token() -> None:
    limited = guard(replace(KEY, rate=Rate(1, 60)))
    with pytest.raises(Forbidden):
        limited.admit(b"", SECRET, "churn", NOW)
    assert limited.admit(b"", SECRET, "wine", NOW)


def test_health_is_for_everybody_and_the_rest_is_not() -> None:
    for path in OPEN_PAGES:
        assert guard().admit_page(path, b"", b"", NOW) == LOCAL
    for path in ("/metrics", "/docs", "/openapi.json", "/v2", "/livez/"):
        with pytest.raises(Unauthenticated):
            guard().admit_page(path, b"", b"", NOW)
        assert guard().admit_page(path, b"", SECRET, NOW).name == "ci"
    assert guard(metrics_open=True).admit_page("/metrics", b"", b"", NOW) == LOCAL


def test_a_page_about_a_model_is_for_those_who_may_use_it() -> None:
    assert guard().admit_page("/v2/models/wine", b"", SECRET, NOW, "wine").name == "ci"
    with pytest.raises(Forbidden):
        guard().admit_page("/v2/models/churn", b"", SECRET, NOW, "churn")


def test_where_nothing_is_required_nobody_is_asked(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "access.json")
    assert followed.guard.open
    assert followed.guard.admit(b"Bearer nonsense", b"", "wine", NOW) == LOCAL


def test_without_a_file_a_guarded_plane_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        Followed(tmp_path / "access.json", required=True).guard.admit(b"", SECRET, "wine", NOW)


def test_a_guarded_plane_is_not_opened_by_a_file(tmp_path: Path) -> None:
    write_access(tmp_path / "access.json", Access(required=False))
    assert not Followed(tmp_path / "access.json", required=True).guard.open


@pytest.mark.parametrize("damaged", ["{", '{"keys": [{"name": "ci", "digest": "zz", "role": "viewer"}]}'])
def test_a_damaged_file_at_the_start_lets_nobody_in(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "access.json").write_text(damaged)
    assert not Followed(tmp_path / "access.json").guard.open


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{")])
def test_a_file_that_goes_or_breaks_changes_nothing(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "access.json"
    write_access(path, Access(True, keys=(KEY,)))
    followed = Followed(path)
    assert callable(spoil)
    spoil(path)
    followed.look()
    assert followed.guard.admit(b"", SECRET, "wine", NOW).name == "ci"


def test_a_revoked_key_works_until_the_next_look_and_what_it_used_stays_used(tmp_path: Path) -> None:
    path, other = tmp_path / "access.json", replace(KEY, name="b", digest=digest_of(b"b"), rate=Rate(1, 60))
    write_access(path, Access(True, keys=(KEY, other)))
    followed = Followed(path, limits=tmp_path / "limits")
    followed.guard.admit(b"", b"b", "wine", NOW)
    write_access(path, Access(True, keys=(other,)))
    assert followed.guard.admit(b"", SECRET, "wine", NOW)
    followed.look()
    with pytest.raises(Unauthenticated):
        followed.guard.admit(b"", SECRET, "wine", NOW)
    with pytest.raises(RateLimited):
        followed.guard.admit(b"", b"b", "wine", NOW)
    followed.close()
