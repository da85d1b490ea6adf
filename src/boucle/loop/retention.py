"""What leaves the live state: requests that the archive holds, and that nothing judges or waits for any more.

It goes in slices, the oldest first. What came back about a slice is put into the archive before the slice goes, in one
transaction that only happens if that is still all there is. So killed anywhere, nothing is lost, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from boucle.core.deployment import Deployment
from boucle.core.json import dumps
from boucle.core.observation import Feedback
from boucle.formats import block
from boucle.formats.segment import KIND_BLOCK, SUFFIX, read_segment
from boucle.loop.project import Project
from boucle.ports.archive import Archive
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings
from boucle.project.values import seconds

HOUR, DAY = 3600.0, 86400.0
LEAST = 50_000
"""The newest requests of a model stay, however old: that is as far back as any judgement reads."""
SLICE, SLICES = 2_000, 10
"""Requests a transaction, and transactions a call."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What has left the live state so far: requests and their rows, all of them made before ``before``."""

    before: float = 0.0
    requests: int = 0
    rows: int = 0


def forgotten(tx: Transaction, model: str) -> Forgotten:
    """Return what of a model is in the archive only."""
    return Forgotten(**(tx.settings.get(_key(model)) or {}))


def horizon(settings: Settings) -> float:
    """Return how long, in seconds, requests stay at least: as long as is asked for, and as anything reads them."""
    window, wait = settings.monitor.window, seconds(settings.release.wait)
    span = 0.0 if isinstance(window, int) else seconds(window)
    return max(seconds(settings.serve.capture.live), 2.0 * span, wait + DAY)


class Retention:
    """What has to go is asked of the state each time. ``archive`` opens the archive."""

    def __init__(self, project: Project, archive: Callable[[], Archive], least: int = LEAST) -> None:
        self._project, self._archive, self._least = project, archive, least
        self._suspects: set[str] = set()

    def step(self) -> int:
        """Let go of some slices; returns how many requests went, 0 when there are no more.

        Raises StoreError when the archive or the live state cannot be used; nothing is lost by it.
        """
        project = self._project
        with project.state.begin(write=False) as tx:
            held = tx.deployments.get(project.name)
            before, upto = self._before(held), _judged(tx, held)
        gone = 0
        for _ in range(SLICES):
            went = self._slice(before, upto)
            gone += went
            if went < SLICE:
                break
        if not gone:
            self._strays(before)
        return gone

    def _before(self, held: Deployment) -> float:
        """Return the request time before which nothing is needed: a rollout reads all there is since its start."""
        bounds = [self._project.clock.now() - horizon(self._project.settings), _unarchived(self._project.segments)]
        if held.rollout is not None:
            bounds.append(held.rollout.started)
        return min(bounds)

    def _slice(self, before: float, upto: int) -> int:
        project = self._project
        with project.state.begin(write=False) as tx:
            oldest = tx.observations.oldest(project.name, before, upto, self._least, SLICE)
            told = tx.observations.feedback([id_ for _, id_ in oldest])
        if not oldest:
            return 0
        self._keep(told)
        with project.state.begin() as tx:
            if tx.observations.feedback([id_ for _, id_ in oldest]) != told:
                return 0  # more came back in between: the next call takes it along
            rows = tx.observations.let_go([position for position, _ in oldest])
            so_far = forgotten(tx, project.name)
            total = {"before": before, "requests": so_far.requests + len(oldest), "rows": so_far.rows + rows}
            tx.settings.put(_key(project.name), total)
        return len(oldest)

    def _strays(self, before: float) -> None:
        """Move what came back too late, about requests that are in the archive only, to where they are.

        Feedback may also come before its request: what is moved had none at the last call either.
        """
        project = self._project
        with project.state.begin(write=False) as tx:
            found = tx.observations.strays(before, SLICE)
            ids = [id_ for id_ in found if id_ in self._suspects]
            told = tx.observations.feedback(ids)
        self._suspects = set(found)
        if not ids:
            return
        self._keep(told)
        with project.state.begin() as tx:
            if tx.observations.feedback(ids) == told:
                tx.observations.let_go((), ids)

    def _keep(self, told: Iterable[Feedback]) -> None:
        """Put feedback into the archive, under a name made of it: the same again replaces itself."""
        entries = list(told)
        if entries:
            digest = blake2b(b"\n".join(dumps(one) for one in entries), digest_size=8).hexdigest()
            self._archive().write(f"told-{digest}", (), entries)


def _judged(tx: Transaction, held: Deployment) -> int:
    """Return the position up to which the champion's requests are counted into windows; 0 without any."""
    if held.champion is None:
        return 0
    under_way: Any = tx.settings.get(f"window:{held.model}:{held.champion}")
    _, closed = tx.windows.last(held.model, held.champion)
    return max(closed, int(under_way["position"]) if under_way else 0)


def _unarchived(segments: Path) -> float:
    """Return a time before which no request was made that a segment still holds, an hour's caution included."""
    return min((_first(path) - HOUR for path in segments.glob(f"*{SUFFIX}")), default=float("inf"))


def _first(path: Path) -> float:
    for kind, record, _ in read_segment(path):
        if kind == KIND_BLOCK:
            return min(block.decode(record).times, default=float("inf"))
    return float("inf")


def _key(model: str) -> str:
    return f"forgotten:{model}"
