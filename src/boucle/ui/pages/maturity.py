"""Maturity: what is missing to let go of the wheel?"""

from __future__ import annotations

from boucle.core.access import Role
from boucle.ui.actions import command
from boucle.ui.draw.glyphs import Tone, escape, sign, status
from boucle.ui.pages.settings import PARTS, let_in, parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.maturity import Item, Level, Maturity, maturity


async def page(shell: Shell) -> None:
    """Head with the level; then the three levels as checklists, what is missing with what adds it."""
    say = shell.words
    if not shell.may(Role.VIEWER, shell.project.name):
        shell.title(say("settings.part.maturity"))
        parts(shell, "maturity")
        let_in(shell, Role.VIEWER)
        return
    seen = await shell.read(maturity)
    shell.heading(seen, lambda view: (say.sentence(view.heading), say.sentence(view.lead)))
    parts(shell, "maturity")
    shell.part(seen, lambda view: levels(view, say), classes="levels", tag="div")


def levels(view: Maturity, say: Words) -> str:
    """Draw the levels side by side; those that are reached, the next one, and what comes later."""
    return "".join(_level(one, view.level, say) for one in view.levels)


def _level(one: Level, reached: int, say: Words) -> str:
    key, of = _stands(one.number, reached)
    head = (
        f'<div class="row mid"><span class="small soft">{escape(say("maturity.number", number=one.number))}</span>'
        f"{status(of, say(f'maturity.{key}'))}</div><h2>{escape(say.sentence(one.title))}</h2>"
    )
    items = "".join(_item(item, say) for item in one.items)
    return (
        f'<section class="card level{" next" if key == "next" else ""}">{head}<ul class="items">{items}</ul></section>'
    )


def _stands(number: int, reached: int) -> tuple[str, Tone]:
    if number <= reached:
        return "here", "pass"
    return ("next", "run") if number == reached + 1 else ("later", "idle")


def _item(one: Item, say: Words) -> str:
    of: Tone = "pass" if one.done else "idle"
    word = say("maturity.done" if one.done else "maturity.miss")
    add = "" if one.done or not one.add else command(one.add, say("copy"), say("copied"))
    return (
        f'<li class="{of}">{sign(of)}<div><span class="hidden">{escape(word)}: </span>'
        f"{escape(say.sentence(one.what))}{add}</div></li>"
    )


ROUTES = (Route(PARTS["maturity"], "settings", page),)
