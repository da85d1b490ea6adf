"""A project with a past: real turns, a real keeper and customers, driven by a clock through weeks in seconds.

Month-to-month contracts become more and change their ways: the inputs drift, the champion loses its promise, the loop
retrains and rolls out; a person promotes a version that is worse, which is taken back; then the world changes again,
and a challenger has the tenth of the traffic when the story stops.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.adapters.runtimes import compiled
from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment, Rollout
from boucle.core.event import Event
from boucle.core.json import dumps
from boucle.core.observation import Feedback, Role
from boucle.core.signature import Signature
from boucle.core.verdict import Check, Verdict
from boucle.data import fields
from boucle.formats import block
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.loop import operations
from boucle.loop.keeper import Keeper
from boucle.loop.project import Project
from boucle.loop.turn import run_turn
from boucle.measures import estimates
from boucle.ports.engine import Outcome
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor
from boucle.ports.stores import Transaction
from boucle.serving.columns import plain
from boucle.testing.clock import FakeClock

MODEL = "churn"
PROJECT = """
name: churn
task: tabular-classification
data: {source: customers.csv, target: leaves}
model: {estimator: sklearn.linear_model.LogisticRegression}
evaluate: {metrics: [accuracy, f1], require: {accuracy: ">= 0.7"}, slices: [contract]}
release: {steps: [10, 50], min_feedback: 150, replay: 100}
monitor:
  window: 500
  slo: {latency_p99_ms: 50, error_rate: 0.01}
  business: {kept: {event: kept, value: amount}}
react: {min_labels: 200, since_change: true, follow_up: [30]}
serve: {port: 0, control_port: 0}
"""
HOUR = 3600.0
WINDOW, SPAN, OLDEST = 500, 3 * HOUR, 12 * HOUR
KNOWN = ("credit-risk", "wine-quality", "review-sentiment", "product-photos", "support-chat")
"""Models beside ours, for a home page with many; nothing serves them."""
CONTRACTS = ("month-to-month", "one year", "two years")
Frame = pd.DataFrame


def customers(rng: np.random.Generator, count: int, era: int = 0) -> Frame:
    """Draw customers and whether they leave; each ``era`` has its own mix, and month-to-month ones their own ways."""
    mix = ((0.21, 0.43, 0.36), (0.36, 0.37, 0.27), (0.52, 0.28, 0.20))[era]
    contract = rng.choice(CONTRACTS, count, p=mix)
    monthly = contract == "month-to-month"
    charges = np.round(rng.gamma(9.0, 7.0, count) + 6 * era * monthly, 2)
    tenure = np.round(rng.exponential(26.0, count)).astype(int)
    internet = rng.choice(("fibre", "dsl", "none"), count, p=(0.45, 0.35, 0.2))
    senior = rng.random(count) < 0.16
    pull = 1.6 * monthly - 0.045 * tenure + 0.03 * (charges - 63) + 0.7 * (internet == "fibre") + 0.4 * senior - 0.3
    turned = (-2.2, 2.6)[era - 1] if era else 0.0
    pull = pull + turned * monthly * (internet != "none")
    leaves = np.where(rng.random(count) < 1 / (1 + np.exp(-1.8 * pull)), "yes", "no")
    return pd.DataFrame(
        {
            "contract": contract, "monthly_charges": charges, "tenure": tenure, "internet": internet,
            "senior": senior, "leaves": leaves,
        }
    )  # fmt: skip


class Turned:
    """A turn that was done when it was asked for."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def poll(self) -> Outcome | None:
        return self._outcome

    def stop(self) -> None:
        """Nothing runs."""


class InProcess:
    """Does a retraining at once, here: the clock is ours, a process of its own would not know it."""

    name = "in process"

    def __init__(self, project: Project) -> None:
        self._project = project

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> Turned:
        given = dict(zip(arguments, [*arguments[1:], ""], strict=True))
        until = given.get("--until")
        result = run_turn(
            self._project,
            lambda *_: None,
            with_feedback="--with-feedback" in given,
            since=float(given.get("--since", 0.0)),
            until=None if until is None else float(until),
            alone="--alone" in given,
            reason=given["--reason"],
        )
        verdict: dict[str, object] = {"status": result.verdict.status, "checks": []}
        return Turned(Outcome(0, {"model": result.model, "version": result.version, "verdict": verdict}, ""))


class Past:
    """The story of one project, window by window."""

    def __init__(self, folder: Path, start: float) -> None:
        self.clock = FakeClock(start)
        self.project = Project.open(folder, actor="keeper", clock=self.clock)
        self.project.__dict__["engine"] = InProcess(self.project)
        self.keeper = Keeper(self.project)
        self._rng = np.random.default_rng(11)
        self._segments = SegmentWriter(self.project.segments, "past")
        self._models: dict[int, tuple[Predictor, Signature]] = {}
        self._late: list[list[tuple[int, bytes]]] = []
        self._window = 0

    def held(self) -> Deployment:
        with self.project.state.begin(write=False) as tx:
            return tx.deployments.get(MODEL)

    def live(self, windows: int, era: int = 0) -> None:
        """Let so many windows pass."""
        for _ in range(windows):
            self._pass(era)

    def _pass(self, era: int) -> None:
        self._window += 1
        rows = customers(self._rng, WINDOW, era)
        held, begun = self.held(), self.clock.now()
        times = begun + (np.arange(WINDOW) + 0.5) / WINDOW * SPAN
        rollout = held.rollout if held.challenger is not None else None
        split = self._rng.random(WINDOW) < (rollout.share if rollout else 0.0)
        assert held.champion is not None
        self._answer(held.champion, "champion", rows, ~split, times)
        if rollout is not None:
            self._answer(rollout.challenger, "challenger", rows, split, times)
        self.clock.sleep(SPAN)
        for records in self._late:
            self._segments.append(records)
        now = self.clock.now() + 0.5 * SPAN
        truths = [Feedback(self._id(i), now, [truth]) for i, truth in enumerate(rows["leaves"])]
        bought = [Feedback(self._id(i), now, event="kept", value=41.0) for i in range(0, WINDOW, 9)]
        self._late = [[(KIND_FEEDBACK, dumps(one)) for one in (*truths, *bought)]]
        self.keeper.look()
        self.keeper.look()  # what follows from the first one

    def _answer(
        self, version: int, role: Role, rows: Frame, mine: NDArray[np.bool_], times: NDArray[np.float64]
    ) -> None:
        which = np.flatnonzero(mine)
        if not len(which):
            return
        predictor, signature = self._model(version)
        part = rows.iloc[which]
        batch = to_batch(fields.conform(part.drop(columns=["leaves"]), signature.inputs), signature.inputs)
        told = {name: plain(np.asarray(column)) for name, column in predictor.predict(batch).items()}
        asked = {name: plain(column) for name, column in batch.items()}
        latencies = self._rng.lognormal(-5.6, 0.4, len(which)).tolist()
        seen = block.Block(
            MODEL, version, [self._id(i) for i in which.tolist()], times[which].tolist(), latencies,
            [1] * len(which), [role] * len(which), [""] * len(which), [""] * len(which), (), "", b"", asked, told,
        )  # fmt: skip
        self._segments.append([(KIND_BLOCK, block.encode(seen))], len(which))

    def _model(self, version: int) -> tuple[Predictor, Signature]:
        if version not in self._models:
            predictor, info = self.project.predictor(self.project.registry.version(MODEL, version))
            self._models[version] = predictor, info.signature
        return self._models[version]

    def _id(self, place: int) -> str:
        return f"past-{self._window:04d}-{place:04d}"

    def close(self) -> None:
        self._segments.close()
        self.project.close()


def settle(project: Project, count: int) -> None:
    """Put ``count`` models beside the project's own: one rolls out, one is watched, the others are fine."""
    now = project.clock.now()
    with project.state.begin() as tx:
        for place, name in enumerate(_names(count)):
            _settle(tx, name, place, now)


def announce(project: Project, count: int, now: float) -> None:
    """Write into the history that these models were trained and released nine days before ``now``."""
    with project.state.begin() as tx:
        for place, name in enumerate(_names(count)):
            version, value = _made(place)
            gate = {"status": "pass", "checks": [{"name": "accuracy", "observed": value, "status": "pass"}]}
            made = Event("trained", now - 9 * 24 * HOUR, "the first turn", name, version, "keeper")
            tx.journal.append(_with(made, {"verdict": gate, "rows": 8420, "metrics": {"accuracy": value}}))
            tx.journal.append(Event("release", now - 9 * 24 * HOUR, "passed its gate", name, version, "keeper"))


def _names(count: int) -> list[str]:
    return [*KNOWN[:count], *(f"model-{number:02d}" for number in range(count - len(KNOWN)))]


def _made(place: int) -> tuple[int, float]:
    """Return a model's version and its quality."""
    return 3 + place % 9, 0.95 - 0.013 * (place % 7)


def _settle(tx: Transaction, name: str, place: int, now: float) -> None:
    version, value = _made(place)
    rollout = None
    if place == 0:
        begun = now - 5 * HOUR
        rollout = Rollout(f"{name}#2", version + 1, "canary", "stepping", begun, begun, 0.1, 1, (0.1, 0.5), 200)
    held = Deployment(name, 1, True, version, version - 1, rollout)
    tx.deployments.put(held)
    _judged(tx, name, version, value, now)
    if place == 0:
        needed = Verdict.of(f"{name}/{version + 1}", "rollout", [Check("loss", "inconclusive", n=850)], needed=1150)
        tx.windows.record(name, version + 1, "rollout", now - 60, needed)
    if place == 3:
        near = Verdict.of(f"{name}/{version}", "drift", [Check("brightness", "fail", 0.13, "< 0.1", 0.11, 0.15, 500)])
        tx.windows.record(name, version, "drift", now - 60, near)
        tx.alarms.put(Alarm(0, name, "drift", now - 2 * HOUR, near.reason, version, "acknowledged", changed=now - HOUR))


def _judged(tx: Transaction, name: str, version: int, value: float, now: float) -> None:
    for hour in range(48, 0, -3):
        seen = value + 0.004 * ((hour * 7) % 5 - 2)
        check = Check("accuracy", "pass", seen, ">= 0.86", seen - 0.008, seen + 0.008, 500)
        time = now - hour * HOUR
        verdict = Verdict.of(f"{name}/{version}", "quality", [check], end=time - HOUR, late=HOUR, labels=500)
        tx.windows.record(name, version, "quality", time, verdict)


def _with(event: Event, data: dict[str, object]) -> Event:
    return Event(event.kind, event.time, event.reason, event.model, event.version, event.actor, data)


def lay_out(folder: Path) -> None:
    """Write the project's two files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boucle.yaml").write_text(PROJECT)
    customers(np.random.default_rng(2), 3000).to_csv(folder / "customers.csv", index=False)


QUIET, CHANGED, PROMOTED, CHANGED_AGAIN = 8, 8, 6, 5
"""Windows of each chapter; so many that each comes to its end, whatever the loop thinks of it on the way."""


@patch.object(estimates, "DRAWS", 20)  # guesses without labels are half of the work, and only looked at
def tell(folder: Path, now: float, others: int = 0) -> None:
    """Drive the whole story so that it ends at ``now`` (Unix seconds), with so many ``others`` beside the model."""
    lay_out(folder)
    past = Past(folder, now - (QUIET + CHANGED + PROMOTED + CHANGED_AGAIN) * SPAN)
    announce(past.project, others, now)
    run_turn(past.project, lambda *_: None, reason="the first turn")
    past.live(QUIET)
    past.live(CHANGED, era=1)
    worse = customers(np.random.default_rng(3), 800).assign(monthly_charges=60.0)
    extract = run_turn(past.project, lambda *_: None, reason="an old extract", frame=worse)
    ana = past.project.acting("ana")
    operations.promote(
        ana, f"{MODEL}/{extract.version}", "canary", "the new extract looked better to me", override=True
    )
    past.live(PROMOTED, era=1)
    past.live(CHANGED_AGAIN, era=2)
    settle(past.project, others)
    past.close()


def kept(build: Path, others: int = 0) -> Path:
    """Return the project with its past, in ``build``: told once in half a day, for it takes its time."""
    told = hashlib.sha256(Path(__file__).read_bytes() + bytes([compiled.VERSION])).hexdigest()[:12]
    folder = build / f"console-{told}-{others}"
    build.mkdir(exist_ok=True)
    with (build / "console.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several pytest workers may want it at once
        mark = folder / "told"
        if not mark.exists() or time.time() - mark.stat().st_mtime > OLDEST:
            for old in build.glob(f"console-*-{others}"):
                shutil.rmtree(old)
            tell(folder, time.time(), others)
            mark.touch()
    return folder
