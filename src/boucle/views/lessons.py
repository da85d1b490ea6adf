"""What a retraining would learn from, what it costs, and why it should not begin now."""

from __future__ import annotations

from dataclasses import dataclass

from boucle.loop import alarms, memory
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.views.overview import read
from boucle.views.story import known


@dataclass(frozen=True, slots=True)
class Lessons:
    """``labels`` are the labelled rows that quality was judged on; ``lasted`` is how many seconds the last turn took.

    The keeper has begun ``done`` of its ``budget`` retrainings of a day. ``since`` is when the training under way began
    (Unix seconds), ``turn`` its number if a person asked for it, ``refused`` why none should. ``own`` says that it is
    this project that trains the model.
    """

    model: str
    own: bool
    version: int | None
    labels: int
    lasted: float | None
    done: int
    budget: int
    since: float | None
    turn: int | None
    refused: Said | None


def lessons(project: Project, model: str) -> Lessons:
    """Return what the next retraining of ``model`` is about; only the project's own model is trained here.

    Raises NotFound for a model that this project does not have.
    """
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        card, seen = read(tx, model, now)
        kept, fault = memory.read(tx, model), alarms.find(tx, model, "fault")
        lasted = _lasted(tx, model)
    since = float(seen.training["since"]) if seen.training else None
    refused = None
    if fault is not None:
        refused = said("lessons.fault", number=fault.id)
    elif since is not None:
        refused = said("lessons.running", span=max(0.0, now - since))
    return Lessons(
        model=model,
        own=model == project.name,
        version=card.version,
        labels=seen.labels,
        lasted=lasted,
        done=kept.fits_today(now),
        budget=project.settings.react.budget,
        since=since,
        turn=seen.training.get("turn") if seen.training else None,
        refused=refused,
    )


def _lasted(tx: Transaction, model: str) -> float | None:
    """Return how long the newest turn took from being asked for to its version, None where nobody noted it."""
    ended = tx.journal.events(model, ("trained",), limit=1)
    if not ended:
        return None
    begun = tx.journal.events(model, ("turn_asked", "retraining"), before=ended[0].seq, limit=1)
    return ended[0].time - begun[0].time if begun else None
