"""Home: does anyone need me?"""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.access import Role
from boucle.ui.actions import Action
from boucle.ui.deeds import Seen, undo
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.lists import decision_body, decision_icon, decision_time, model_row
from boucle.ui.live import Source
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.decisions import Decision
from boucle.views.overview import ModelCard, Overview, overview
from boucle.views.story import story

FOLDED = 12
"""With more models than this, those that are fine are folded away."""
SHOWN = 5
"""Decisions on the page; all of them are in the history."""


async def home(shell: Shell) -> None:
    """Head with who needs somebody; then the models, those first, and beside them the chosen one and what happened."""
    only = shell.caller.models
    seen = await (shell.read(overview) if only is None else shell.read(overview, only))
    say = shell.words
    shell.heading(seen, lambda view: (say.sentence(view.heading), say.sentence(view.lead)))
    chosen = _chosen(shell, seen.value) if seen.value is not None else None
    if chosen is not None:
        await shell.read(story, chosen.name)
    shell.rebuilt(seen, lambda view: _layout(shell, view), lambda view: _body(shell, seen, view))


def _layout(shell: Shell, view: Overview) -> int:
    """Return how many models the page is made for: none, one, or 2 for more."""
    return min(2, len(view.models)) if _chosen(shell, view) is not None else 0


def _body(shell: Shell, seen: Source[Overview], view: Overview) -> None:
    chosen = _chosen(shell, view)
    told = shell.heart.source(story, chosen.name if chosen is not None else shell.project.name)
    if chosen is None:
        with shell.box("grid2 even"):
            parts.nothing(shell)
            if shell.may(Role.VIEWER, shell.project.name):
                parts.ring_card(shell, told)
    elif len(view.models) == 1:
        with shell.box("grid2 even"):
            with shell.box("stack"):
                parts.ring_card(shell, told)
                happened(shell, seen)
            with shell.box("stack"):
                parts.story_card(shell, told)
    else:
        with shell.box("grid2"):
            with shell.box("stack"):
                models(shell, seen, chosen.name)
                happened(shell, seen)
            with shell.box("stack"):
                parts.ring_card(shell, told)
                parts.story_card(shell, told)


def _chosen(shell: Shell, view: Overview) -> ModelCard | None:
    """Return the model whose loop is shown: the one asked for, else the first of the list."""
    if all(one.version is None and one.ring[1].state == "idle" for one in view.models):
        return None
    wanted = shell.asked("model")
    return next((one for one in view.models if one.name == wanted), view.models[0])


def models(shell: Shell, seen: Source[Overview], chosen: str) -> None:
    """List the models in the order they had when the page was opened: nothing moves away under somebody's pointer."""
    order = _order(seen.value)

    def draw(view: Overview) -> str:
        return listed(view, shell, chosen, order)

    def renew() -> None:
        nonlocal order
        order = _order(seen.value)
        if seen.value is not None:
            rows.set_content(draw(seen.value))
        offer.classes(remove="on")

    def moved(view: Overview) -> None:
        offer.classes(**{"add" if order != _order(view) else "remove": "on"})

    with shell.box("stack tight o1"):
        with shell.box("acts offer") as offer:
            button = ui.element("button").classes("btn").props('type="button"').on("click", renew)
            with button:
                ui.html(escape(shell.words("home.reorder")), tag="span")
        rows = shell.part(seen, draw, classes="card flush", tag="nav", label=shell.words("home.models"))
    shell.follow(seen, lambda: moved(seen.value) if seen.value is not None else None)


def _order(view: Overview | None) -> tuple[str, ...]:
    return tuple(one.name for one in view.models) if view is not None else ()


def listed(view: Overview, shell: Shell, chosen: str, order: Sequence[str] = ()) -> str:
    """List the models as ``order`` names them, new ones behind; with many, those that are fine are folded."""
    say = shell.words
    place = {name: at for at, name in enumerate(order)}
    models = sorted(view.models, key=lambda one: place.get(one.name, len(place)))

    def row(card: ModelCard) -> str:
        return model_row(card, shell.link("/", model=card.name), say, current=card.name == chosen)

    if len(models) <= FOLDED:
        return "".join(map(row, models))
    fine = [one for one in models if one.state == "fine"]
    shown = "".join(row(one) for one in models if one.state != "fine")
    rows = "".join(map(row, fine))
    return f'{shown}<details class="fold"><summary>{escape(say("home.fine", len(fine)))}</summary>{rows}</details>'


def happened(shell: Shell, seen: Source[Overview]) -> None:
    """Show the newest decisions; the last change of each model can be taken back here.

    They are one drawing that all tabs share, and one listener: an element for each would take a second with fifty tabs.
    """
    say = shell.words

    def take_back(event: GenericEventArguments) -> None:
        view = seen.value
        found = next((one for one in view.decisions if one.seq == event.args), None) if view is not None else None
        action = _undo(shell, found, view) if found is not None and view is not None else None
        if action is not None:
            shell.ask(action)

    with shell.box("card o4", "section"):
        then = f'<p class="small soft">{escape(say("home.then"))}</p>'
        shell.html(f"<h2>{escape(say('home.happened'))}</h2>{then}").style("margin-bottom: 8px")
        rows = shell.part(seen, lambda view: _rows(shell, view), classes="", tag="div")
        rows.on("click", take_back, js_handler=_TAKEN)
        shell.html(f'<a class="link small" href="{shell.link("/history")}">{escape(say("home.all"))}</a>')


_TAKEN = "(event) => { const at = event.target.closest('[data-take]'); if (at) emit(Number(at.dataset.take)); }"


def _rows(shell: Shell, view: Overview) -> str:
    if not view.decisions:
        return f'<p class="soft">{escape(shell.words("home.quiet"))}</p>'
    return "".join(_row(shell, one, view) for one in view.decisions[:SHOWN])


def _row(shell: Shell, one: Decision, view: Overview) -> str:
    say = shell.words
    link, button = shell.link("/history", event=one.seq), ""
    if _undo(shell, one, view) is not None:
        label = escape(say("undo.what", what=say.say(one.what)))
        mine = " data-undo=mine" if one.actor == shell.caller.actor else ""
        told = escape(say("undo"))
        button = f'<button type="button" class="undo" aria-label="{label}" data-take="{one.seq}"{mine}>{told}</button>'
    return (
        f'<div class="{"ev no" if one.refused else "ev"}"><div class="when">{decision_time(one, view.time, say)}</div>'
        f'<div class="mark">{decision_icon(one)}</div><div class="body">{decision_body(one, say, link)}</div>'
        f'<div class="end">{button}</div></div>'
    )


def _undo(shell: Shell, one: Decision, view: Overview) -> Action | None:
    """Return what takes a decision back, where there is such a thing and the reader may."""
    card = next((card for card in view.models if card.name == one.model), None)
    if not one.undo or card is None:
        return None
    was = Seen(card.name, card.version, card.challenger, card.phase, card.share)
    action = undo(shell.words, one.undo, was.holds)
    return action if action is not None and shell.may(action.role, one.model) else None


ROUTES = (Route("/", "home", home),)
