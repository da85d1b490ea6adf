"""A whole loop in a temporary folder: real keeper, state, policy and delivery; simulated callers, clock and training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.deployment import Deployment
from boucle.core.event import Event
from boucle.core.json import dumps
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Role
from boucle.core.profile import Profile
from boucle.core.verdict import Verdict
from boucle.drill.concept import Concept
from boucle.drill.faults import Traffic
from boucle.drill.population import Population
from boucle.drill.scenarios import Skill
from boucle.formats import block, bundle
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.loop.keeper import Keeper
from boucle.loop.project import Project
from boucle.measures.profiles import reference_profile
from boucle.ports.engine import Outcome
from boucle.project.settings import Settings, seconds
from boucle.serving.columns import plain

START = 1_767_225_600.0  # a Thursday at midnight
HOUR = 3600.0
_FEWEST_REFERENCE, _MOST_REFERENCE = 2_000, 20_000
_PATIENCE = 1
"""Polls a training takes."""


class DrillClock:
    """Stands still until the drill moves it."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class DrillWork:
    """A training that ends at the second look, with the version the drill has ready."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._left = _PATIENCE

    def poll(self) -> Outcome | None:
        self._left -= 1
        return self._outcome if self._left < 0 else None

    def stop(self) -> None:
        """Nothing runs."""


class DrillEngine:
    """Trains nothing: every retraining asked for brings a version of the skill the scenario says."""

    name = "drill"

    def __init__(self, world: World, skill: Skill) -> None:
        self._world = world
        self._skill = skill

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> DrillWork:
        version = self._world.register(self._skill)
        answer = {"model": version.name, "version": version.number, "verdict": {"status": "pass", "checks": []}}
        return DrillWork(Outcome(0, answer, ""))


@dataclass(frozen=True)
class Source:
    """What every scenario begins with: the rows, the champion's bundle and metrics, its reference."""

    rows: Population
    info: BundleInfo
    metrics: dict[str, float]
    reference: dict[Skill, Profile]


def reference_of(rows: Population, window: int, seed: int, strength: float = 0.0) -> Profile:
    """Profile a past of the population's own law: ten windows of it, drawn as the traffic is."""
    rng = np.random.default_rng((seed, 1))
    places = rng.integers(len(rows), size=min(max(10 * window, _FEWEST_REFERENCE), _MOST_REFERENCE))
    told = {name: column[places] for name, column in rows.answers.items()}
    if strength:
        told = dict(Concept(rows).answers(told, places, strength))
    shares = None if "probabilities" not in told else np.asarray(told["probabilities"], dtype=np.float64)
    return reference_profile(rows.take(places), rows.signature.inputs, told[rows.signature.prediction.name], shares)


class World:
    """One scenario's service. ``settings`` are those of the project, made fit for a drill; ``rows`` a window's."""

    def __init__(self, folder: Path, settings: Settings, source: Source, rows: int, learned: Skill, seed: int) -> None:
        self.source = source
        self.settings = settings
        self.clock = DrillClock()
        self.project = Project(folder, settings, actor="keeper", clock=self.clock, environ={})
        self.project.__dict__["registry"] = plugins.load("registries", "memory")()
        self.project.__dict__["engine"] = DrillEngine(self, learned)
        self.keeper = Keeper(self.project)
        self.concept = Concept(source.rows)
        self.strength = 0.0
        self.released: int | None = None
        self._rows, self._seed = rows, seed
        self._skills: dict[int, tuple[Skill, float]] = {}
        self._span = HOUR if isinstance(settings.monitor.window, int) else seconds(settings.monitor.window)
        self._rng = np.random.default_rng((seed, 2))
        self._due: dict[int, list[list[tuple[int, bytes]]]] = defaultdict(list)
        self._window = 0
        self._told = 0
        self._segments = SegmentWriter(self.project.segments, "drill")
        first = self.register("champion")
        verdict = Verdict(first.ref, "gate", "pass")
        change = self.project.delivery.promote(first.name, first.number, "direct", "the drill's champion", verdict)
        self._told = change.events[-1].seq

    def register(self, skill: Skill) -> ModelVersion:
        """Register a version of the champion's bundle that answers with ``skill``; no model is in it."""
        root, number = self.project.root, len(self._skills) + 1
        strength = {"champion": 0.0, "retrained": self.strength, "poisoned": 0.0}[skill]
        staged = bundle.staging(root)
        bundle.write_info(staged, replace(self.source.info, lineage={"drill": number}))
        known = self.source.reference.get(skill) if not strength else None
        profile = known or reference_of(self.source.rows, self._rows, self._seed, strength)
        bundle.write_profile(staged, profile)
        path, digest = bundle.publish(staged, root)
        version = self.project.registry.register(
            self.project.name,
            path,
            ModelVersion(
                self.project.name, 0, digest, f"drill-{number}", self.clock.now(),
                passed=True, runtime=self.source.info.runtime, metrics=self.source.metrics,
            ),
        )  # fmt: skip
        self._skills[version.number] = (skill, 1.0 if skill == "poisoned" else strength)
        return version

    def release(self, skill: Skill, *, directly: bool) -> None:
        """Release a version at once, or roll it out as the project declares."""
        version = self.register(skill)
        how = "direct" if directly else None
        self.project.delivery.promote(version.name, version.number, how, "released by the drill")
        self.released = version.number

    def draw(self) -> Traffic:
        """Draw one window's requests from the population."""
        rows = self.source.rows
        places = self._rng.integers(len(rows), size=self._rows)
        promised = self.settings.monitor.slo.latency_p99_ms
        usual = 0.002 if promised is None else promised / 10_000.0
        return Traffic(
            places,
            rows.take(places),
            rows.truth[places],
            usual * self._rng.uniform(0.5, 2.0, self._rows),
            np.zeros(self._rows, dtype=np.bool_),
        )

    def pass_window(self, traffic: Traffic) -> list[Event]:
        """Let one window's requests be answered and its labels come, have the keeper look, and return the new events."""
        self._window += 1
        self.strength = traffic.strength
        begun = self.clock.now()
        with self.project.state.begin(write=False) as tx:
            held = tx.deployments.get(self.project.name)
        self._answer(held, traffic, begun)
        self.clock.sleep(begun + self._span - self.clock.now())
        for records in self._due.pop(self._window, ()):
            self._segments.append(records)
        self.keeper.look()
        self.keeper.look()  # what follows from what the first one did
        with self.project.state.begin(write=False) as tx:
            events = tx.journal.events(self.project.name, after=self._told)
        self._told = events[-1].seq if events else self._told
        return events

    def _answer(self, held: Deployment, traffic: Traffic, begun: float) -> None:
        if not held.enabled or held.champion is None:
            return
        times = begun + (np.arange(len(traffic)) + 0.5) / len(traffic) * self._span * 0.999
        split = np.zeros(len(traffic), dtype=np.bool_)
        rollout = held.rollout if held.challenger is not None else None
        if rollout is not None and rollout.phase != "shadow":
            split = self._rng.random(len(traffic)) < rollout.share
        self._answered(held.champion, "champion", traffic, ~split, times)
        if rollout is not None:
            shadow = rollout.phase == "shadow"
            role: Role = "shadow" if shadow else "challenger"
            self._answered(rollout.challenger, role, traffic, split | shadow, times)
        self._label(traffic)

    def _answered(
        self, version: int, role: Role, traffic: Traffic, mine: NDArray[np.bool_], times: NDArray[np.float64]
    ) -> None:
        """Write the requests one version answered, and those it failed, as the data plane does."""
        blamed = not traffic.release_only or version == self.released
        failed = traffic.failed & blamed
        usual = np.minimum(traffic.latency, 0.002)
        latency = traffic.latency if blamed else usual
        for broken in (False, True):
            which = np.flatnonzero(mine & (failed == broken))
            if not len(which):
                continue
            batch = {name: column[which] for name, column in traffic.batch.items()}
            told = {} if broken else self._outputs(version, batch, traffic.places[which])
            kept = {f.name: plain(batch[f.name]) for f in self.source.rows.signature.inputs if not f.pii}
            seen = block.Block(
                self.project.name, version, [self._id(i) for i in which], times[which].tolist(),
                latency[which].tolist(), [1] * len(which), [role] * len(which), [""] * len(which),
                ["model_error" if broken else ""] * len(which), (), "", b"", kept, told,
            )  # fmt: skip
            self._segments.append([(KIND_BLOCK, block.encode(seen))], len(which))

    def _outputs(self, version: int, batch: dict[str, Any], places: NDArray[np.intp]) -> dict[str, list[Any]]:
        _, strength = self._skills[version]
        told = self.source.rows.predictor.predict(batch)
        if strength:
            told = self.concept.answers(told, places, strength)
        return {name: plain(np.asarray(column)) for name, column in told.items()}

    def _label(self, traffic: Traffic) -> None:
        due = self._window + traffic.late
        now = self.clock.now() + traffic.late * self._span
        truths = traffic.truth.tolist()
        records = [(KIND_FEEDBACK, dumps(Feedback(self._id(i), now, [truth]))) for i, truth in enumerate(truths)]
        self._due[due] += [records] * (2 if traffic.twice else 1)

    def _id(self, place: int) -> str:
        return f"drill-{self._window:04d}-{place:05d}"

    def close(self) -> None:
        self._segments.close()
        self.project.close()
