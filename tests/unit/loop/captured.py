"""A project whose captured requests are archived, for tests of what becomes of them later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from boucle.core.json import dumps
from boucle.core.observation import Feedback
from boucle.formats.block import Block, encode
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.loop.compaction import Compaction
from boucle.loop.project import Project
from boucle.loop.retention import Retention
from boucle.monitoring.ingest import ingest
from boucle.project.settings import Settings
from boucle.testing.clock import FakeClock

NOON, DAY = 1_767_268_800.0, 86400.0


class World:
    """A project whose champion has counted all there is, ten days of requests, and a clock in the test's hands."""

    def __init__(self, folder: Path, **more: Any) -> None:
        data = {"source": "wine.csv", "target": "quality"}
        told = {"name": "wine", "task": "tabular-regression", "data": data, **more}
        told["serve"] = {"capture": {"live": "3d"}}
        self.clock = FakeClock(NOON)
        self.project = Project(folder, Settings.model_validate(told), clock=self.clock)
        self.project.prepare()
        self.compaction = Compaction(self.project)

    def see(self, *ids: str, time: float, truth: bool = True) -> None:
        """Capture requests of one row each in a segment of their own, with their truth, and archive it."""
        many, writer = len(ids), SegmentWriter(self.project.segments, f"w{time:.0f}")
        seen = Block(
            "wine", 1, list(ids), [time] * many, [0.001] * many, [1] * many, ["champion"] * many, [""] * many,
            [""] * many, ("alcohol",), "f", np.arange(many, dtype="<f8").tobytes(), {}, {"prediction": [6.0] * many},
        )  # fmt: skip
        told = [(KIND_FEEDBACK, dumps(Feedback(id_, time + 60, [7.5]))) for id_ in ids if truth]
        assert writer.append([(KIND_BLOCK, encode(seen)), *told])
        writer.close()
        ingest(self.project.state, self.project.segments)
        while self.compaction.step().segments:
            pass
        self.judged()

    def hear(self, *entries: Feedback) -> None:
        """Take in feedback as a file or the control plane brings it: straight into the live state."""
        with self.project.state.begin() as tx:
            tx.observations.ingest((), entries, {})

    def judged(self) -> None:
        """Say that version 1 is champion and that all of its requests are counted."""
        with self.project.state.begin() as tx:
            held = tx.deployments.get("wine")
            if held.champion is None:
                tx.deployments.put(held.released(1))
            tx.settings.put("window:wine:1", {"position": 10**9})

    def ids(self) -> list[str]:
        with self.project.state.begin(write=False) as tx:
            return [one.id for _, one in tx.observations.rows("wine")]

    def retention(self, least: int = 1) -> Retention:
        return Retention(self.project, lambda: self.compaction.archive, least)
