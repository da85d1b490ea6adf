"""The release state as the data plane reads it: one table of routes, published as one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from boucle.core.deployment import Deployment, Rollout, Route, RouteTable, Rule, Target
from boucle.core.errors import BoucleError, StoreError
from boucle.formats.routes import read_routes, write_routes
from boucle.project.answering import Fallback
from boucle.project.settings import Settings

FindTarget = Callable[[str, int], Target]
"""Where the bundle of a model's version lies; raises NotFound or BundleError."""


def table(deployments: Iterable[Deployment], target: FindTarget, settings: Settings | None) -> RouteTable:
    """Say for each released model what answers. The generation rises with every change of any model."""
    kept = list(deployments)
    routes = (_route(one, target, settings) for one in kept if one.champion is not None)
    return RouteTable(sum(one.generation for one in kept), tuple(routes))


def publish(path: Path, new: RouteTable) -> bool:
    """Write the file if it says something else; returns whether it did. A damaged file is written anew."""
    try:
        if read_routes(path) == new and path.exists():
            return False
    except StoreError:
        pass  # unreadable: the new table takes its place
    write_routes(path, new)
    return True


def _route(one: Deployment, target: FindTarget, settings: Settings | None) -> Route:
    assert one.champion is not None  # the caller leaves out what was never released
    rollout = one.rollout if one.challenger is not None else None
    shadow = rollout is not None and _shadowing(rollout)
    declared = settings.serve.fallback if settings and settings.name == one.model else None
    fallback = declared if isinstance(declared, Fallback) else None
    previous = fallback is not None and fallback.previous
    warm = _warm(one, target) if previous or _switched(one) else ()
    return Route(
        one.model,
        one.enabled,
        target(one.model, one.champion),
        challenger=target(one.model, rollout.challenger) if rollout else None,
        share=rollout.share if rollout and not shadow else 0.0,
        shadow=shadow,
        warm=warm,
        fallback=declared if fallback is None else fallback.otherwise,
        rules=_rules(fallback),
        standby=warm[0].version if warm and previous else None,
    )


def _rules(fallback: Fallback | None) -> tuple[Rule, ...]:
    declared = [] if fallback is None else fallback.rules
    return tuple(Rule(one.when.column, one.when.op, one.when.value, one.then) for one in declared)


def _shadowing(rollout: Rollout) -> bool:
    phase = rollout.held_from if rollout.phase == "holding" else rollout.phase
    return phase == "shadow"


def _switched(one: Deployment) -> bool:
    """After a blue-green release the version before stays loaded."""
    return one.rollout is not None and one.rollout.strategy == "blue-green" and one.rollout.phase == "done"


def _warm(one: Deployment, target: FindTarget) -> tuple[Target, ...]:
    if one.previous is None:
        return ()
    try:
        return (target(one.model, one.previous),)
    except BoucleError:
        return ()  # it is gone: nothing to go back to, which is no reason to publish no routes
