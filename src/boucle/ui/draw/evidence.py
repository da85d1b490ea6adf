"""What a rollout's checks say: the row of steps, the table of guardrails, the odds against the challenger."""

from __future__ import annotations

import math

from boucle.ui.draw.bands import amount
from boucle.ui.draw.glyphs import COLOURS, Tone, escape, sign, status, tone
from boucle.ui.draw.numbers import table
from boucle.ui.draw.picture import picture
from boucle.ui.draw.scale import Scale
from boucle.ui.draw.svg import line, text
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
        f'<li class="{of}"{here}><span class="dot">{sign(of)}</span><b>{escape(name)}</b>'
        f'<span class="hidden">, {escape(word)}</span>'
        f'<span class="small soft">{escape(_fact(one, view, say))}</span></li>'
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
    heads = (say("check"), str(view.challenger), str(view.champion or "–"), say("check.evidence"))
    rows = [
        [_named(one, say), _value(one.challenger, one, say), _value(one.champion, one, say), _says(one, view, say)]
        for one in view.checks
    ]
    caption = say("rollout.checks.caption", left=view.challenger, right=view.champion)
    return table(caption, heads, rows, right=(1, 2), fold=True)


def _named(one: Guardrail, say: Words) -> str:
    key = "check.labels" if one.unit == "labels" else "check.requests"
    counts = say(key, left=say.count(one.n), right=say.count(one.champion_n))
    return f'<div>{escape(say.say(one.title))}</div><div class="small soft num">{escape(counts)}</div>'


def _says(one: Guardrail, view: RolloutView, say: Words) -> str:
    """Write what a check says, and on what: its band, the odds that ended it, what is missing, since when."""
    facts = []
    if one.status == "fail" and one.odds is not None:
        facts.append(say("check.odds", odds=say.number(one.odds, 2)))
    elif one.value is not None and one.low is not None and one.high is not None:
        facts.append(say("check.between", low=amount(one.low, one, say), high=amount(one.high, one, say)))
    if one.needed and view.ended is None:
        facts.append(say("check.needs", one.needed))
    if one.decided and view.ended is not None:
        facts.append(say("check.since", time=say.moment(one.decided, view.ended)))
    beside = "".join(f'<div class="small soft num">{escape(fact)}</div>' for fact in facts)
    return status(tone(one.status), say(_WORDS[one.status])) + beside


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
    told = say("odds.now", check=say.say(worst.title), odds=say.number(value, 2), ends=say.number(end, 2))
    colour = COLOURS["fail"] if value >= end else "var(--wait)"
    now, bar = say("odds.to", odds=say.number(value, 2)), say("odds.ends", odds=say.number(end, 2))
    inside = (
        '<rect x="2" y="14" width="316" height="8" rx="4" fill="var(--sunk)"/>'
        f'<rect x="2" y="14" width="{max(at - 2, 4):.1f}" height="8" rx="4" fill="{colour}"/>'
        + line(limit, 6, limit, 30, "var(--fail)", 'stroke-width="2"')
        + text(min(max(at, 18), 150), 44, now, anchor="middle")
        + text(min(limit + 26, 318), 44, bar, anchor="end")
    )
    said = f'<p class="small" style="margin-bottom:10px">{escape(told)}</p>'
    return said + picture((320, 52), told, inside)
