"""What people do so that the model learns: ask for a retraining, and for the labels it takes."""

from __future__ import annotations

from collections.abc import Hashable

from boucle.core.access import Role
from boucle.core.errors import Conflict
from boucle.loop import labelling
from boucle.loop.project import Project
from boucle.loop.turns import Turns
from boucle.ui.actions import Action, Done
from boucle.ui.deeds import say_reason
from boucle.ui.draw.glyphs import escape
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.lessons import Lessons, lessons


def retrain(say: Words, view: Lessons, turns: Turns) -> Action:
    """Begin a turn on the project's data and the feedback; it may be stopped while it runs."""

    def act(project: Project, _: str) -> Done:
        now = lessons(project, view.model)
        if now.refused is not None:
            raise Conflict(say.sentence(now.refused) + ".")
        started = turns.start(say_reason(project), True, project.actor)
        return Done(say("did.retrain"), "boucle status", stop(say, view.model, turns, int(started["turn"])))

    return Action(
        say("do.retrain.do", model=view.model),
        " ".join([say("do.retrain.says", model=view.model), *_told(say, view)]),
        "boucle train --with-feedback",
        "",
        Role.OPERATOR,
        act,
        view.model,
        back=say("do.retrain.back"),
    )


def stop(say: Words, model: str, turns: Turns, number: int) -> Action:
    """End the turn under way: nothing that it has done answers anything."""

    def act(project: Project, _: str) -> Done:
        turns.stop(number, project.actor)
        return Done(say("did.stopped"))

    return Action(say("do.stop"), say("do.stop.says"), "", "", Role.OPERATOR, act, model, asks=False)


def ask_for_labels(say: Words, model: str, count: int = labelling.USUAL) -> Action:
    """Choose rows to label first, and give them as a sheet to fill in."""

    def act(project: Project, _: str) -> Done:
        sheet = labelling.ask_for_labels(project, model, count)
        told = say("did.labels", len(sheet.rows))
        return Done(told, "boucle feedback to-label.csv", file=("to-label.csv", sheet.text))

    return Action(
        say("do.labels.do", count),
        say("do.labels.says", count),
        f"boucle label {model} --count {count}",
        "",
        Role.OPERATOR,
        act,
        model,
        back=say("do.labels.back"),
    )


def buttons(shell: Shell, view: Lessons) -> None:
    """Put the buttons that make a model learn; why there is none of them stands beside."""
    say = shell.words
    if view.turn is not None:
        halt = stop(say, view.model, shell.turns, view.turn)
        shell.button(halt.label, lambda: halt, halt.role, view.model)
    elif view.own and view.refused is None:
        shell.button(say("do.retrain"), lambda: retrain(say, view, shell.turns), Role.OPERATOR, view.model)
    if view.version is not None:
        shell.button(
            say("do.labels", labelling.USUAL), lambda: ask_for_labels(say, view.model), Role.OPERATOR, view.model
        )
    if view.own and view.refused is not None:
        told = say("do.retrain.refused", why=say.say(view.refused))
        shell.html(escape(told), "small soft", tag="p").style("flex-basis: 100%; margin: 0")


def shown(view: Lessons) -> Hashable:
    """Return what the buttons depend on."""
    return view.own, view.version, view.turn, view.refused and view.refused.key


def _told(say: Words, view: Lessons) -> list[str]:
    """Say what the turn learns from, how long the last one took, and what the keeper may still begin by itself."""
    found = [say("do.retrain.rows", view.labels)]
    if view.lasted is not None and view.lasted >= 1.0:
        found.append(say("do.retrain.lasted", span=say.span(view.lasted)))
    found.append(say("do.retrain.budget", done=say.count(view.done), budget=say.count(view.budget)))
    return found
