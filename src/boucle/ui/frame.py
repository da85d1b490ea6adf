"""What stands around every page: rail, bar, palette, keys, the banner of a lost server."""

from __future__ import annotations

import json
import time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui
from nicegui.element import Element

from boucle.core.access import Caller, Role
from boucle.ui.draw.glyphs import MARK, escape, icon
from boucle.ui.live import PERIOD, Source
from boucle.ui.routes import ENTRIES, FRENCH, SMALL
from boucle.ui.words.catalogue import Words
from boucle.views.overview import Overview, overview

if TYPE_CHECKING:
    from boucle.ui.shell import Shell

STATIC = Path(__file__).parent / "static"
ASSETS = "/assets"
OWN = ("drift", "quality")
"""Pages that each model has, by their entries in the rail."""
_QUIET = 0.02
"""Requests per second below which nobody asks."""


@cache
def style() -> str:
    """Return the link to the stylesheet; its address changes with what is in it."""
    return f'<link rel="stylesheet" href="{_address("boucle.css")}">'


@cache
def head() -> str:
    """Return what stands in the head of every page."""
    return f'{style()}<script src="{_address("console.js")}" defer></script>'


def _address(name: str) -> str:
    return f"{ASSETS}/{name}?{sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def draw(shell: Shell, entry: str) -> Element:
    """Draw the frame; returns the element that the page goes into."""
    ui.add_head_html(head())
    say = shell.words
    seen = shell.heart.source(overview)
    ui.html(f'<a class="skip" href="#content">{escape(say("nav.skip"))}</a>')
    ui.html(palette(shell, seen.value) + keys(say) + account_dialog(shell, shell.caller))
    ui.html('<div id="said" class="hidden" role="status"></div>')
    with shell.box("shell"):
        nav = shell.kept(seen, lambda: shell.drawn(seen, lambda view: rail(shell, entry, view)), "nav")
        nav.classes("rail").props(f'aria-label="{escape(say("nav.main"))}"')
        main = shell.box("main")
        small = shell.kept(seen, lambda: shell.drawn(seen, lambda view: bottom(shell, entry, view)), "nav")
        small.classes("bottom").props(f'aria-label="{escape(say("nav.small"))}"')
    with main:
        with shell.box("bar", "header"):
            shell.kept(seen, lambda: shell.drawn(seen, lambda _: pulse(say, seen)))
            shell.box("grow", "span")
            ui.html(tools(shell))
        shell.kept(seen, lambda: shell.drawn(seen, lambda _: _lost(say, seen))).classes("stale")
        return shell.box("").props('id="content" tabindex="-1"')


def _lost(say: Words, seen: Source[Overview]) -> str:
    """Write what is shown when the server is gone: how old all numbers are, with the day, for it may stay so long."""
    at = seen.at or time.time()
    read = f"{say.day(at)} {say.clock(at, seconds=True)}"
    return icon("lost") + f"<span>{escape(say('lost', time=read))}</span>"


def pulse(say: Words, seen: Source[Overview]) -> str:
    """Say that the page is live, how much traffic there is, and when the keeper last judged."""
    view = seen.value
    if view is None or seen.late:
        old = say("bar.stale", span=say.span(time.time() - seen.at if seen.at else PERIOD))
        return f'<div class="live{" old" if seen.late else ""}"><i></i>{escape(old)}</div>'
    looked = say("bar.nolook") if view.judged is None else say("bar.look", ago=say.ago(view.time - view.judged))
    rate = say("bar.rate", rate=say.number(view.requests, 2)) if view.requests >= _QUIET else say("bar.quiet")
    told = f'<span class="wide-only num">· {escape(rate)} · {escape(looked)}</span>'
    return f'<div class="live"><i></i>{escape(say("bar.live"))}{told}</div>'


def _counter(say: Words, name: str, view: Overview | None, *, small: bool = False) -> str:
    """Return the count beside an entry: only where somebody is needed, or something is under way.

    It says what it counts; on a small screen there is room for the number alone, and the words are read aloud.
    """
    if view is None or name not in ("rollouts", "alarms"):
        return ""
    count = view.rollouts if name == "rollouts" else view.alarms
    if not count:
        return ""
    look = "n red" if name == "alarms" else "n"
    if not small:
        return f'<span class="{look}">{escape(say(f"nav.count.{name}", count))}</span>'
    told = f'<span class="hidden">{escape(say(f"nav.counted.{name}", count))}</span>'
    return f'<span class="{look}"><span aria-hidden="true">{count}</span>{told}</span>'


def rail(shell: Shell, current: str, view: Overview | None = None) -> str:
    say = shell.words
    links = [f'<a class="brand" href="{shell.link("/")}">{MARK}Boucle</a>']
    for one in ENTRIES:
        here = ' aria-current="page"' if one.name == current else ""
        links.append(
            f'<a href="{shell.link(one.path)}" data-key="{one.key}"{here}>{icon(one.name)}'
            f"{escape(say(f'nav.{one.name}'))}{_counter(say, one.name, view)}</a>"
        )
    return "".join(links)


def bottom(shell: Shell, current: str, view: Overview | None = None) -> str:
    say = shell.words
    links = []
    for one in ENTRIES:
        if one.name in SMALL:
            here = ' aria-current="page"' if one.name == current else ""
            links.append(
                f'<a href="{shell.link(one.path)}"{here}>{icon(one.name)}{escape(say(f"nav.{one.name}"))}'
                f"{_counter(say, one.name, view, small=True)}</a>"
            )
    more = f'<button type="button" data-do="palette">{icon("more")}{escape(say("nav.more"))}</button>'
    return "".join(links) + more


def tools(shell: Shell) -> str:
    """Draw the right end of the bar: go to, language, theme, who is here."""
    say = shell.words
    other = shell.path if say.language == "fr" else FRENCH + (shell.path if shell.path != "/" else "")
    language = "fr" if say.language == "en" else "en"
    search = (
        f'<button type="button" class="ib" data-do="palette" aria-label="{escape(say("bar.goto.label"))}">'
        f'{icon("search")}<span class="wide-only">{escape(say("bar.goto"))}</span>'
        '<kbd class="wide-only">/</kbd></button>'
    )
    tongue = (
        f'<a class="ib" href="/language/{language}?to={escape(other)}" lang="{language}" '
        f'aria-label="{escape(say("bar.language"))}">{language.upper()}</a>'
    )
    label = escape(say("bar.theme"))
    theme = f'<button type="button" class="ib" data-do="theme" aria-label="{label}">{icon("theme")}</button>'
    return f'<div class="tools">{search}{tongue}{theme}{account(shell, shell.caller)}</div>'


def account(shell: Shell, caller: Caller) -> str:
    """Draw the button that says who is here."""
    who = named(shell.words, caller)
    label = f"{shell.words('bar.account')}: {who}"
    return (
        f'<button type="button" class="ib" data-do="account" aria-label="{escape(label)}">{icon("person")}'
        f'<span class="wide-only">{escape(who)}</span></button>'
    )


def named(say: Words, caller: Caller) -> str:
    if caller.by == "local":
        return say("bar.local")
    return f"{caller.name} · {say(f'role.{caller.role.value}')}"


def account_dialog(shell: Shell, caller: Caller) -> str:
    """Draw what that button opens: who is here, what they may do, and the way out."""
    say = shell.words
    if caller.by == "local":
        told, out = say("account.local"), ""
    else:
        told = say(f"account.{caller.role.value}")
        label = escape(say("signin.out"))
        out = f'<form method="post" action="/sign-out"><button class="btn" type="submit">{label}</button></form>'
    close = f'<button type="button" class="btn pri" data-do="close">{escape(say("close"))}</button>'
    return (
        f'<dialog class="account" aria-labelledby="who"><h2 id="who">{escape(named(say, caller))}</h2>'
        f'<p>{escape(told)}</p><div class="acts">{out}{close}</div></dialog>'
    )


def palette(shell: Shell, view: Overview | None) -> str:
    """Draw what `/` opens: every page and every model, found by a few letters.

    A model's own pages are added where they are shown, for they are many and all alike.
    """
    say = shell.words
    rows = [_found(shell.link(one.path), say(f"nav.{one.name}"), f"g {one.key}", icon(one.name)) for one in ENTRIES]
    for card in view.models if view is not None else ():
        if shell.may(Role.VIEWER, card.name):
            rows.append(_found(shell.link(f"/models/{card.name}"), card.name, say.say_state(card.state)))
    own = escape(json.dumps({name: say(f"nav.{name}") for name in OWN}))
    return (
        f'<dialog class="palette" aria-label="{escape(say("palette.title"))}"><input type="text" role="combobox" '
        f'aria-expanded="true" aria-controls="go" aria-autocomplete="list" autocomplete="off" '
        f'aria-label="{escape(say("palette.hint"))}" placeholder="{escape(say("palette.hint"))}">'
        f'<div class="found" id="go" role="listbox" aria-label="{escape(say("palette.title"))}" data-own="{own}">'
        f"{''.join(rows)}</div>"
        f'<p class="none small soft" style="padding:8px 12px" hidden>{escape(say("palette.none"))}</p></dialog>'
    )


def _found(path: str, label: str, beside: str, mark: str = "") -> str:
    return (
        f'<a href="{escape(path)}" role="option">{mark}<span>{escape(label)}</span>'
        f'<span class="soft small">{escape(beside)}</span></a>'
    )


def keys(say: Words) -> str:
    """Draw what `?` opens."""
    told = [("/", say("help.goto"))]
    told += [(f"g {one.key}", say("help.page", page=say(f"nav.{one.name}"))) for one in ENTRIES]
    told += [("j k", say("help.rows")), ("Enter", say("help.open")), ("u", say("help.undo")), ("?", say("help.help"))]
    rows = "".join(
        f"<dt>{' '.join(f'<kbd>{escape(k)}</kbd>' for k in key.split())}</dt><dd>{escape(does)}</dd>"
        for key, does in told
    )
    switch = f'<button type="button" class="btn" role="switch" data-do="keys">{escape(say("help.off"))}</button>'
    close = f'<button type="button" class="btn pri" data-do="close">{escape(say("close"))}</button>'
    return (
        f'<dialog class="help" aria-labelledby="keys"><h2 id="keys">{escape(say("help.title"))}</h2>'
        f'<dl class="keys">{rows}</dl><div class="acts">{switch}{close}</div></dialog>'
    )
