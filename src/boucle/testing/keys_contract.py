"""What a live state has to do with keys, people and their sessions: part of ``StateContract``."""

from __future__ import annotations

from dataclasses import replace

from boucle.core.access import Key, Rate
from boucle.core.access import Role as AccessRole
from boucle.core.person import Person, Session
from boucle.ports.stores import State


class KeysContract:
    def test_a_key_comes_back_as_it_was_put(self, state: State) -> None:
        key = Key("ci", "ab" * 32, AccessRole.OPERATOR, ("churn", "wine"), Rate(20, 60), 1.5, 99.25, 7.0)
        plain = Key("all", "cd" * 32, AccessRole.VIEWER, created=1.0)
        with state.begin() as tx:
            tx.keys.put(key)
            tx.keys.put(plain)
        with state.begin(write=False) as tx:
            assert tx.keys.all() == [plain, key]

    def test_limited_to_no_model_is_not_unlimited(self, state: State) -> None:
        with state.begin() as tx:
            tx.keys.put(Key("none", "ab" * 32, AccessRole.VIEWER, ()))
            assert tx.keys.all()[0].models == ()

    def test_putting_a_digest_again_replaces_the_key(self, state: State, second: State) -> None:
        key = Key("ci", "ab" * 32, AccessRole.VIEWER)
        with state.begin() as tx:
            tx.keys.put(key)
        with second.begin() as tx:
            tx.keys.put(replace(key, revoked=5.0))
        with state.begin(write=False) as tx:
            assert [one.revoked for one in tx.keys.all()] == [5.0]

    def test_a_person_is_kept_in_place_of_the_same_subject(self, state: State) -> None:
        ana = Person("https://id.example|1", "ana", None, first=1.0, last=1.0)
        with state.begin() as tx:
            tx.people.put(Person("https://id.example|2", "zoe", AccessRole.VIEWER))
            tx.people.put(ana)
            tx.people.put(replace(ana, role=AccessRole.OPERATOR, given="admin", last=5.0))
            assert [(one.name, one.role) for one in tx.people.all()] == [
                ("ana", AccessRole.OPERATOR), ("zoe", AccessRole.VIEWER)
            ]  # fmt: skip
            assert tx.people.get("https://id.example|3") is None
            tx.people.remove(ana.subject)
            assert [one.name for one in tx.people.all()] == ["zoe"]

    def test_sessions_live_until_they_end_or_are_too_old(self, state: State) -> None:
        old, idle, ended, live = (Session(name * 64, name, "key", "k", 10.0, 20.0) for name in "abcd")
        with state.begin() as tx:
            for one in (replace(old, created=1.0), replace(idle, seen=11.0), replace(ended, ended=15.0), live):
                tx.sessions.put(one)
            assert tx.sessions.live(created=5.0, seen=12.0) == [live]
            assert tx.sessions.get(ended.digest) == replace(ended, ended=15.0)
            tx.sessions.forget(before=5.0)
            assert tx.sessions.get(old.digest) is None

    def test_two_keys_of_one_name_live_side_by_side(self, state: State) -> None:
        with state.begin() as tx:
            tx.keys.put(Key("ci", "ab" * 32, AccessRole.VIEWER, created=1.0))
            tx.keys.put(Key("ci", "cd" * 32, AccessRole.VIEWER, created=2.0))
            assert [one.digest[:2] for one in tx.keys.all()] == ["ab", "cd"]
