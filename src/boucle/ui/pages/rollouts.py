"""Rollouts: may it go on? The evidence as it grows, what is still needed, and the way back."""

from __future__ import annotations

from boucle.core.access import Role
from boucle.ui import deeds
from boucle.ui.actions import command
from boucle.ui.deeds import Seen
from boucle.ui.draw import evidence
from boucle.ui.draw.bands import amount, band
from boucle.ui.draw.glyphs import escape, status, tone
from boucle.ui.draw.lists import reason_of
from boucle.ui.draw.numbers import behind, table
from boucle.ui.live import Source
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.rollout import RolloutView, rollout
from boucle.views.rollouts import RolloutRow, Rollouts, rollouts

_TONES = {"early": "wait", "going": "pass", "holding": "wait", "silent": "watch", "promoted": "pass", "ended": "fail"}
_STATUSES = {"pass": "verdict.pass", "fail": "verdict.fail", "inconclusive": "verdict.inconclusive"}


async def listing(shell: Shell) -> None:
    """Show the rollout under way, if there is one; and every one there was."""
    seen = await shell.read(rollouts, None, shell.caller.models)
    live = next((row for row in seen.value.rows if row.ended is None), None) if seen.value is not None else None
    if live is not None:
        await show(shell, live.model, live.challenger)
        with shell.box("stack below"):
            _list(shell, seen)
        return
    say = shell.words
    shell.heading(seen, lambda view: (say.sentence(view.heading), say.sentence(view.lead)))
    if seen.value is not None and not seen.value.rows:
        text = f"<p>{escape(say('rollout.empty'))}</p><p>{escape(say('rollout.first'))}</p>"
        shown = command(f"boucle promote {shell.project.name}/VERSION", say("copy"), say("copied"))
        shell.html(f'<div class="card empty">{text}{shown}</div>')
        return
    _list(shell, seen)


async def one(shell: Shell) -> None:
    await show(shell, shell.given("name"), int(shell.given("version")))


async def show(shell: Shell, model: str, version: int) -> None:
    """Head with what is known; then steps and actions, the evidence, the guardrails, and what would end it."""
    say = shell.words
    parts.reach(shell, model)
    seen = await shell.read(rollout, model, version)
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), " ".join(say.sentence(s) for s in view.lead)))
    by_time = shell.asked("by") == "time"
    with shell.box("card o1", "section"):
        with shell.box("top"):
            shell.part(seen, lambda view: _standing(view, shell), classes="row mid", tag="div")
            shell.box("grow")
            shell.rebuilt(seen, _key, lambda view: _buttons(shell, view), classes="acts")
        shell.part(seen, lambda view: evidence.steps(view, say), classes="", tag="div")
    with shell.box("grid2 w below"):
        with shell.box("card o2", "section"):
            with shell.box("split"):
                shell.part(seen, lambda view: _question(view, shell), classes="", tag="div")
                _along(shell, model, version, by_time)
            shell.part(seen, lambda view: _reads(view, shell), classes="", tag="div")
            shell.part(seen, lambda view: band(view, say, by_time=by_time), classes="wide-only", tag="div")
            narrow = shell.part(
                seen, lambda v: band(v, say, narrow=True, by_time=by_time), classes="small-only", tag="div"
            )
            narrow.props("aria-hidden=false")
            shell.part(seen, lambda view: _numbers(view, shell), classes="", tag="div")
        with shell.box("stack"):
            with shell.box("card o3", "section"):
                shell.html(f"<h2>{escape(say('rollout.checks'))}</h2>")
                shell.part(seen, lambda view: evidence.guardrails(view, say), classes="", tag="div")
            with shell.box("card o4", "section"):
                _wrong(shell, seen)


def _standing(view: RolloutView, shell: Shell) -> str:
    say, of = shell.words, tone(_TONES[view.state])
    left, right = say.percent(1.0 - view.asked), say.percent(view.asked)
    word = status(of, say(_STATUSES[view.status]))
    if view.ended is not None:
        chips = f'<span class="chip"><i></i>{escape(view.model)}/{view.champion}</span>'
        return word + chips + f'<span class="chip chall"><i></i>{escape(view.model)}/{view.challenger}</span>'
    return (
        f'{word}<span class="chip"><i></i>{escape(say("champion"))} {view.champion} · {escape(left)}</span>'
        f'<span class="chip chall"><i></i>{escape(say("challenger"))} {view.challenger} · {escape(right)}</span>'
    )


def _key(view: RolloutView) -> tuple[object, ...]:
    return view.id, view.state == "holding", view.asked, view.ended


def _buttons(shell: Shell, view: RolloutView) -> None:
    """Put what can be done while it is under way."""
    if view.ended is not None:
        return
    say, name = shell.words, view.model
    phase = (
        "holding"
        if view.state == "holding"
        else "shadow"
        if view.strategy == "shadow" and not view.asked
        else "stepping"
    )
    was = Seen(name, view.champion, view.challenger, phase, view.asked)
    verb = deeds.resume if view.state == "holding" else deeds.pause
    shell.button(verb(say, was).label, lambda: verb(say, was), Role.OPERATOR, name)
    shell.button(
        say("do.abort", version=view.champion), lambda: deeds.rollback(say, was), Role.OPERATOR, name, look="dan"
    )
    shell.button(say("do.now", version=view.challenger) + "…", lambda: deeds.release_now(say, was), Role.APPROVER, name)


def _question(view: RolloutView, shell: Shell) -> str:
    say, first = shell.words, view.checks[0] if view.checks else None
    ask = say("rollout.is" if view.ended is None else "rollout.was", challenger=view.challenger, champion=view.champion)
    if first is None or not view.path:
        return f"<h2>{escape(ask)}</h2>"
    last = view.path[-1]
    counts = say(
        "rollout.counts", left=say.count(last.n), right=say.count(last.champion_n),
        challenger=view.challenger, champion=view.champion,
    )  # fmt: skip
    return f'<div class="row"><h2>{escape(ask)}</h2><span class="small soft num">{escape(counts)}</span></div>'


def _reads(view: RolloutView, shell: Shell) -> str:
    """Say how the band is read."""
    say, first = shell.words, view.checks[0] if view.checks else None
    if first is None or not view.path:
        return ""
    last = view.path[-1]
    if last.low is None or last.high is None:
        reads = say("rollout.reads.early", value=amount(last.value, first, say))
    else:
        low, high = amount(last.low, first, say), amount(last.high, first, say)
        reads = say(
            "rollout.reads" if view.ended is None else "rollout.reads.ended",
            value=amount(last.value, first, say),
            low=low,
            high=high,
        )
    return f'<p class="small num" style="margin:4px 0 12px;max-width:80ch">{escape(reads)}</p>'


def _along(shell: Shell, model: str, version: int, by_time: bool) -> None:
    """Put the choice of labels or time, as links."""
    say, path = shell.words, f"/rollouts/{model}/{version}"
    links = "".join(
        f'<a href="{escape(shell.link(path, by=by))}"{" aria-current=true" if chosen else ""}>{escape(say(key))}</a>'
        for by, key, chosen in (("", "rollout.along.labels", not by_time), ("time", "rollout.along.time", by_time))
    )
    label = escape(say("rollout.along"))
    shell.html(f'<div class="seg" role="group" aria-label="{label}">{links}</div>', "fit")


def _numbers(view: RolloutView, shell: Shell) -> str:
    say, first = shell.words, view.checks[0] if view.checks else None
    if first is None:
        return ""
    heads = [say(f"numbers.{name}") for name in ("time", "labels", "difference", "low", "high")]
    rows = [
        [
            say.moment(one.time, view.path[-1].time), say.count(one.n), amount(one.value, first, say),
            "–" if one.low is None else amount(one.low, first, say),
            "–" if one.high is None else amount(one.high, first, say),
        ]
        for one in reversed(view.path[-50:])
    ]  # fmt: skip
    return behind(heads, rows, say)


def _wrong(shell: Shell, seen: Source[RolloutView]) -> None:
    """Say what ends it by itself, until when, and how to end it by hand; afterwards what did."""
    say = shell.words
    ended = seen.value is not None and seen.value.ended is not None
    shell.html(f"<h2>{escape(say('rollout.way' if ended else 'rollout.wrong'))}</h2>")
    if ended:
        shell.part(seen, lambda view: _way(view, shell), classes="", tag="div")
        return
    shell.part(seen, lambda view: evidence.odds(view, say) + _deadline(view, shell), classes="", tag="div")
    shell.html(f'<h3 style="margin:14px 0 6px">{escape(say("rollout.byhand"))}</h3>')
    if seen.value is not None:
        shell.html(command(seen.value.by_hand, say("copy"), say("copied")))


def _deadline(view: RolloutView, shell: Shell) -> str:
    if view.deadline is None:
        return ""
    text = shell.words("rollout.deadline", time=shell.words.day(view.deadline) + " " + shell.words.clock(view.deadline))
    return f'<p class="small soft" style="margin-top:10px">{escape(text)}</p>'


def _way(view: RolloutView, shell: Shell) -> str:
    """Tell the decisions of one rollout, the newest first."""
    say, end = shell.words, view.ended or view.started
    rows = "".join(
        f'<li style="margin-top:10px"><div><span class="soft small num">{escape(say.moment(one.time, end))}</span> '
        f'<a class="line" href="{escape(shell.link("/history", event=one.seq))}">{escape(say.say(one.what))}</a></div>'
        f'<div class="small soft clip">{escape(reason_of(one, say))}</div></li>'
        for one in view.decisions
    )
    return f"<ol>{rows}</ol>"


def _list(shell: Shell, seen: Source[Rollouts]) -> None:
    with shell.box("card o6", "section"):
        shell.html(f'<h2 style="margin-bottom:4px">{escape(shell.words("rollout.list"))}</h2>')
        shell.part(seen, lambda view: _table(view, shell), classes="", tag="div")


def _table(view: Rollouts, shell: Shell) -> str:
    say = shell.words
    heads = [say(f"rollout.{name}") for name in ("who", "when", "lasted", "how", "outcome", "why")]
    return table(say("rollout.list"), heads, [_row(row, view.time, shell) for row in view.rows], fold=True)


def _row(row: RolloutRow, now: float, shell: Shell) -> list[str]:
    say, of = shell.words, {"live": "run", "promoted": "pass", "ended": "fail"}[row.outcome]
    link = shell.link(f"/rollouts/{row.model}/{row.challenger}")
    return [
        f'<a class="link strong" href="{escape(link)}">{escape(f"{row.model}/{row.challenger}")}</a>',
        escape(say.moment(row.started, now)),
        escape(say.span((row.ended or now) - row.started)),
        escape(say(f"strategy.{row.strategy}")),
        status(tone(of), say(f"rollout.outcome.{row.outcome}")),
        f'<span class="small soft clip">{escape(say.sentence(row.why) if row.why is not None else row.reason)}</span>',
    ]


ROUTES = (Route("/rollouts", "rollouts", listing), Route("/rollouts/{name}/{version}", "rollouts", one))
