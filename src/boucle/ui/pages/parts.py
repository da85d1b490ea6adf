"""Parts that several pages show: the ring of a model, its story, what there is before there is anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from boucle.core.access import Role
from boucle.core.errors import NotFound
from boucle.ui.actions import command
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.legend import of_story
from boucle.ui.draw.lists import status_of, who_answers
from boucle.ui.draw.ring import ring, stage_list
from boucle.ui.draw.strip import mark_tone, strip
from boucle.ui.live import Source
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.overview import ModelCard
from boucle.views.story import Mark, Story

V = TypeVar("V")
Reading = Source
ROUTES: tuple[Route, ...] = ()


def reach(shell: Shell, model: str) -> None:
    """Raise NotFound for a model that the reader's key does not reach: it is as if it were not there."""
    if not shell.may(Role.VIEWER, model):
        raise NotFound(shell.words("missing.model", name=model))


def nothing(shell: Shell) -> None:
    """Say what will be here, and the one command that makes it so."""
    say = shell.words
    text = f"<p>{escape(say('home.empty'))}</p><p>{escape(say('home.first'))}</p>"
    shell.html(f'<div class="card empty">{text}{command("boucle train", say("copy"), say("copied"))}</div>')


def links(shell: Shell, card: ModelCard) -> dict[str, str]:
    """Return where each stage of a model's ring leads."""
    model = f"/models/{card.name}"
    paths = {
        "data": f"{model}/contract", "train": model, "evaluate": model, "register": model, "release": "/rollouts",
        "serve": f"{model}/quality", "observe": f"{model}/quality", "judge": f"{model}/drift", "act": "/history",
    }  # fmt: skip
    return {stage: shell.link(path) for stage, path in paths.items()}


def centre(card: ModelCard, say: Words) -> list[str]:
    """Return the lines in the middle of the ring: who answers, and who wants to."""
    if card.version is None:
        return [card.name, say("home.nobody")]
    lines = [f"{card.name}/{card.version}"]
    if card.state == "stopped":
        return [*lines, say("home.off")]
    lines.append(say("home.share", share=say.percent(1.0 - card.share)))
    if card.challenger is not None:
        key = {"shadow": "home.shadow", "holding": "home.held"}.get(card.phase, "home.canary")
        lines.append(say(key, version=card.challenger, share=say.percent(card.share)))
    return lines


def ring_card(shell: Shell, told: Source[Story]) -> None:
    """Show where the loop of a model stands."""
    say = shell.words

    def head(view: Story) -> str:
        card = view.model
        name = f'<a href="{shell.link(f"/models/{card.name}")}">{escape(card.name)}</a>'
        who = f'<span class="grow"></span>{who_answers(card, say)}'
        return f'<div class="top"><h2>{name}</h2>{status_of(card, say)}{who}</div>'

    def wide(view: Story) -> str:
        return ring(view.model.ring, centre(view.model, say), links(shell, view.model), say)

    def small(view: Story) -> str:
        to = links(shell, view.model)
        drawn = ring(view.model.ring, centre(view.model, say), to, say, small=True)
        return drawn + stage_list(view.model.ring, to, say)

    with shell.box("card o2", "section"):
        shell.part(told, head, classes="", tag="div")
        shell.part(told, wide, classes="wide-only", tag="div")
        shell.part(told, small, classes="small-only", tag="div")


def story_card(
    shell: Shell, told: Source[Story], *, spans: Callable[[], None] = lambda: None, lead: bool = True
) -> None:
    """Show why it changed: the sentences, the strip, and its numbered decisions as links."""
    say = shell.words

    def head(view: Story) -> str:
        sentences = " ".join(say.sentence(one) for one in view.lead)
        of = {"below": "fail", "stopped": "fail", "watching": "watch"}.get(view.model.state, "")
        title = say("home.why" if view.marks else "home.how")
        shown = bool(sentences) and lead
        text = f'<p class="why small {of}" style="margin:6px 0 14px">{escape(sentences)}</p>' if shown else ""
        return f"<h2>{escape(title)}</h2>{text}{todo(view, shell)}"

    with shell.box("card o3", "section"):
        shell.part(told, head, classes="", tag="div")
        spans()
        shell.part(told, lambda view: strip(view, say), classes="wide-only", tag="div")
        shell.part(told, lambda view: strip(view, say, narrow=True), classes="small-only", tag="div")
        shell.part(told, lambda view: of_story(view, say) + marks(view, shell), classes="", tag="div")


def todo(view: Story, shell: Shell) -> str:
    """Say what a person can do, as a link to where it is done."""
    if view.advice is None:
        return ""
    card, say = view.model, shell.words
    pages = {
        "rollout": f"/rollouts/{card.name}/{card.challenger}",
        "alarms": "/alarms",
        "drift": f"/models/{card.name}/drift",
        "model": f"/models/{card.name}",
    }
    link, told = escape(shell.link(pages[view.advice.place])), escape(say.say(view.advice.told))
    return f'<p class="small todo"><b>{escape(say("home.next"))}</b> <a class="link" href="{link}">{told}</a></p>'


def marks(view: Story, shell: Shell) -> str:
    """List the strip's numbered decisions."""
    return numbered(view.marks, view.until, shell)


def numbered(marks: Sequence[Mark], until: float, shell: Shell) -> str:
    """List numbered decisions as links, seen from ``until`` (Unix seconds)."""
    rows = "".join(_mark(mark, until, shell) for mark in marks)
    return f'<ol class="marks">{rows}</ol>' if rows else ""


def _mark(mark: Mark, now: float, shell: Shell) -> str:
    say, one = shell.words, mark.decision
    when, what = say.moment(one.time, now), say.say(one.what)
    link = shell.link("/history", event=one.seq)
    return (
        f'<li class="{mark_tone(mark)}"><a href="{escape(link)}"><b>{mark.number}</b>'
        f'<span class="soft num">{escape(when)}</span> {escape(what)}</a></li>'
    )
