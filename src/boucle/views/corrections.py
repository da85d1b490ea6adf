"""Feedback that has not found the request it is about: it came first, or its id is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from boucle.loop.project import Project

MOST = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """``corrections`` wait; there may be ``more``."""

    corrections: int
    more: bool


def corrections(project: Project) -> Waiting:
    """Count the ids that feedback came back about and that no request has, 1,000 at most."""
    with project.state.begin(write=False) as tx:
        found = tx.observations.strays(project.clock.now(), MOST)
    return Waiting(len(found), len(found) == MOST)
