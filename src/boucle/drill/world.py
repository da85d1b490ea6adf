"""A whole loop in a temporary folder. Keeper, state, policy and delivery are real; callers and training are not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.deployment import Deployment, Strategy
from boucle.core.event import Event
from boucle.core.json import dumps
from boucle.core.model import ModelVersion
from boucle.core.observation import Feedback, Role
from boucle.core.verdict import Verdict
from boucle.drill.concept import Concept
from boucle.drill.faults import Traffic
from boucle.drill.reference import Source, past_of
from boucle.drill.scenarios import Skill
from boucle.drill.standins import DrillClock, DrillEngine
from boucle.formats import block, bundle
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.loop.keeper import Keeper
from boucle.loop.project import Project
from boucle.project.settings import Settings
from boucle.project.values import seconds
from boucle.serving.columns import plain

HOUR = 3600.0
QUICK = 0.002
"""Seconds an answer takes where nothing is promised, and where the version at fault did not give it."""


class World:
    """One scenario's service. ``settings`` are those of the project, made fit for a drill; ``rows`` a window's."""

    def __init__(self, folder: Path, settings: Settings, source: Source, rows: int, learned: Skill, seed: int) -> None:
        self.source = source
        self.settings = settings
        self.clock = DrillClock()
        self.project = Project(folder, settings, actor="keeper", clock=self.clock, environ={})
        self.project.__dict__["registry"] = plugins.load("registries", "memory")()
        self.project.__dict__["engine"] = DrillEngine(lambda: self.register(learned))
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
        past = past_of(self.source.rows, self._rows, self._seed, strength) if strength else self.source.past
        bundle.write_profile(staged, past.profile)
        bundle.write_quality(staged, past.quality)
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
        how: Strategy | None = "direct" if directly else None
        self.project.delivery.promote(version.name, version.number, how, "released by the drill")
        self.released = version.number

    def draw(self) -> Traffic:
        """Draw one window's requests from the population."""
        rows = self.source.rows
        places = self._rng.integers(len(rows), size=self._rows)
        promised = self.settings.monitor.slo.latency_p99_ms
        usual = QUICK if promised is None else promised / 10_000.0
        return Traffic(
            places,
            rows.take(places),
            rows.truth[places],
            usual * self._rng.uniform(0.5, 2.0, self._rows),
            np.zeros(self._rows, dtype=np.bool_),
        )

    def pass_window(self, traffic: Traffic) -> list[Event]:
        """Have one window's requests answered and its labels come, let the keeper look; returns the new events."""
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
        latency = traffic.latency if blamed else np.minimum(traffic.latency, QUICK)
        for broken in (False, True):
            which = np.flatnonzero(mine & (failed == broken))
            if not len(which):
                continue
            batch = {name: column[which] for name, column in traffic.batch.items()}
            told = {} if broken else self._outputs(version, batch, traffic.places[which])
            kept = {f.name: plain(batch[f.name]) for f in self.source.rows.signature.inputs if not f.pii}
            seen = block.Block(
                self.project.name, version, [self._id(i) for i in which.tolist()], times[which].tolist(),
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
