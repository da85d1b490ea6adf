"""What a live state has to do when old requests leave it: part of ``StateContract``."""

from __future__ import annotations

from boucle.core.observation import Feedback
from boucle.ports.stores import State
from boucle.testing.observing import ingest, observed


class RetentionContract:
    """``state`` is a fresh, empty store."""

    def test_the_oldest_requests_are_let_go_with_what_came_back_about_them(self, state: State) -> None:
        told = [Feedback(i, 9.0, [7]) for i in "abc"]
        ingest(state, observed("a", 1.0), observed("b", 2.0), observed("c", 3.0), *told, Feedback("a", 9.0, event="x"))
        ingest(state, Feedback("c", 9.5, [None, 8]))
        with state.begin() as tx:
            found = tx.observations.oldest("wine", 3.0, 10**9, 1, 10)
            assert [id_ for _, id_ in found] == ["a", "b"]
            assert tx.observations.oldest("wine", 3.0, 10**9, 2, 10) == found[:1]
            assert tx.observations.oldest("wine", 3.0, found[0][0], 1, 10) == found[:1]
            assert tx.observations.oldest("wine", 3.0, 10**9, 4, 10) == []
            assert tx.observations.feedback(["a", "c", "?"]) == [
                Feedback("a", 9.0, [7]), Feedback("c", 9.0, [7]), Feedback("c", 9.5, [None, 8]),
                Feedback("a", 9.0, None, "x"),
            ]  # fmt: skip
            assert tx.observations.let_go([position for position, _ in found]) == 2
            assert tx.observations.feedback(["a", "b"]) == []
            assert [one.id for _, one in tx.observations.rows("wine")] == ["c"]

    def test_feedback_stays_as_long_as_any_answer_to_its_request(self, state: State) -> None:
        ingest(state, observed("a", 1.0), observed("a", 5.0, version=2), observed("b", 6.0))
        ingest(state, Feedback("a", 9.0, [7]))
        ingest(state, Feedback("b", 9.0, [7]))
        with state.begin() as tx:
            for left in (1, 0):
                (first, *_) = tx.observations.oldest("wine", 6.0, 10**9, 1, 1)
                tx.observations.let_go([first[0]])
                assert len(tx.observations.feedback(["a"])) == left

    def test_feedback_on_no_request_is_found_and_let_go(self, state: State) -> None:
        ingest(state, observed("a", 1.0), Feedback("?", 2.0, [1]), Feedback("!", 3.0, event="x"))
        ingest(state, Feedback("a", 9.0, [7]))
        with state.begin() as tx:
            assert tx.observations.strays(2.5, 10) == ["?"]
            assert tx.observations.strays(4.0, 10) == ["!", "?"]
            tx.observations.let_go((), ["!", "?"])
            assert tx.observations.feedback(["!", "?"]) == []
            assert len(tx.observations.feedback(["a"])) == 1
