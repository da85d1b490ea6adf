from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.deployment import Deployment, Phase, Rollout
from boucle.core.errors import BoucleError, Conflict, NotFound
from boucle.core.json import dumps, loads


def canary(challenger: int = 2, phase: Phase = "stepping", share: float = 0.1) -> Rollout:
    return Rollout("r", challenger, "canary", phase, 0.0, 0.0, share, 1, (0.1, 0.5))


RELEASED = Deployment("wine").released(1)
ROLLING = RELEASED.starting(canary())


def test_a_release_lets_one_version_answer_and_remembers_the_one_before() -> None:
    second = RELEASED.released(2)
    assert (second.champion, second.previous, second.challenger) == (2, 1, None)
    assert second.generation == RELEASED.generation + 1
    assert not second.alias_synced


def test_releasing_the_champion_again_forgets_no_previous_one() -> None:
    assert RELEASED.released(2).released(2).previous == 1


def test_a_rollout_steps_through_its_shares_to_champion() -> None:
    half = ROLLING.stepping(5.0)
    assert half.rollout is not None
    assert (half.rollout.share, half.rollout.step, half.rollout.step_started) == (0.5, 2, 5.0)
    done = half.stepping(9.0)
    assert (done.champion, done.previous, done.challenger) == (2, 1, None)
    assert done.rollout is not None
    assert (done.rollout.phase, done.rollout.ended, done.rollout.live) == ("done", 9.0, False)


def test_an_aborted_rollout_leaves_the_champion_alone() -> None:
    ended = ROLLING.aborted(3.0, "worse")
    assert (ended.champion, ended.previous, ended.challenger) == (1, None, None)
    assert ended.rollout is not None
    assert (ended.rollout.phase, ended.rollout.reason, ended.rollout.share) == ("aborted", "worse", 0.0)


@pytest.mark.parametrize("phase", ["shadow", "stepping"])
def test_a_paused_rollout_goes_on_where_it_stood(phase: Phase) -> None:
    rolling = RELEASED.starting(canary(phase=phase))
    held = rolling.paused(1.0)
    assert held.rollout is not None
    assert (held.rollout.phase, held.rollout.share) == ("holding", 0.1)
    back = held.resumed(2.0)
    assert back.rollout is not None
    assert (back.rollout.phase, back.rollout.step_started) == (phase, 2.0)


def test_a_rollback_ends_the_rollout_first_and_then_swaps_champions() -> None:
    assert ROLLING.rolled_back(1.0).challenger is None
    back = RELEASED.released(2).rolled_back(1.0)
    assert (back.champion, back.previous) == (1, 2)
    assert back.rolled_back(2.0).champion == 2


def test_what_the_tables_do_not_allow_is_refused() -> None:
    refused = [
        lambda: Deployment("wine").starting(canary()),
        lambda: ROLLING.starting(canary(3)),
        lambda: RELEASED.starting(canary(1)),
        lambda: RELEASED.stepping(1.0),
        lambda: RELEASED.aborted(1.0, "x"),
        lambda: ROLLING.resumed(1.0),
        lambda: ROLLING.paused(1.0).paused(2.0),
        lambda: ROLLING.aborted(1.0, "x").stepping(2.0),
        lambda: RELEASED.switched(True),
    ]
    for attempt in refused:
        with pytest.raises(Conflict):
            attempt()
    with pytest.raises(NotFound, match="earlier champion"):
        RELEASED.rolled_back(1.0)


def test_a_synced_deployment_is_the_same_release() -> None:
    assert RELEASED.synced() == replace(RELEASED, alias_synced=True)


MOVES = {
    "release": lambda d, v, t: d.released(v),
    "start": lambda d, v, t: d.starting(canary(v)),
    "step": lambda d, v, t: d.stepping(t),
    "abort": lambda d, v, t: d.aborted(t, "x"),
    "pause": lambda d, v, t: d.paused(t),
    "resume": lambda d, v, t: d.resumed(t),
    "rollback": lambda d, v, t: d.rolled_back(t),
    "disable": lambda d, v, t: d.switched(False),
    "enable": lambda d, v, t: d.switched(True),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(1, 4)), max_size=25))
def test_no_sequence_of_changes_leaves_a_state_without_sense(moves: list[tuple[str, int]]) -> None:
    now = Deployment("wine")
    for time, (move, version) in enumerate(moves):
        try:
            after = MOVES[move](now, version, float(time))
        except BoucleError:
            continue
        assert after.generation == now.generation + 1
        assert after.champion is not None or not after.rollout
        assert after.champion != after.previous or after.champion is None
        assert after.challenger is None or after.challenger != after.champion
        assert now.champion is None or after.champion is not None
        assert loads(dumps(after), Deployment) == after
        now = after
