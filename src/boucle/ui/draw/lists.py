"""Lists: models, those who need you first; decisions, the newest first."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape, icon, sign, tone
from boucle.ui.draw.ring import mini
from boucle.ui.draw.whisker import whisker
from boucle.ui.words.catalogue import Words
from boucle.views.decisions import Decision
from boucle.views.overview import ModelCard

_ICONS = {
    "trained": "train", "adopted": "train", "optimized": "train", "distilled": "train", "retraining": "train",
    "rollout_started": "rollouts", "rollout_step": "rollouts",
    "rollout_done": "release", "release": "release", "alias_moved": "release", "enabled": "release",
    "rollback": "undo", "rollout_aborted": "undo", "rollout_paused": "pause", "rollout_resumed": "open",
    "turn_asked": "train", "labels_asked": "note", "disabled": "block", "alarm_opened": "alarms", "verdict": "quality",
}  # fmt: skip


def model_row(card: ModelCard, link: str, say: Words, *, current: bool = False) -> str:
    """Write one model of the list: its loop small, its state and why, its quality against its promise."""
    version = f' <span class="soft">/{card.version}</span>' if card.version is not None else ""
    figure = card.quality or card.estimate
    shown = (
        whisker(figure, say, guessed=card.quality is None) if figure is not None and figure.value is not None else ""
    )
    of = tone(card.state)
    here = ' aria-current="true"' if current else ""
    meant = f'<span class="hidden">{escape(say(f"tone.{of}"))}: </span>'
    state = f'<span class="{of}">{meant}{escape(say.say_state(card.state))}</span>'
    return (
        f'<a class="model" href="{escape(link)}"{here}>{mini(card.ring)}<div style="min-width:0"><div class="row" '
        f'style="gap:4px"><span class="strong">{escape(card.name)}</span>{version}</div>'
        f'<p class="small">{state} <span class="soft">· {escape(say.say(card.why))}</span></p></div>'
        f"<div>{shown}</div></a>"
    )


def status_of(card: ModelCard, say: Words) -> str:
    """Write a model's state as a word with its sign."""
    of = tone(card.state)
    return f'<span class="st {of}">{sign(of)}{escape(say.say_state(card.state))}</span>'


def who_answers(card: ModelCard, say: Words) -> str:
    """Write who is champion and who challenger, with their shares of the traffic."""
    parts = []
    if card.version is not None:
        share = f" · {escape(say.percent(1.0 - card.share))}" if card.challenger is not None else ""
        parts.append(f'<span class="chip"><i></i>{escape(say("champion"))} {card.version}{share}</span>')
    if card.challenger is not None:
        share = f" · {escape(say.percent(card.share))}"
        parts.append(f'<span class="chip chall"><i></i>{escape(say("challenger"))} {card.challenger}{share}</span>')
    return "".join(parts)


def decision_icon(decision: Decision) -> str:
    return icon("block" if decision.refused else _ICONS.get(decision.kind, "note"))


def decision_time(decision: Decision, now: float, say: Words) -> str:
    """Write when: a time today, a day otherwise; the whole of it with its zone as a tooltip."""
    return (
        f'<time class="small soft num" title="{escape(say.date(decision.time))}">'
        f"{escape(say.moment(decision.time, now))}</time>"
    )


def reason_of(decision: Decision, say: Words) -> str:
    """Return why, in the reader's language where the numbers are kept, else as it was written."""
    return say.sentence(decision.why) if decision.why is not None else decision.reason


def decision_body(decision: Decision, say: Words, link: str) -> str:
    """Write what was done, why and by whom."""
    who = "" if decision.actor in ("keeper", "cli") else f" · {escape(decision.actor)}"
    reason = escape(reason_of(decision, say))
    return (
        f'<div class="what"><a href="{escape(link)}" class="line">{escape(say.say(decision.what))}</a>'
        f'<span class="soft small">{who}</span></div><div class="small soft reason">{reason}</div>'
    )
