"""What every store of the live state has to do: subclass and give the fixtures ``state`` and ``second``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.errors import Conflict, NotFound, StoreError
from boucle.core.event import GENESIS, Event
from boucle.core.observation import Feedback, Joined, Role, Served, Window
from boucle.core.profile import Counts
from boucle.core.verdict import Check, Verdict
from boucle.ports.stores import State
from boucle.testing.keys_contract import KeysContract
from boucle.testing.observing import ingest, observed
from boucle.testing.retention_contract import RetentionContract


def append(state: State, *events: Event) -> list[Event]:
    """Append events in one transaction."""
    with state.begin() as tx:
        return [tx.journal.append(event) for event in events]


class TransactionContract:
    """``state`` is a fresh, empty store, ``second`` another handle on the same one."""

    def test_a_block_that_raises_leaves_nothing(self, state: State) -> None:
        def fail() -> None:
            with state.begin() as tx:
                tx.journal.append(Event("release", 1.0, "x", "wine"))
                tx.deployments.put(Deployment("wine").released(1))
                tx.observations.ingest([observed("a")], [Feedback("a", 1.0, [1])], {"s": 9})
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with state.begin() as tx:
            assert tx.journal.events() == []
            assert tx.deployments.get("wine") == Deployment("wine")
            assert tx.observations.count("wine") == 0
            assert tx.observations.cursors() == {}

    def test_what_is_committed_is_seen_by_others(self, state: State, second: State) -> None:
        with state.begin() as tx:
            tx.settings.put("mute", {"until": 5.0})
        with second.begin(write=False) as tx:
            assert tx.settings.get("mute") == {"until": 5.0}

    def test_a_reading_transaction_refuses_to_write(self, state: State) -> None:
        with pytest.raises(StoreError), state.begin(write=False) as tx:
            tx.settings.put("mute", 1)
        with state.begin() as tx:
            tx.settings.put("mute", 2)  # the connection goes back to writing
            assert tx.settings.get("mute") == 2

    def test_a_reader_waits_for_no_writer(self, state: State, second: State) -> None:
        with state.begin() as writing:
            writing.settings.put("mute", 1)
            with second.begin(write=False) as tx:
                assert tx.settings.get("mute") is None

    def test_closing_lets_it_be_opened_again(self, state: State) -> None:
        append(state, Event("release", 1.0, "x"))
        state.close()
        with state.begin(write=False) as tx:
            assert len(tx.journal.events()) == 1

    def test_settings_are_json_by_name(self, state: State) -> None:
        with state.begin() as tx:
            assert tx.settings.get("lease") is None
            tx.settings.put("lease", {"by": "keeper", "until": 1.5})
            tx.settings.put("lease", {"by": "other", "until": None})
            assert tx.settings.get("lease") == {"by": "other", "until": None}
            tx.settings.put("lease", None)
            assert tx.settings.get("lease") is None


class JournalContract:
    def test_an_empty_journal_holds(self, state: State) -> None:
        with state.begin() as tx:
            assert tx.journal.verify() is None
            assert tx.journal.events() == []

    def test_events_are_chained_in_order(self, state: State) -> None:
        first, second_ = append(state, Event("release", 1.0, "one", "wine", 1), Event("rollback", 2.0, "two", "wine"))
        assert (first.seq, first.previous) == (1, GENESIS)
        assert (second_.seq, second_.previous) == (2, first.digest)
        with state.begin() as tx:
            assert tx.journal.events() == [first, second_]
            assert tx.journal.verify() is None

    def test_data_comes_back_as_it_was_hashed(self, state: State) -> None:
        data = {"tuple": (1, 2.0), "nan": float("nan"), "deep": {"v": Verdict.of("wine", "gate", [])}, "text": "é\n\0"}
        (kept,) = append(state, Event("gate", 5, "bad \0 byte and \udcff", "wine", data=data))
        with state.begin() as tx:
            assert tx.journal.events() == [kept]
            assert tx.journal.verify() is None
        assert kept.data["tuple"] == [1, 2.0]
        assert kept.data["nan"] is None

    def test_events_are_found_by_model_kind_time_and_position(self, state: State) -> None:
        append(state, *(Event(k, float(t), "r", m) for t, (k, m) in enumerate([("a", "x"), ("b", "x"), ("a", "y")])))
        with state.begin() as tx:
            journal = tx.journal
            assert [e.seq for e in journal.events("x")] == [1, 2]
            assert [e.seq for e in journal.events(kinds=["a"])] == [1, 3]
            assert [e.seq for e in journal.events(after=1)] == [2, 3]
            assert [e.seq for e in journal.events(since=2.0)] == [3]
            assert [e.seq for e in journal.events(limit=2)] == [2, 3]

    def test_two_writers_at_once_leave_one_chain(self, state: State, second: State) -> None:
        def write(store: State, name: str) -> None:
            for n in range(20):
                append(store, Event("release", float(n), name))

        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(write, store, name) for store, name in ((state, "a"), (second, "b")) for _ in (1, 2)]
            for job in jobs:
                job.result()
        with state.begin() as tx:
            assert [e.seq for e in tx.journal.events()] == list(range(1, 81))
            assert tx.journal.verify() is None


class DeploymentsContract:
    def test_a_model_never_released_has_an_empty_state(self, state: State) -> None:
        with state.begin() as tx:
            assert tx.deployments.get("wine") == Deployment("wine")
            assert tx.deployments.all() == []

    def test_the_row_is_replaced_whole(self, state: State) -> None:
        one = Deployment("wine").released(1)
        two = one.synced().released(2)
        with state.begin() as tx:
            for step in (one, one.synced(), two, Deployment("beer").released(1)):
                tx.deployments.put(step)
            assert tx.deployments.get("wine") == two
            assert [d.model for d in tx.deployments.all()] == ["beer", "wine"]

    @pytest.mark.parametrize("generation", [0, 3, 7])
    def test_a_generation_that_does_not_follow_is_refused(self, state: State, generation: int) -> None:
        with state.begin() as tx:
            tx.deployments.put(replace(Deployment("wine"), generation=1))
            with pytest.raises(Conflict, match="someone else"):
                tx.deployments.put(replace(Deployment("wine"), generation=generation))
            assert tx.deployments.get("wine").generation == 1


class ObservationsContract:
    def test_an_observation_comes_back_as_it_was(self, state: State) -> None:
        given = observed("a", rows=2, latency=0.25, key="k", role="challenger", version=3)
        given.outputs["probabilities"] = [[0.1, 0.9], [1.0, 0.0]]
        failed = observed("b", error="deadline", outputs={}, inputs={"colour": ["rosé", None]}, rows=2)
        assert ingest(state, given, failed) == (2, 0)
        with state.begin() as tx:
            assert [o for _, o in tx.observations.rows("wine")] == [given, failed]

    def test_reading_a_segment_twice_changes_nothing(self, state: State) -> None:
        batch = (observed("a"), observed("b"), Feedback("a", 5.0, [1]), Feedback("a", 6.0, event="sale", value=9.5))
        assert ingest(state, *batch, seg=10) == (2, 2)
        assert ingest(state, *batch, seg=10) == (0, 0)
        with state.begin() as tx:
            assert tx.observations.count("wine") == 2
            assert tx.observations.brought("wine", "sale") == [(1, 9.5, 1, 1)]

    def test_cursors_only_go_forward(self, state: State) -> None:
        ingest(state, a=5, b=7)
        ingest(state, a=9, b=3)
        with state.begin() as tx:
            assert tx.observations.cursors() == {"a": 9, "b": 7}

    def test_cursors_of_segments_that_are_gone_are_forgotten(self, state: State) -> None:
        ingest(state, **{f"s{n}": n for n in range(700)})
        with state.begin() as tx:
            tx.observations.forget([f"s{n}" for n in range(699)] + ["never"])
        with state.begin() as tx:
            assert tx.observations.cursors() == {"s699": 699}

    def test_rows_are_counted_by_version_and_time(self, state: State) -> None:
        ingest(state, observed("a", 1.0, rows=3), observed("b", 2.0, version=2), observed("c", 3.0, model="beer"))
        with state.begin() as tx:
            kept = tx.observations
            assert (kept.count("wine"), kept.count("wine", 1), kept.count("wine", since=1.5)) == (4, 3, 1)
            assert kept.answered("wine") == {1: 3, 2: 1}
            assert kept.answered("wine", 0.5, 2.0) == {1: 3}
            assert kept.answered("wine", until=1.0) == {}
            assert kept.count("nobody") == 0

    def test_rows_go_on_from_a_position_in_order_of_arrival(self, state: State) -> None:
        ingest(state, observed("late", 9.0), observed("early", 1.0, role="pinned"))
        ingest(state, observed("new", 5.0, version=2))
        with state.begin() as tx:
            found = tx.observations.rows("wine")
            assert [o.id for _, o in found] == ["late", "early", "new"]
            assert [o.id for _, o in tx.observations.rows("wine", after=found[0][0])] == ["early", "new"]
            assert [o.id for _, o in tx.observations.rows("wine", limit=1)] == ["late"]
            assert [o.id for _, o in tx.observations.rows("wine", version=2)] == ["new"]
            assert [o.id for _, o in tx.observations.rows("wine", roles=["pinned", "shadow"])] == ["early"]

    def test_known_ids_are_told_apart(self, state: State) -> None:
        ingest(state, *(observed(f"id{n}") for n in range(1200)), Feedback("ghost", 1.0, [1]))
        with state.begin() as tx:
            asked = [f"id{n}" for n in range(1190, 1210)] + ["ghost"]
            assert tx.observations.known(asked) == {f"id{n}" for n in range(1190, 1200)}
            assert tx.observations.known([]) == set()

    def test_a_nul_in_an_id_stops_nothing(self, state: State) -> None:
        ingest(state, observed("a\0b", key="\0"), Feedback("a\0b", 2.0, ["\0"]), Feedback("\0", 1.0, event="\0x"))
        with state.begin() as tx:
            assert tx.observations.joined("wine").truths == ["\0"]


class FeedbackContract:
    def test_truth_joins_row_by_row_in_order_of_request(self, state: State) -> None:
        ingest(state, observed("b", 20.0, rows=2), observed("a", 10.0), observed("open", 15.0))
        ingest(state, Feedback("b", 30.0, [7, 8]), Feedback("a", 40.0, [6]))
        with state.begin() as tx:
            found = tx.observations.joined("wine", inputs=True)
        assert (found.ids, found.positions) == (["a", "b", "b"], [0, 0, 1])
        assert (found.predictions, found.truths) == ([0.5, 0.5, 1.5], [6, 7, 8])
        assert (found.times, found.arrived) == ([10.0, 20.0, 20.0], [40.0, 30.0, 30.0])
        assert found.inputs == {"pH": [3.0, 3.0, 4.0]}
        assert (found.versions, found.roles) == ([1, 1, 1], ["champion"] * 3)

    def test_truth_before_its_observation_waits_for_it(self, state: State) -> None:
        assert ingest(state, Feedback("a", 5.0, [3]), Feedback("a", 6.0, event="sale", value=2.0)) == (0, 2)
        with state.begin() as tx:
            assert len(tx.observations.joined("wine")) == 0
            assert tx.observations.feedback_totals("wine")["unknown"] >= 1
        ingest(state, observed("a", 1.0))
        with state.begin() as tx:
            assert tx.observations.joined("wine").truths == [3]
            assert tx.observations.brought("wine", "sale") == [(1, 2.0, 1, 1)]
            assert tx.observations.feedback_totals("wine")["unknown"] == 0

    def test_the_latest_truth_wins_in_any_order_of_arrival(self, state: State) -> None:
        told = [
            Feedback("?", 1.0, [1, 1]),
            Feedback("?", 3.0, [3]),
            Feedback("?", 2.0, [2, 2]),
            Feedback("?", 3.0, [0]),
        ]
        for n, order in enumerate(permutations(told)):
            id = f"case{n}"
            half = [replace(entry, id=id) for entry in order]
            ingest(state, *half[:2])
            ingest(state, observed(id, rows=2), *half[2:])
            with state.begin() as tx:
                assert tx.observations.joined("wine", limit=2).truths == [3, 2]

    def test_a_list_of_the_wrong_length_labels_the_rows_there_are(self, state: State) -> None:
        ingest(state, observed("long", 1.0), observed("short", 2.0, rows=3), observed("holes", 3.0, rows=2))
        ingest(state, Feedback("long", 5.0, [1, 2, 3]), Feedback("short", 5.0, [4]), Feedback("holes", 5.0, [None, 6]))
        with state.begin() as tx:
            assert tx.observations.joined("wine").truths == [1, 4, 6]
            totals = tx.observations.feedback_totals("wine")
        assert (totals["labels"], totals["extra"], totals["unknown"]) == (3, 2, 0)
        assert totals["delay"] == pytest.approx(3.0)

    def test_a_shadow_copy_joins_too_but_counts_once(self, state: State) -> None:
        shadow: Role = "shadow"
        copy = observed("a", version=2, role=shadow, outputs={"prediction": [9.0]})
        ingest(state, observed("a"), copy, Feedback("a", 200.0, [5]), Feedback("a", 201.0, event="sale"))
        with state.begin() as tx:
            kept = tx.observations
            assert kept.joined("wine", 1).predictions == [0.5]
            assert kept.joined("wine", 2).predictions == [9.0]
            assert sorted(kept.joined("wine").versions) == [1, 2]
            assert kept.feedback_totals("wine") == {"labels": 1, "extra": 0, "unknown": 0, "delay": 100.0}
            assert kept.brought("wine", "sale") == [(1, 0.0, 1, 1)]

    def test_the_newest_and_the_recent_can_be_asked_for(self, state: State) -> None:
        ingest(state, *(observed(f"i{n}", float(n), version=1 + n % 2) for n in range(10)))
        ingest(state, *(Feedback(f"i{n}", 50.0, [n]) for n in range(10)))
        with state.begin() as tx:
            kept = tx.observations
            assert kept.joined("wine", limit=3).truths == [7, 8, 9]
            assert kept.joined("wine", version=1, limit=2).truths == [6, 8]
            assert kept.joined("wine", since=8.0).truths == [8, 9]
            assert kept.joined("beer").truths == []

    def test_failed_requests_have_no_labelled_rows(self, state: State) -> None:
        ingest(state, observed("a", error="deadline", outputs={}), Feedback("a", 2.0, [1]))
        with state.begin() as tx:
            assert len(tx.observations.joined("wine")) == 0

    def test_truths_and_probabilities_keep_their_types(self, state: State) -> None:
        outputs = {"prediction": ["no", "yes"], "probabilities": [[0.8, 0.2], [0.1, 0.9]]}
        ingest(state, observed("a", rows=2, outputs=outputs), Feedback("a", 2.0, ["yes", True]))
        with state.begin() as tx:
            found = tx.observations.joined("wine")
        assert found.truths == ["yes", True]
        assert found.probabilities == [[0.8, 0.2], [0.1, 0.9]]

    def test_columns_some_requests_left_out_are_none_there(self, state: State) -> None:
        ingest(state, observed("a", 1.0, inputs={"x": [1]}), observed("b", 2.0, inputs={"y": [2]}))
        ingest(state, Feedback("a", 3.0, [0]), Feedback("b", 3.0, [0]))
        with state.begin() as tx:
            assert tx.observations.joined("wine", inputs=True).inputs == {"x": [1, None], "y": [None, 2]}

    def test_labels_are_read_once_in_order_of_arrival(self, state: State) -> None:
        ingest(state, *(observed(f"i{n}", float(n), version=1 + n % 2) for n in range(6)))
        ingest(state, Feedback("i3", 50.0, [3]), Feedback("late", 50.0, [9]), Feedback("i0", 50.0, [0]))
        with state.begin() as tx:
            found, after = tx.observations.labelled("wine", (1, 2), 0.0, (0, 0))
            assert (found.truths, found.versions) == ([0, 3], [1, 2])
            assert tx.observations.labelled("wine", (1, 2), 0.0, after) == (Joined(), after)
        ingest(state, Feedback("i3", 60.0, [33]), Feedback("i1", 40.0, [1]), observed("late", 7.0, version=2))
        with state.begin() as tx:
            found, then = tx.observations.labelled("wine", (1, 2), 0.0, after)
            assert found.truths == [1, 9]  # not the corrected one again, but the one whose request came late
            assert tx.observations.labelled("wine", (1,), 0.0, after)[0].truths == []
            assert tx.observations.labelled("wine", (1, 2), 5.0, after)[0].truths == [9]
            assert tx.observations.labelled("wine", (1, 2), 0.0, then) == (Joined(), then)

    def test_events_are_summed_by_version_and_counted_once(self, state: State) -> None:
        ingest(state, observed("a", 1.0), observed("b", 2.0, version=2), observed("c", 3.0, version=2))
        sales = [Feedback(id, 5.0, event="sale", value=v) for id, v in (("a", 1.0), ("b", 2.0), ("c", 4.0))]
        assert ingest(state, *sales, sales[0], replace(sales[2], time=6.0), Feedback("b", 7.0, event="click")) == (0, 5)
        with state.begin() as tx:
            kept = tx.observations
            assert kept.brought("wine", "sale") == [(1, 1.0, 1, 1), (2, 2.0, 1, 1), (2, 8.0, 1, 2)]
            assert kept.brought("wine", "click") == [(2, 0.0, 1, 1)]
            assert kept.brought("wine", "sale", since=2.5) == [(2, 8.0, 1, 2)]
            assert kept.brought("wine", "sale", since=1.0, until=3.0) == [(1, 1.0, 1, 1), (2, 2.0, 1, 1)]

    def test_what_requests_brought_is_counted_by_amount(self, state: State) -> None:
        ingest(state, *(observed(f"i{n}", float(n), version=1 + n % 2) for n in range(12)))
        ingest(state, *(Feedback(f"i{n}", 50.0, event="sale", value=float(n // 6)) for n in range(12)))
        with state.begin() as tx:
            assert tx.observations.brought("wine", "sale") == [(v, m, 3, 3) for v in (1, 2) for m in (0.0, 1.0)]
            assert tx.observations.brought("beer", "sale") == []


class ServiceContract:
    def test_requests_are_counted_once_with_failures_and_slow_ones(self, state: State) -> None:
        canary: Role = "challenger"
        ingest(
            state, observed("a", 1.0, rows=3), observed("b", 2.0, latency=0.5), observed("c", 3.0, error="deadline"),
            observed("d", 4.0, error="bad_request"), observed("e", 5.0, version=2, role=canary, latency=9.0),
            observed("f", 6.0, version=2, role="pinned"), observed("g", 7.0, version=0, role="fallback"),
        )  # fmt: skip
        with state.begin() as tx:
            found, end = tx.observations.served("wine", (0, 1, 2), 0.0, 0, 0.1)
            assert sorted(found, key=lambda one: one.version) == [
                Served(1, "champion", 3, 5, 1, 1),
                Served(2, "challenger", 1, 1, 0, 1),
            ]
            assert tx.observations.served("wine", (0, 1, 2), 0.0, end, 0.1) == ([], end)
            assert tx.observations.served("wine", (1,), 2.5, 0, 0.1)[0] == [Served(1, "champion", 1, 1, 1, 0)]
            assert tx.observations.before("wine", 1, 3.5, 2) == [(0.0, "deadline"), (0.5, "")]
            assert [one.id for one in tx.observations.newest("wine", 1, 2)] == ["a", "b"]
            assert [one.id for one in tx.observations.newest("wine", 1, 1)] == ["b"]

    def test_conversions_are_counted_by_request(self, state: State) -> None:
        copy = observed("a", 1.0, version=2, role="shadow")
        ingest(state, observed("a", 1.0), copy, observed("b", 2.0), observed("c", 3.0, version=2))
        sales = [Feedback(id, time, event="sale") for id, time in (("a", 5.0), ("a", 6.0), ("c", 7.0))]
        ingest(state, *sales, Feedback("b", 5.0, event="click"))
        with state.begin() as tx:
            assert tx.observations.converted("wine", (1, 2), "sale", 0.0, 9.0) == {1: (2, 1), 2: (1, 1)}
            assert tx.observations.converted("wine", (1, 2), "sale", 2.0, 3.0) == {1: (1, 0)}

    def test_what_requests_brought_is_summed_within_its_bounds(self, state: State) -> None:
        ingest(state, observed("a", 1.0), observed("b", 2.0), observed("c", 3.0, version=2), observed("d", 4.0))
        paid = (("a", 5.0, 2.0), ("a", 6.0, 1.0), ("c", 7.0, 9.0), ("d", 8.0, -3.0))
        ingest(state, *(Feedback(id, time, event="sale", value=value) for id, time, value in paid))
        with state.begin() as tx:
            assert tx.observations.earned("wine", (1, 2), "sale", 0.0, 9.0, 4.0) == {
                1: (3, 3.0, 9.0),
                2: (1, 4.0, 16.0),
            }
            assert tx.observations.earned("wine", (1, 2), "sale", 2.0, 3.0, 4.0) == {1: (1, 0.0, 0.0)}


class JudgementsContract:
    def test_windows_are_closed_once_and_read_oldest_first(self, state: State) -> None:
        none = np.zeros(0)
        counts = [Counts(n, np.array([n, 0]), np.zeros((1, 8), dtype=np.int64), none, none) for n in range(4)]
        with state.begin() as tx:
            kept = tx.windows
            assert kept.last("wine", 1) == (0, 0)
            for n in (1, 2, 3):
                kept.close("wine", 1, n, n * 10, 0.0, 1.0, counts[n])
            kept.close("wine", 1, 3, 99, 0.0, 1.0, counts[0])
            assert kept.last("wine", 1) == (3, 30)
            assert kept.last("wine", 2) == (0, 0)
            found = kept.counts("wine", 1, last=2)
            assert [window for window, _ in found] == [Window("wine", 1, n, 0.0, 1.0, n) for n in (2, 3)]
            assert [c.bins.tolist() for _, c in found] == [[2, 0], [3, 0]]

    def test_verdicts_are_read_oldest_first(self, state: State) -> None:
        verdicts = [Verdict.of("wine/1", "drift", [Check("pH", "pass", observed=float(n))]) for n in range(3)]
        with state.begin() as tx:
            for n, verdict in enumerate(verdicts):
                tx.windows.record("wine", 1, "drift" if n else "quality", float(n), verdict)
            assert tx.windows.verdicts("wine") == [(float(n), 1, v) for n, v in enumerate(verdicts)]
            assert tx.windows.verdicts("wine", "drift", limit=1) == [(2.0, 1, verdicts[2])]
            assert tx.windows.verdicts("beer") == []

    def test_verdicts_are_thinned_evenly_and_the_newest_stays(self, state: State) -> None:
        with state.begin() as tx:
            for n in range(100):
                check = Check("rmse", "pass", observed=float(n))
                tx.windows.record("wine", 1 + n // 50, "quality", float(n), Verdict.of("wine/1", "quality", [check]))
            tx.windows.record("wine", 1, "drift", 5.0, Verdict.of("wine/1", "drift", []))
            thin = tx.windows.spread("wine", "quality", 0.0, 99.0, 10)
            assert [time for time, _, _ in thin] == [float(n) for n in range(9, 100, 10)]
            assert [time for time, _, _ in tx.windows.spread("wine", "quality", 90.0, 94.0, 600)] == [
                90,
                91,
                92,
                93,
                94,
            ]
            assert [of for _, of, _ in tx.windows.spread("wine", "quality", 48.0, 51.0, 9)] == [1, 1, 2, 2]
            assert tx.windows.spread("wine", "quality", 200.0, 300.0, 10) == []

    def test_alarms_are_numbered_kept_and_resolved(self, state: State) -> None:
        with state.begin() as tx:
            one = tx.alarms.put(Alarm(0, "wine", "drift", 1.0, "pH moved", data={"columns": ["pH"]}))
            two = tx.alarms.put(Alarm(0, "beer", "drift", 2.0, "x", 3))
            assert one.id
            assert two.id not in (0, one.id)
            done = tx.alarms.put(replace(one, state="resolved", quiet=3, changed=5.0))
            assert tx.alarms.get(one.id) == done
            assert tx.alarms.unresolved() == [two]
            assert tx.alarms.unresolved("wine") == []
            assert tx.alarms.all() == [done, two]
            assert (tx.alarms.all(limit=1), tx.alarms.all("wine")) == ([two], [done])

    def test_a_cause_has_one_unresolved_alarm(self, state: State) -> None:
        with state.begin() as tx:
            one = tx.alarms.put(Alarm(0, "wine", "drift", 1.0, "x"))
            with pytest.raises(Conflict, match="drift"):
                tx.alarms.put(Alarm(0, "wine", "drift", 2.0, "x"))
            tx.alarms.put(replace(one, state="resolved"))
            assert tx.alarms.put(Alarm(0, "wine", "drift", 2.0, "x")).id != one.id

    @pytest.mark.parametrize("id", [1, 99])
    def test_an_unknown_alarm_is_not_found(self, state: State, id: int) -> None:
        with state.begin() as tx:
            with pytest.raises(NotFound, match="boucle alarms"):
                tx.alarms.get(id)
            with pytest.raises(NotFound):
                tx.alarms.put(Alarm(id, "wine", "drift", 1.0, "x"))


class StateContract(
    TransactionContract,
    JournalContract,
    DeploymentsContract,
    ObservationsContract,
    RetentionContract,
    FeedbackContract,
    ServiceContract,
    JudgementsContract,
    KeysContract,
):
    """The whole suite."""
