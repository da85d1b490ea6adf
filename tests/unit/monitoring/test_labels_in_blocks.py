"""Labels that come late, twice, contradictory, from the future or a year late: each row is counted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from boucle.core.expected import Expected
from boucle.core.json import from_data, to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Joined, Observation
from boucle.core.signature import Field, Signature, outputs_of
from boucle.measures.metrics import labelled as paired
from boucle.measures.references import quality_reference
from boucle.measures.tallies import tally
from boucle.monitoring.blocks import KEPT, Blocks, add_late, recount
from boucle.monitoring.labels import labelled
from boucle.monitoring.quality import Judge, Quality
from boucle.monitoring.quality_look import look_at_quality
from boucle.ports.stores import State

from .conftest import make_settings

EXPECTED = Expected(0.1, 10_000.0, 0.3)
SIGNATURE = Signature((Field("shop", "string"),), outputs_of((0, 1)))


class Live:
    """A classifier whose first version answers 0 to everything; the truth is whether it errs."""

    def __init__(self, state: State) -> None:
        self.state, self.sent = state, 0
        self.version = ModelVersion("wine", 1, "d" * 64, "run", 0.0, metrics={"accuracy": 0.9})
        self.info = BundleInfo("wine", SIGNATURE, "sklearn", 0.0)
        self.settings = make_settings(
            task="tabular-classification", monitor={"window": 200}, evaluate={"metrics": ["accuracy"]}
        )
        self.reference: Any = None

    def serve(self, rows: int, time: float | None = None) -> list[str]:
        """Answer, a request a second; returns their ids."""
        ids = [f"r{self.sent + i}" for i in range(rows)]
        at = [1000.0 + self.sent + i if time is None else time for i in range(rows)]
        self.sent += rows
        seen = [
            Observation(id_, when, "wine", 1, "champion", 1, {"shop": ["a"]}, {"prediction": [0]})
            for id_, when in zip(ids, at, strict=True)
        ]
        with self.state.begin() as tx:
            tx.observations.ingest(seen, [], {})
        return ids

    def tell(self, ids: list[str], truths: Any, time: float = 1e4) -> None:
        with self.state.begin() as tx:
            tx.observations.ingest([], [Feedback(i, time, [int(t)]) for i, t in zip(ids, truths, strict=True)], {})

    def look(self, now: float = 1e6) -> Quality | None:
        with self.state.begin() as tx:
            return look_at_quality(tx, self.version, self.info, self.settings, now, self.reference)


@pytest.fixture
def live(state: State) -> Live:
    return Live(state)


def wrong(seed: int, rate: float, rows: int) -> NDArray[np.bool_]:
    return np.random.default_rng([51, seed]).random(rows) < rate


def evidence(found: Quality | None) -> float:
    assert found is not None
    value = found.verdict.checks[0].evidence["log_evidence"]
    assert isinstance(value, float)
    return value


@given(st.integers(0, 2**16), st.integers(2, 6), st.integers(1, 12))
def test_labels_in_any_order_and_portions_are_counted_once(seed: int, portions: int, size: int) -> None:
    random = np.random.default_rng(seed)
    times, losses = np.arange(60.0), (random.random(60) < 0.3).astype(float)
    known, blocks = np.zeros(60, dtype=bool), Blocks()
    for part in np.array_split(random.permutation(60), portions):
        since, fresh = blocks.since, np.isin(np.arange(60), part)
        known |= fresh
        read, late = np.flatnonzero(known & (times >= since)), np.flatnonzero(fresh & (times < since))
        blocks = recount(blocks, times[read], since, size, lambda m, r=read: tally(losses[r][m], EXPECTED, 0.01))  # type: ignore[misc]
        blocks = add_late(blocks, times[late], lambda m, r=late: tally(losses[r][m], EXPECTED, 0.01))  # type: ignore[misc]
        assert from_data(to_data(blocks), Blocks) == blocks
    if not blocks.over:
        assert blocks.rows == 60
        assert sum(one.total for one in blocks.tallies) == losses.sum()
    assert blocks.rows <= 60
    assert list(blocks.starts) == sorted(set(blocks.starts))
    assert len(blocks.starts) <= KEPT


def test_looking_often_sees_what_one_look_sees(live: Live) -> None:
    ids, truths = live.serve(1600), np.concatenate((wrong(1, 0.1, 800), wrong(2, 0.25, 800)))
    looks = []
    for start in range(0, 1600, 100):
        live.tell(ids[start : start + 100], truths[start : start + 100])
        looks.append(live.look())
    rows = Joined(ids, [0] * 1600, [1] * 1600, ["champion"] * 1600, [1000.0 + i for i in range(1600)], [1e4] * 1600,
                  [0] * 1600, [None] * 1600, truths.astype(int).tolist())  # fmt: skip
    told = labelled(rows, "tabular-classification", (0, 1))
    whole = Judge("wine/1", {"accuracy": 0.9}, ["accuracy"], 0.1, 200).judge(told)
    assert evidence(looks[-1]) == pytest.approx(evidence(whole))
    assert looks[7] is not None
    assert looks[7].verdict.status == "pass"
    assert looks[-1] is not None
    assert looks[-1].verdict.status == "fail"
    assert looks[-1].changed == pytest.approx(1800.0, abs=120)


def test_the_same_label_twice_is_no_news(live: Live) -> None:
    ids, truths = live.serve(400), wrong(3, 0.1, 400)
    live.tell(ids, truths)
    assert live.look() is not None
    live.tell(ids, truths, time=2e4)
    assert live.look() is None
    live.tell(["nobody"] * 50, wrong(4, 1.0, 50))
    assert live.look() is None


def test_a_truth_that_was_corrected_replaces_the_wrong_one(live: Live) -> None:
    ids = live.serve(430)
    live.tell(ids[:400], wrong(5, 0.9, 400))
    broken = live.look()
    assert broken is not None
    assert broken.verdict.status == "fail"
    live.tell(ids[:400], np.zeros(400), time=2e4)
    live.tell(ids[400:], np.zeros(30), time=2e4)
    mended = live.look()
    assert mended is not None
    assert (mended.verdict.status, mended.blocks.rows) == ("pass", 430)


def test_late_labels_count_in_the_block_of_their_request(live: Live) -> None:
    ids, truths = live.serve(2000), wrong(6, 0.1, 2000)
    truths[400:600] = wrong(7, 0.5, 200)
    late = np.arange(2000) // 200 == 2
    told = [(i, t) for i, t, waits in zip(ids, truths, late, strict=True) if not waits]
    live.tell([i for i, _ in told], [t for _, t in told])
    before = live.look()
    live.tell([i for i, w in zip(ids, late, strict=True) if w], truths[late], time=2e4)
    after = live.look()
    assert before is not None
    assert after is not None
    assert (before.blocks.rows, after.blocks.rows) == (1800, 2000)
    tallies = dict(zip(after.blocks.starts, after.blocks.tallies, strict=True))
    worst = max(tallies, key=lambda start: tallies[start].total / tallies[start].rows)
    assert worst <= 1400.0


def test_rows_from_the_future_wait_until_their_time(live: Live) -> None:
    live.tell(live.serve(300), wrong(8, 0.1, 300))
    jumped = live.serve(300, time=4e9)
    live.tell(jumped, np.ones(300))
    found = live.look()
    assert found is not None
    assert (found.verdict.status, found.blocks.rows) == ("pass", 300)
    live.tell(live.serve(100), wrong(9, 0.1, 100))
    later = live.look(now=5e9)
    assert later is not None
    assert (later.verdict.status, later.blocks.rows) == ("fail", 700)


def test_labels_of_long_ago_do_not_judge_the_model_of_today(live: Live) -> None:
    ids = live.serve(200 * (KEPT + 4))
    live.tell(ids[200:], wrong(10, 0.1, len(ids) - 200))
    assert live.look() is not None
    assert live.look() is None
    live.tell(ids[:200], np.ones(200), time=4e7)
    found = live.look(now=5e7)
    assert found is not None
    assert found.verdict.status == "pass"
    assert found.blocks.rows == len(ids) - 200


def test_what_is_remembered_stays_small_and_foreign_memories_are_forgotten(live: Live, state: State) -> None:
    with state.begin() as tx:
        tx.settings.put("quality:wine/1", {"rows": 5, "arrived": 9.0})
    live.tell(live.serve(6000), wrong(11, 0.1, 6000))
    assert live.look() is not None
    with state.begin() as tx:
        kept = tx.settings.get("quality:wine/1")
    assert len(kept["blocks"]["starts"]) == KEPT
    assert len(str(kept)) < 10_000


def test_slices_that_fail_are_found_from_the_reference_of_the_bundle() -> None:
    random = np.random.default_rng(52)

    def answered(rows: int, north: float) -> tuple[Any, Any]:
        shop = random.choice(["north", "south", "east"], rows, p=[0.1, 0.5, 0.4])
        return shop.astype(object), (random.random(rows) < np.where(shop == "north", north, 0.1)).astype(int)

    shop, truth = answered(8000, 0.1)
    reference = quality_reference(paired(truth, np.zeros(8000, dtype=int), None, (0, 1)), {"shop": shop})
    judge = Judge("wine/1", {"accuracy": 0.9}, ["accuracy"], 0.1, 500, reference)
    verdicts = []
    for north in (0.1, 0.6):
        shop, truth = answered(2000, north)
        rows = Joined([f"r{i}" for i in range(2000)], [0] * 2000, [1] * 2000, ["champion"] * 2000,
                      [float(i) for i in range(2000)], [1e4] * 2000, [0] * 2000, [None] * 2000, truth.tolist(),
                      {"shop": shop.tolist()})  # fmt: skip
        verdicts.append(judge.judge(labelled(rows, "tabular-classification", (0, 1))).verdict)
    assert [v.status for v in verdicts] == ["pass", "fail"]
    assert {c.name for c in verdicts[1].failed} == {"accuracy", "shop=north"}
    north_check = next(c for c in verdicts[1].checks if c.name == "shop=north")
    assert north_check.high is not None
    assert north_check.high < 0.7
    assert north_check.evidence["metric"] == "accuracy"
    assert {c.name for c in verdicts[0].checks} == {"accuracy", "shop=east", "shop=north", "shop=south"}


@pytest.mark.parametrize(("metric", "known"), [
    ("accuracy", {"accuracy": 0.9}), ("precision", {"precision": 0.9}), ("recall", {"recall": 0.9}),
    ("f1", {"f1": 0.9, "accuracy": 0.9}), ("roc_auc", {"roc_auc": 0.97, "accuracy": 0.9}),
    ("brier", {"brier": 0.09}), ("log_loss", {"log_loss": 0.325}),
])  # fmt: skip
def test_every_metric_of_a_classifier_stays_quiet_and_alarms(metric: str, known: dict[str, float]) -> None:
    random = np.random.default_rng(53)
    for rate, status in ((0.1, "pass"), (0.3, "fail")):
        told = np.where(random.random(4000) < 0.5, 0.9, 0.1)
        truth = np.where(random.random(4000) < rate, told < 0.5, told > 0.5).astype(int)
        shares = np.column_stack((1.0 - told, told)).tolist()
        rows = Joined([f"r{i}" for i in range(4000)], [0] * 4000, [1] * 4000, ["champion"] * 4000,
                      [float(i) for i in range(4000)], [1e4] * 4000, (told > 0.5).astype(int).tolist(), shares,
                      truth.tolist())  # fmt: skip
        found = Judge("c/1", known, [metric], 0.1, 500).judge(labelled(rows, "tabular-classification", (0, 1)))
        assert found.verdict.status == status
        assert found.verdict.checks[0].observed is not None


def test_a_metric_that_cannot_be_computed_never_decides() -> None:
    rows = Joined([f"r{i}" for i in range(300)], [0] * 300, [1] * 300, ["champion"] * 300,
                  [float(i) for i in range(300)], [1e4] * 300, [0] * 300, [None] * 300, [0] * 300)  # fmt: skip
    told = labelled(rows, "tabular-classification", (0, 1))
    (auc,) = Judge("c/1", {"roc_auc": 0.9}, ["roc_auc"], 0.1, 200).judge(told).verdict.checks
    assert (auc.status, auc.observed) == ("inconclusive", None)
    unknown = Judge("c/1", {"recall": float("nan")}, ["recall", "roc_auc"], 0.1, 200)
    recall, auc = unknown.judge(told).verdict.checks
    assert (recall.status, auc.status) == ("inconclusive", "pass")
    assert replace(recall, status="pass").observed is None


def test_looks_of_nothing_say_nothing(live: Live, tmp_path: Path) -> None:
    assert live.look() is None
    live.serve(50)
    assert live.look() is None
