"""What a rollout's checks say: the row of steps, the table of guardrails, the odds against the challenger."""

from __future__ import annotations

import math

from boucle.ui.draw.bands import amount
from boucle.ui.draw.glyphs import COLOURS, Tone, escape, sign, status, tone
from boucle.ui.draw.scale import Scale
from boucle.ui.words.catalogue import Words
from boucle.views.rollout import Guardrail, RolloutView, Step

_STATES: dict[str, Tone] = {"done": "pass", "now": "run", "ahead": "idle", "ended": "fail"}
_WORDS = {"pass": "check.is.pass", "fail": "check.is.fail", "inconclusive": "check.is.wait"}


def steps(view: RolloutView, say: Words) -> str:
    """Write the steps of the way to all the traffic, as a list."""
    items = "".join(_step(one, view, say) for one in view.steps)
    return f'<ol class="steps" aria-label="{escape(say("rollout.steps"))}">{items}</ol>'


def _step(one: Step, view: RolloutView, say: Words) -> str:
    of = "wait" if one.state == "now" and view.state in ("holding", "silent") else _STATES[one.state]
    name = say(f"step.{one.name}") if one.name != "share" else say.percent(one.share)
    here = ' aria-current="step"' if one.state == "now" else ""
    word = say(f"step.is.{one.state}")
    return (
        f'<li class="{of}"{here}><span class="dot">{sign(of)}</span><span class="strong">{escape(name)}</span>'
        f'<span class="hidden">, {escape(word)}</span><span class="small soft">{escape(_fact(one, view, say))}</span></li>'
    )


def _fact(one: Step, view: RolloutView, say: Words) -> str:
    now = view.ended or (view.path[-1].time if view.path else view.started)
    if one.name == "replay":
        return say("step.rows", one.n) if one.n is not None else say(f"step.is.{one.state}")
    if one.state == "now":
        since = say("step.since", time=say.moment(one.began, now)) if one.began is not None else ""
        return since if one.n is None else say("step.labels", one.n) + (f" · {since}" if since else "")
    if one.state == "done" and one.began is not None:
        return say.moment(one.began, now)
    if one.state == "ahead" and view.ended is not None:
        return say("step.unreached")
    if one.state == "ahead":
        return say("step.champion" if one.share == 1.0 else "step.needs")
    return say(f"step.is.{one.state}")


def guardrails(view: RolloutView, say: Words) -> str:
    """Write every check with both sides' values and counts, and what it says."""
    if not view.checks:
        return f'<p class="soft">{escape(say("rollout.nolabels"))}</p>'
    heads = [
        (say("check"), ""),
        (str(view.challenger), "r"),
        (str(view.champion or "–"), "r"),
        (say("check.evidence"), ""),
    ]
    head = "".join(f'<th scope="col" class="{cls}">{escape(name)}</th>' for name, cls in heads)
    rows = "".join(_row(one, view, say) for one in view.checks)
    caption = escape(say("rollout.checks.caption", left=view.challenger, right=view.champion))
    return f'<table class="fold-s"><caption class="hidden">{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(one: Guardrail, view: RolloutView, say: Words) -> str:
    counts = say(
        "check.labels" if one.unit == "labels" else "check.requests",
        left=say.count(one.n),
        right=say.count(one.champion_n),
    )
    ends = ""
    if one.value is not None and one.low is not None and one.high is not None:
        ends = say("check.between", low=amount(one.low, one, say), high=amount(one.high, one, say))
    if one.status == "fail" and one.odds is not None:
        ends = say("check.odds", odds=say.number(one.odds, 2))
    since = (
        f'<div class="small soft">{escape(say("check.since", time=say.moment(one.decided, view.ended or one.decided)))}</div>'
        if one.decided and view.ended
        else ""
    )
    needs = (
        f'<div class="small soft">{escape(say("check.needs", one.needed))}</div>'
        if one.needed and view.ended is None
        else ""
    )
    word = status(tone(one.status), say(_WORDS[one.status]))
    return (
        f'<tr><td><div>{escape(say.say(one.title))}</div><div class="small soft num">{escape(counts)}</div></td>'
        f'<td class="r num" data-label="{view.challenger}">{_value(one.challenger, one, say)}</td>'
        f'<td class="r num" data-label="{view.champion}">{_value(one.champion, one, say)}</td>'
        f'<td>{word}<div class="small soft num">{escape(ends)}</div>{needs}{since}</td></tr>'
    )


def _value(value: float | None, one: Guardrail, say: Words) -> str:
    if value is None:
        return "–"
    return escape(say.percent(max(value, 0.0)) if one.share else say.number(max(value, 0.0)))


def odds(view: RolloutView, say: Words) -> str:
    """Draw the strongest evidence against the challenger as odds on a line that grows by tenfolds."""
    against = [one for one in view.checks if one.odds is not None and one.ends_at is not None]
    if not against:
        return f'<p class="small">{escape(say("odds.none"))}</p>'
    worst = max(against, key=lambda one: one.odds or 0.0)
    value, end = max(worst.odds or 0.0, 0.1), worst.ends_at or 20.0
    scale = Scale(-1.0, math.log10(end * 2.5), 2, 318)
    at, limit = scale.held(math.log10(value)), scale(math.log10(end))
    over = value >= end
    text = say("odds.now", check=say.say(worst.title), odds=say.number(value, 2), ends=say.number(end, 2))
    colour = COLOURS["fail"] if over else "var(--wait)"
    now = say("odds.to", odds=say.number(value, 2))
    bar = say("odds.ends", odds=say.number(end, 2))
    return (
        f'<p class="small" style="margin-bottom:10px">{escape(text)}</p>'
        f'<svg class="ink" viewBox="0 0 320 52" width="320" height="52" style="width:100%;height:auto;max-width:420px" '
        f'role="img" aria-label="{escape(text)}"><rect x="2" y="14" width="316" height="8" rx="4" fill="var(--sunk)"/>'
        f'<rect x="2" y="14" width="{max(at - 2, 4):.1f}" height="8" rx="4" fill="{colour}"/>'
        f'<line x1="{limit:.1f}" x2="{limit:.1f}" y1="6" y2="30" stroke="var(--fail)" stroke-width="2"/>'
        f'<text x="{min(max(at, 18), 150):.1f}" y="42" font-size="12" text-anchor="middle" class="s">{escape(now)}</text>'
        f'<text x="{min(limit + 26, 318):.1f}" y="42" font-size="12" text-anchor="end" class="s">{escape(bar)}</text></svg>'
    )
