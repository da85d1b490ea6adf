"""Home: does anyone need me? Every model with its state, its reason and its loop, those that need a person first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass

from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.views.decisions import Decision, decisions
from boucle.views.newest import Figure, Newest, figure, newest
from boucle.views.ring import Stage, ring
from boucle.views.standing import State, standing

DECIDED = 8
PRESSING: tuple[State, ...] = ("stopped", "below", "early", "watching", "fine")
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
        cards = _sorted(map(card, seen))
        trained = any(one.trained is not None for one in seen)
    return _made(project.name, now, cards, _shown(done, only), trained, _judged(seen))


def renewed(
    project: Project, before: Overview, models: Collection[str], only: Container[str] | None = None
) -> Overview:
    """Return ``before`` with what is new about ``models``; all others are as they were."""
    now, known = project.clock.now(), {one.name for one in before.models}
    with project.state.begin(write=False) as tx:
        held = [one for one in map(tx.deployments.get, sorted(models)) if only is None or one.model in only]
        seen = [newest(tx, one, now) for one in held if one.generation or one.model in known]
        done = decisions(tx, None, DECIDED if only is None else 4 * DECIDED)
    cards = {one.name: one for one in (*before.models, *map(card, seen))}
    trained = before.heading.key != "home.none" or any(one.trained is not None for one in seen)
    judged = max((before.judged, _judged(seen)), key=lambda time: time or 0.0)
    return _made(project.name, now, _sorted(cards.values()), _shown(done, only), trained, judged)


def _sorted(cards: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    return tuple(sorted(cards, key=lambda one: (one.rank, one.name)))


def _shown(done: Sequence[Decision], only: Container[str] | None) -> tuple[Decision, ...]:
    return tuple(one for one in done if only is None or one.model in only)[:DECIDED]


def _judged(seen: Sequence[Newest]) -> float | None:
    return max((time for one in seen for time, _ in one.verdicts.values()), default=None)


def _made(
    project: str,
    now: float,
    cards: tuple[ModelCard, ...],
    done: tuple[Decision, ...],
    trained: bool,
    judged: float | None,
) -> Overview:
    heading, lead = _headed(cards, trained)
    return Overview(
        project=project,
        time=now,
        heading=heading,
        lead=lead,
        models=cards,
        decisions=done,
        states=_counted(cards),
        rollouts=sum(one.challenger is not None for one in cards),
        alarms=sum(one.alarms for one in cards),
        requests=sum(one.requests for one in cards),
        judged=judged,
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
    lead = _summed(_counted(cards))
    if len(needing) == 1:
        return said("home.one.of", model=needing[0].name, rest=len(cards) - 1), lead
    if needing:
        return said("home.some", n=len(needing), all=len(cards)), lead
    if all(one.state == "fine" for one in cards):
        return said("home.fine.many", n=len(cards)), said("home.quiet.many")
    return said("home.quiet.many"), lead


def _summed(counted: dict[str, int]) -> Said:
    """Say how many models are in each state that there is, the most pressing first."""
    parts = [said(f"home.lead.{state}", n=counted[state]) for state in PRESSING if counted[state]]
    told = parts[0]
    for part in parts[1:]:
        told = said("home.lead.and", first=told, then=part)
    return said("home.lead", told=told)


def _alone(one: ModelCard) -> tuple[Said, Said]:
    name = f"{one.name}/{one.version}" if one.version is not None else one.name
    why = said("home.why", why=one.why)
    if one.needs:
        return said("home.one", model=name), said("home.is.why", state=said(one.state), why=one.why)
    if one.state == "fine":
        return said("home.fine.one", model=name), why
    return said("home.is", model=name, state=said(one.state)), why
