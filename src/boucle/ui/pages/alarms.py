"""Alarms: what is open?"""

from __future__ import annotations

from collections.abc import Hashable

from nicegui import ui

from boucle.loop.alarms import QUIET_WINDOWS
from boucle.ui import deeds, upkeep
from boucle.ui.actions import Action, command
from boucle.ui.draw.glyphs import Tone, escape, sign, status
from boucle.ui.draw.numbers import table
from boucle.ui.draw.spark import spark
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.alarms import AlarmRow, AlarmsView, Notifying, alarms

TONES: dict[str, Tone] = {"open": "fail", "acknowledged": "watch", "resolved": "pass"}
_PAGES = {"drift": "drift", "quality": "quality", "slo": "quality", "business": "quality", "fault": "contract"}


async def page(shell: Shell) -> None:
    """Head with how many are open; then what does not arrive, what is muted, the alarms, and those that are over."""
    say = shell.words
    seen = await shell.read(alarms, shell.caller.models)
    shell.heading(seen, lambda view: (say.sentence(view.heading), say.sentence(view.lead)))
    with shell.box("stack"):
        shell.part(seen, lambda view: _undelivered(view, shell), classes="alerts", tag="div")
        shell.rebuilt(seen, _muting, lambda view: _muted(shell, view), classes="alerts")
        shell.rebuilt(seen, _shown, lambda view: _open(shell, view), classes="stack")
        with shell.box("card", "section"):
            shell.part(seen, lambda view: _past(view, say), classes="", tag="div")
        shell.part(seen, lambda view: _foot(view, say), classes="small soft", tag="div")


def _muting(view: AlarmsView) -> Hashable:
    return tuple(view.muted.items())


def _shown(view: AlarmsView) -> Hashable:
    """Return what the open alarms show, but for their age: that is written in days and hours."""
    return tuple((one.id, one.state, one.quiet, one.done, one.asked, one.reason, len(one.sparks)) for one in view.open)


def _undelivered(view: AlarmsView, shell: Shell) -> str:
    return "".join(_failing(one, shell) for one in view.failing)


def _failing(one: Notifying, shell: Shell) -> str:
    say = shell.words
    more = say("alarms.failing.more", model=one.model, to=one.to, attempts=say.count(one.attempts))
    link = f'<a class="link" href="{escape(shell.link("/settings/alerts"))}">{escape(say("alarms.failing.see"))}</a>'
    told = status("fail", say("alarms.failing", one.waiting))
    return f'<div class="card note fail">{told}<span class="small soft">{escape(more)} {link}</span></div>'


def _muted(shell: Shell, view: AlarmsView) -> None:
    say = shell.words
    for model, until in view.muted.items():
        with shell.box("card note"):
            shell.html(status("wait", say("alarms.muted", model=model, until=say.moment(until, view.time))))
            _button(shell, upkeep.unmute(say, model), model)


def _open(shell: Shell, view: AlarmsView) -> None:
    if not view.open:
        say = shell.words
        text = f"<p>{escape(say('alarms.empty'))}</p><p>{escape(say('alarms.how', n=QUIET_WINDOWS))}</p>"
        shell.html(f'<div class="card empty">{text}{command("boucle alarms --all", say("copy"), say("copied"))}</div>')
    for one in view.open:
        with shell.box("card alarm", "section"):
            shell.html(_told(one, view.time, shell))
            _acts(shell, one, muted=one.model in view.muted)


def _told(one: AlarmRow, now: float, shell: Shell) -> str:
    """Write one alarm: what and for how long, its evidence, where it stands, what was done."""
    say = shell.words
    title = say.say(one.title)
    ref = f"{one.model}/{one.version}" if one.version is not None else one.model
    unit = say("alarms.spark.unit.drift" if one.cause == "drift" else "alarms.spark.unit")
    label = say(
        "alarms.spark", model=one.model, title=title, value=say.fixed(one.sparks[-1].value) if one.sparks else ""
    )
    under = f"{unit} · {say('alarms.spark.windows', len(one.sparks))}"
    drawn = f'{spark(one.sparks, label, say)}<div class="small soft">{escape(under)}</div>' if one.sparks else ""
    state = status(TONES[one.state], say(f"alarms.state.{one.state}"))
    since = escape(say("alarms.since", span=say.span(now - one.opened)))
    return (
        f'<div class="alarm-top"><div class="top" style="margin:0"><h2>{escape(ref)} · {escape(title)}</h2>{state}'
        f'<span class="small soft num" title="{escape(say.date(one.opened))}">{since}</span></div></div>'
        f'<div class="alarm-body"><div><p class="clip3">{escape(_why(one, say))}</p>{_done(one, say)}</div>'
        f"<div>{drawn}</div></div>{_life(one, now, say)}"
    )


def _why(one: AlarmRow, say: Words) -> str:
    return say.sentence(one.why) if one.why is not None else one.reason


def _did(one: AlarmRow, say: Words) -> str:
    return say.say(one.did) if one.did is not None else one.done


def _done(one: AlarmRow, say: Words) -> str:
    done = _did(one, say)
    told = f"<b>{escape(say('alarms.done'))}</b>: {escape(done)}" if done else say("alarms.done.nothing")
    rows = [told]
    if one.approve:
        rows.append(f"<b>{escape(say('alarms.waits'))}</b>: <code>{escape(one.approve)}</code>")
    if one.asked:
        rows.append(f"{escape(say('alarms.asked', one.asked))}: <code>boucle alarms {one.id} --json</code>")
    return "".join(f'<p class="small did">{row}</p>' for row in rows)


def _life(one: AlarmRow, now: float, say: Words) -> str:
    """Draw where an alarm stands in its life: open, acknowledged, resolved."""
    seen = one.state != "open"
    when = say.moment(one.changed, now) if seen else say("alarms.step.nobody")
    quiet = say("alarms.step.quiet", quiet=one.quiet, all=QUIET_WINDOWS)
    steps: list[tuple[Tone, str, str]] = [
        ("fail", "open", say.moment(one.opened, now)),
        ("watch" if seen else "idle", "acknowledged", when),
        ("wait" if one.quiet else "idle", "resolved", quiet),
    ]
    drawn = "".join(
        f'<li class="{of}"><span class="dot">{sign(of)}</span><b>{escape(say(f"alarms.step.{key}"))}</b>'
        f'<span class="small soft num">{escape(beside)}</span></li>'
        for of, key, beside in steps
    )
    return f'<ol class="steps life">{drawn}</ol>'


def _acts(shell: Shell, one: AlarmRow, *, muted: bool) -> None:
    say = shell.words
    with shell.box("acts"):
        if one.state == "open":
            _button(shell, deeds.acknowledge(say, one.id, one.model), one.model, "pri")
        path = f"/models/{one.model}/{_PAGES[one.cause]}" if one.cause in _PAGES else f"/models/{one.model}"
        shell.html(f'<a class="btn" href="{escape(shell.link(path))}">{escape(say("alarms.open.page"))}</a>')
        if not muted:
            _mute(shell, one.model)


def _mute(shell: Shell, model: str) -> None:
    """Put the ends to choose from behind one button."""
    say = shell.words
    with ui.element("details").classes("menu"):
        shell.html(escape(say("alarms.mute")), "btn", tag="summary")
        with shell.box("menu-body"):
            shell.html(escape(say("alarms.mute.what", model=model)), "small soft", tag="p")
            with shell.box("acts"):
                for written, seconds in upkeep.SPANS:
                    _button(shell, upkeep.mute(say, model, written, seconds), model)
            shell.html(command(f"boucle mute {model} --until 2h", say("copy"), say("copied")))


def _button(shell: Shell, action: Action, model: str, look: str = "") -> None:
    shell.button(action.label, lambda: action, action.role, model, look=look)


def _past(view: AlarmsView, say: Words) -> str:
    if not view.resolved:
        return f'<p class="small soft">{escape(say("alarms.past.none"))}</p>'
    heads = [say(f"alarms.col.{key}") for key in ("what", "opened", "lasted", "done")]
    rows = [
        [
            f"{status('pass', f'{one.model} · {say.say(one.title)}')}",
            f'<span class="small num">{escape(say.moment(one.opened, view.time))}</span>',
            f'<span class="small num">{escape(say.span(one.changed - one.opened))}</span>',
            f'<span class="small">{escape(_did(one, say) or "–")}</span>',
        ]
        for one in view.resolved
    ]
    title = say("alarms.past", len(rows))
    return f'<h2 style="margin-bottom:8px">{escape(title)}</h2>{table(title, heads, rows, fold=True)}'


def _foot(view: AlarmsView, say: Words) -> str:
    level = say.percent(view.budget / 100.0)
    return (
        f"<p>{escape(say('alarms.budget', budget=say.number(view.budget, 1), level=level))}</p>"
        f"<p>{escape(say('alarms.how', n=QUIET_WINDOWS))}</p>"
    )


ROUTES = (Route("/alarms", "alarms", page),)
