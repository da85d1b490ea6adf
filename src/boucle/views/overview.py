"""Home: does anyone need me? Every model with its state, its reason and its loop, those that need a person first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass

from boucle.loop.project import Project
from boucle.ports.stores import Transaction
from boucle.views.decisions import Decision, decisions
from boucle.views.newest import Figure, Newest, figure, newest
from boucle.views.ring import Stage, ring
from boucle.views.said import Said, said
from boucle.views.standing import State, standing

DECIDED = 8
STATES: tuple[State, ...] = ("fine", "watching", "early", "below", "stopped")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model of the list. ``rank`` is its place: alarm 0, approval 1, rollout 2, watched 3, fine 4.

    ``quality`` is what labels say, ``estimate`` what is guessed without them; ``share`` the challenger's part of the
    traffic. ``since`` is when the champion was released (Unix seconds).
    """

    name: str
    version: int | None
    challenger: int | None
    share: float
    phase: str
    state: State
    why: Said
    needs: bool
    rank: int
    quality: Figure | None
    estimate: Figure | None
    ring: tuple[Stage, ...]
    alarms: int
    requests: float
    since: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """``requests`` are requests per second over five minutes; ``judged`` when a verdict was last made (Unix seconds).

    ``alarms`` counts those that nobody has acknowledged; ``states`` the models in each of the five states.
    """

    project: str
    time: float
    heading: Said
    lead: Said
    models: tuple[ModelCard, ...]
    decisions: tuple[Decision, ...]
    states: dict[str, int]
    rollouts: int
    alarms: int
    requests: float
    judged: float | None


def overview(project: Project, only: Container[str] | None = None) -> Overview:
    """Return where every model stands, or each of ``only``, from the live state alone."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        deployed = tx.deployments.all() or [tx.deployments.get(project.name)]
        seen = [newest(tx, held, now) for held in deployed if only is None or held.model in only]
        done = decisions(tx, None, DECIDED if only is None else 4 * DECIDED)
        cards = tuple(sorted(map(card, seen), key=lambda one: (one.rank, one.name)))
        trained = any(one.trained is not None for one in seen)
    heading, lead = _headed(cards, trained)
    judged = [time for one in seen for time, _ in one.verdicts.values()]
    return Overview(
        project=project.name,
        time=now,
        heading=heading,
        lead=lead,
        models=cards,
        decisions=tuple(one for one in done if only is None or one.model in only)[:DECIDED],
        states=_counted(cards),
        rollouts=sum(one.challenger is not None for one in cards),
        alarms=sum(one.alarms for one in cards),
        requests=sum(one.requests for one in cards),
        judged=max(judged, default=None),
    )


def find(project: Project, model: str) -> tuple[ModelCard, Newest]:
    """Return one model's card and the facts behind it."""
    with project.state.begin(write=False) as tx:
        return read(tx, model, project.clock.now())


def read(tx: Transaction, model: str, now: float) -> tuple[ModelCard, Newest]:
    seen = newest(tx, tx.deployments.get(model), now)
    return card(seen), seen


def card(seen: Newest) -> ModelCard:
    """Sum up one model."""
    where, held = standing(seen), seen.held
    rollout = held.rollout if held.challenger is not None else None
    return ModelCard(
        name=held.model,
        version=held.champion,
        challenger=held.challenger,
        share=rollout.share if rollout else 0.0,
        phase=rollout.phase if rollout else "",
        state=where.state,
        why=where.why,
        needs=where.needs,
        rank=where.rank,
        quality=_first(seen, "quality"),
        estimate=_first(seen, "estimate"),
        ring=ring(seen),
        alarms=sum(one.state == "open" for one in seen.alarms),
        requests=seen.requests,
        since=seen.released.time if seen.released else None,
    )


def _first(seen: Newest, kind: str) -> Figure | None:
    found = seen.verdicts.get(kind)
    if found is None or not found[1].checks:
        return None
    return figure(found[1].checks[0], found[0])


def _counted(cards: tuple[ModelCard, ...]) -> dict[str, int]:
    counted = Counter(one.state for one in cards)
    return {state: counted[state] for state in STATES}


def _headed(cards: tuple[ModelCard, ...], trained: bool) -> tuple[Said, Said]:
    if not trained and all(one.version is None for one in cards):
        return said("home.none"), said("home.none.lead")
    if len(cards) == 1:
        return _alone(cards[0])
    needing = [one for one in cards if one.needs]
    lead = said("home.lead", **{state: n for state, n in _counted(cards).items() if state != "stopped"})
    if len(needing) == 1:
        return said("home.one.of", all=len(cards)), lead
    if needing:
        return said("home.some", n=len(needing), all=len(cards)), lead
    if all(one.state == "fine" for one in cards):
        return said("home.fine.many", n=len(cards)), said("home.quiet.many")
    return said("home.quiet.many"), lead


def _alone(one: ModelCard) -> tuple[Said, Said]:
    name = f"{one.name}/{one.version}" if one.version is not None else one.name
    why = said("home.why", why=one.why)
    if one.needs:
        return said("home.one", model=name), said("home.is.why", state=said(one.state), why=one.why)
    if one.state == "fine":
        return said("home.fine.one", model=name), why
    return said("home.is", model=name, state=said(one.state)), why
