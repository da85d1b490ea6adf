"""One model: is it fine, why did it change, which versions are there, and what can be done."""

from __future__ import annotations

from typing import get_args

from boucle.core.access import Role
from boucle.ui import deeds, learning
from boucle.ui.deeds import Seen
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.versions import lineage, table
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.lessons import lessons
from boucle.views.story import Span, story
from boucle.views.versions import VersionRow, Versions, versions

SPANS: tuple[Span, ...] = get_args(Span)


async def model(shell: Shell) -> None:
    """Head with where the model stands; then its loop and its story, what can be done, and its versions."""
    name, say = shell.given("name"), shell.words
    parts.reach(shell, name)
    span: Span = next((one for one in SPANS if one == shell.asked("span")), "release")
    told = await shell.read(story, name, span)
    made, taught = await shell.read(versions, name), await shell.read(lessons, name)
    shell.require(told)
    shell.heading(told, lambda view: (say.sentence(view.heading), " ".join(say.sentence(one) for one in view.lead)))
    with shell.box("acts", "nav").props(f'aria-label="{escape(say("model.actions"))}"').style("margin: -4px 0 20px"):
        shell.rebuilt(made, _key, lambda view: _buttons(shell, view), classes="acts")
        shell.rebuilt(taught, learning.shown, lambda view: learning.buttons(shell, view), classes="acts")
    with shell.box("grid2 even"):
        with shell.box("stack"):
            parts.ring_card(shell, told)
            with shell.box("card o5", "section"):
                shell.html(f'<h2 style="margin-bottom:12px">{escape(say("model.lineage"))}</h2>')
                shell.part(made, lambda view: lineage(view, say), classes="", tag="div")
        with shell.box("stack"):
            parts.story_card(shell, told, spans=lambda: _spans(shell, name, span), lead=False)
    with shell.box("card", "section"):
        shell.html(f'<h2 style="margin-bottom:4px">{escape(say("model.versions"))}</h2>')
        shell.part(made, lambda view: table(view, shell.link, say), classes="", tag="div")


def _spans(shell: Shell, name: str, chosen: Span) -> None:
    """Put the choice of how much time the strip shows: plain links, so that a picture can be sent to somebody."""
    links = "".join(
        f'<a href="{shell.link(f"/models/{name}", span=one)}"{" aria-current=true" if one == chosen else ""}>'
        f"{escape(shell.words(f'span.{one}'))}</a>"
        for one in SPANS
    )
    label = escape(shell.words("model.span"))
    shell.html(f'<div class="seg" role="group" aria-label="{label}">{links}</div>').style("margin: 4px 0 12px")


def _key(view: Versions) -> tuple[object, ...]:
    return view.champion, view.challenger, view.previous, view.phase, view.share, view.enabled, len(view.rows)


def _buttons(shell: Shell, view: Versions) -> None:
    """Put what can be done now, with the role it takes."""
    say, name = shell.words, view.model
    was = Seen(name, view.champion, view.challenger, view.phase, view.share)
    if view.challenger is not None:
        verb = deeds.resume if view.phase == "holding" else deeds.pause
        shell.button(verb(say, was).label, lambda: verb(say, was), Role.OPERATOR, name)
        shell.button(
            say("do.abort", version=view.champion), lambda: deeds.rollback(say, was), Role.OPERATOR, name, look="dan"
        )
    elif view.previous is not None and view.enabled:
        label = say("model.rollback", version=view.previous)
        shell.button(label, lambda: deeds.rollback(say, was, view.previous), Role.OPERATOR, name, look="dan")
    newest = _candidate(view)
    if newest is not None:
        against = newest.status != "pass"
        role = Role.APPROVER if against else Role.OPERATOR
        label = say("model.promote", ref=f"{name}/{newest.version}")
        shell.button(label, lambda: deeds.promote(say, was, newest.version, override=against), role, name)
    if view.champion is not None and view.enabled:
        shell.button(say("model.disable"), lambda: deeds.disable(say, was), Role.OPERATOR, name)
    elif view.champion is not None:
        shell.button(say("model.enable"), lambda: deeds.enable(say, was), Role.OPERATOR, name, look="pri")


def _candidate(view: Versions) -> VersionRow | None:
    """Return the newest version that could be promoted: newer than the champion, and not on its way already."""
    if view.challenger is not None or not view.rows or not view.enabled:
        return None
    newest = view.rows[0]
    return newest if newest.version > (view.champion or 0) else None


ROUTES = (Route("/models/{name}", "home", model),)
