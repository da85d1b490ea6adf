"""Quality and business: does it still keep its promise, and is it worth money?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from boucle.evaluation.result import Fairness, Gap
from boucle.measures.intervals import Estimate
from boucle.monitoring.business import Measure
from boucle.project.values import seconds
from boucle.ui.actions import command
from boucle.ui.draw.forest import Line, forest
from boucle.ui.draw.glyphs import escape, sign, status, tone
from boucle.ui.draw.legend import of_quality
from boucle.ui.draw.multiples import Row, multiples
from boucle.ui.draw.numbers import behind, both, table
from boucle.ui.draw.worth import told, worth
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.quality import QualityView, Slice, quality
from boucle.views.story import Span
from boucle.views.worth import Worth

SPANS: tuple[Span, ...] = get_args(Span)
_SLICES, _GROUPS, _NUMBERS = 12, 20, 50


async def first(shell: Shell) -> None:
    """Show the project's own model."""
    await show(shell, shell.project.name)


async def one(shell: Shell) -> None:
    await show(shell, shell.given("name"))


async def show(shell: Shell, model: str) -> None:
    """Head with whether the promise is kept; then everything on one axis of time, slices, groups, labels, business."""
    say = shell.words
    parts.reach(shell, model)
    span: Span = next((one for one in SPANS if one == shell.asked("span")), "release")
    seen = await shell.read(quality, model, span)
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), " ".join(say.sentence(s) for s in view.lead)))
    with shell.box("grid2 w"):
        with shell.box("stack"):
            with shell.box("card o1", "section"):
                with shell.box("split"):
                    shell.html(f"<h2>{escape(say('quality.over'))}</h2>")
                    _spans(shell, model, span)
                shell.part(seen, lambda view: _pictures(view, say), classes="wide-only", tag="div")
                shell.part(seen, lambda view: _pictures(view, say, narrow=True), classes="small-only", tag="div")
                shell.part(seen, lambda view: _told(view, say), classes="", tag="div")
                shell.part(seen, lambda view: parts.numbered(view.marks, view.until, shell), classes="", tag="div")
            shell.part(seen, lambda view: _slices(view, shell), classes="card o3")
        with shell.box("stack"):
            shell.part(seen, lambda view: _labels(view, say), classes="card o2")
            shell.part(seen, lambda view: _budgets(view, shell), classes="card o4")
            shell.part(seen, lambda view: _business(view, shell), classes="card o5")
            shell.part(seen, lambda view: _groups(view.fairness, say), classes="o6", tag="div")


def _spans(shell: Shell, model: str, chosen: Span) -> None:
    links = ""
    for one in SPANS:
        link, here = shell.link(f"/models/{model}/quality", span=one), " aria-current=true" if one == chosen else ""
        links += f'<a href="{escape(link)}"{here}>{escape(shell.words(f"span.{one}"))}</a>'
    label = escape(shell.words("model.span"))
    shell.html(f'<div class="seg" role="group" aria-label="{label}">{links}</div>', "fit")


def _pictures(view: QualityView, say: Words, *, narrow: bool = False) -> str:
    """Draw quality, the metrics beside it, latency and errors on one axis."""
    rows = []
    if view.quality.points:
        last = view.quality.points[-1]
        note = say("quality.truth", n=last.n or 0)
        guess = view.estimate if view.estimate.points else None
        rows.append(Row(view.quality.name, note, view.quality, guess, view.complete))
        rows += [Row(one.name, say("quality.reported"), one, None, view.complete) for one in view.others if one.points]
    elif view.estimate.points:
        rows.append(Row(view.estimate.name, say("quality.estimated"), view.quality, view.estimate))
    for one in view.service:
        key, share = ("quality.p99", False) if one.name == "latency_p99_ms" else ("quality.errors", True)
        rows.append(Row(say(key), say("quality.window"), one, share=share, zero=True))
    if not rows:
        return f'<p class="soft">{escape(say("multiples.none"))}</p>'
    return multiples(rows, view.marks, view.since, view.until, say, narrow=narrow)


def _told(view: QualityView, say: Words) -> str:
    """Say what the lines are, and put the numbers under the picture."""
    heads = [
        say("numbers.time"),
        view.quality.name or "–",
        say("numbers.low"),
        say("numbers.high"),
        say("numbers.labels"),
    ]
    rows = [
        [
            say.moment(p.time, view.until), say.fixed(p.value, 3), "–" if p.low is None else say.fixed(p.low, 3),
            "–" if p.high is None else say.fixed(p.high, 3), "–" if p.n is None else say.count(p.n),
        ]
        for p in reversed(view.quality.points[-_NUMBERS:])
    ]  # fmt: skip
    return of_quality(view, say) + behind(heads, rows, say)


def _slices(view: QualityView, shell: Shell) -> str:
    say = shell.words
    title = f'<h2 style="margin-bottom:8px">{escape(say("quality.slices"))}</h2>'
    if not view.slices:
        shown = command("evaluate: {slices: [COLUMN]}", say("copy"), say("copied"))
        return f'{title}<p class="small soft" style="margin-bottom:8px">{escape(say("quality.slices.none"))}</p>{shown}'
    lines = [
        Line(
            one.name, one.figure.value, one.figure.low, one.figure.high,
            _share(one, say),
            one.figure.status,
        )
        for one in view.slices[:_SLICES]
    ]  # fmt: skip
    whole = view.model.quality.value if view.model.quality is not None else None
    label = say("quality.slices.label", metric=view.quality.name)
    over = say("quality.all", value=say.fixed(whole, 3)) if whole is not None else ""
    heads = [say("quality.slices"), view.quality.name, say("numbers.low"), say("numbers.high"), say("numbers.labels")]
    rows = [
        [
            one.name, say.fixed(one.figure.value or 0.0, 3),
            "–" if one.figure.low is None else say.fixed(one.figure.low, 3),
            "–" if one.figure.high is None else say.fixed(one.figure.high, 3), say.count(one.figure.n or 0),
        ]
        for one in view.slices
    ]  # fmt: skip
    wide = forest(lines, say, label, zero=whole, over=over)
    small = forest(lines, say, label, zero=whole, over=over, narrow=True)
    return title + both(wide, small) + behind(heads, rows, say)


def _share(one: Slice, say: Words) -> str:
    share = "–" if one.share is None else say.percent(one.share)
    return say("quality.share", labels=say.count(one.figure.n or 0), share=share)


def _labels(view: QualityView, say: Words) -> str:
    one = view.labels
    rows = [(say("quality.labels.n"), say.count(one.n))]
    if one.delay is not None:
        rows.append((say("quality.labels.half"), say.span(one.delay)))
    if one.late is not None:
        rows.append((say("quality.labels.late"), say.span(one.late)))
    if view.complete is not None:
        rows.append((say("quality.labels.complete"), say.moment(view.complete, view.until)))
    shown = "".join(f'<div><span>{escape(name)}</span><b class="num">{escape(told)}</b></div>' for name, told in rows)
    stopped, empty = "", ""
    if one.stopped is not None:
        text = escape(say("quality.labels.stopped", span=say.span(one.stopped)))
        stopped = f'<p class="small watch why" style="margin-top:8px">{text}</p>'
    if not one.n:
        empty = f'<p class="small soft" style="margin:8px 0">{escape(say("quality.empty"))}</p>' + command(
            "POST /feedback", say("copy"), say("copied")
        )
    title = f'<h2 style="margin-bottom:4px">{escape(say("quality.labels"))}</h2>'
    return f'{title}<div class="rows">{shown}</div>{stopped}{empty}'


def _budgets(view: QualityView, shell: Shell) -> str:
    say = shell.words
    title = f'<h2 style="margin-bottom:4px">{escape(say("quality.budget"))}</h2>'
    if not view.budgets:
        text = f'<p class="small soft" style="margin-bottom:8px">{escape(say("quality.budget.none"))}</p>'
        return title + text + command("monitor: {slo: {error_rate: 0.01}}", say("copy"), say("copied"))
    period, rows = say.span(seconds(shell.project.settings.monitor.slo.period)), []
    for one in view.budgets:
        left = max(0.0, 1.0 - one.used)
        of = "fail" if one.used >= 1.0 else "watch" if one.burn > 1.0 else "pass" if one.requests else "wait"
        told = say("quality.budget.left", left=say.percent(left), period=period)
        burn = say("quality.budget.burn", burn=say.percent(one.burn), n=one.requests)
        rows.append(
            f"<div><span>{escape(say(f'quality.budget.{one.name}'))}<br>"
            f'<span class="small soft num">{escape(burn)}</span></span>{status(tone(of), told)}</div>'
        )
    return f'{title}<div class="rows">{"".join(rows)}</div>'


def _business(view: QualityView, shell: Shell) -> str:
    say = shell.words
    title = f'<h2 style="margin-bottom:4px">{escape(say("quality.business"))}</h2>'
    if not shell.project.settings.monitor.business:
        text = f'<p class="small soft" style="margin-bottom:8px">{escape(say("quality.business.none"))}</p>'
        return title + text + command("monitor: {business: {NAME: {event: EVENT}}}", say("copy"), say("copied"))
    if not view.business:
        return f'{title}<p class="small soft">{escape(say("quality.business.wait"))}</p>'
    worth = "each" if any(one.each is not None for one in view.business) else "rate"
    heads = [say(f"quality.business.{name}") for name in ("measure", "version", worth, "count")]
    rows = [_measure(one, view, say) for one in view.business]
    drawn = "".join(_worth(one, view, say) for one in view.worth)
    return title + drawn + table(say("quality.business"), heads, rows, right=(2, 3), fold=True)


def _worth(one: Worth, view: QualityView, say: Words) -> str:
    """Draw a measure over time, a line a version, with the numbers behind it."""
    unit = say("quality.worth.share" if one.share else "quality.worth.value")
    head = f'<h3 style="margin-top:10px">{escape(one.name)} <span class="small soft">· {escape(unit)}</span></h3>'
    wide, small = (
        worth(one, view.until, view.model.version, view.model.challenger, say, narrow=narrow)
        for narrow in (False, True)
    )
    heads = [say("numbers.time"), say("quality.business.version"), say("quality.worth.told")]
    rows = [[say.moment(s.start, view.until), str(s.version), told(s, one, say)] for s in reversed(one.stretches)]
    return head + both(wide, small) + behind(heads, rows[:_NUMBERS], say)


def _measure(one: Measure, view: QualityView, say: Words) -> list[str]:
    """Write one version's measure with its interval."""
    each = one.each is not None
    value, low, high = (one.each, one.each_low, one.each_high) if each else (one.rate, one.low, one.high)

    def told(number: float | None) -> str:
        return "–" if number is None else say.number(number) if each else say.percent(number)

    ends = "" if low is None or high is None else say("figure.between", low=told(low), high=told(high))
    chip = {view.model.version: "chip", view.model.challenger: "chip chall"}.get(one.version, "")
    mark = f'<span class="{chip}">{"<i></i>" if chip else ""}{one.version}</span>'
    return [
        escape(one.name),
        mark,
        f'<b>{escape(told(value))}</b><div class="small soft">{escape(ends)}</div>',
        f'{escape(say.count(one.count))}<div class="small soft">n = {escape(say.count(one.rows))}</div>',
    ]


def _groups(found: Sequence[Fairness], say: Words) -> str:
    """Write the groups of each protected column with their rates; small ones are named and not judged."""
    return "".join(f'<section class="card" style="margin-bottom:20px">{_column(one, say)}</section>' for one in found)


def _column(one: Fairness, say: Words) -> str:
    names = list(dict.fromkeys(rate for group in one.groups for rate in group.rates))[:4]
    heads = [say("quality.fairness.group"), say("quality.fairness.n"), *names]
    rows = []
    for group in one.groups[:_GROUPS]:
        count = say.count(group.n) if group.counted else say("quality.fairness.few", n=group.n)
        rows.append([escape(group.level), escape(count), *(_rate(group.rates.get(name), say) for name in names)])
    gaps = "".join(_gap(gap, say) for gap in one.gaps)
    lead = f'<p class="small soft">{escape(say("quality.fairness.lead"))}</p>'
    title = f"<h2>{escape(say('quality.fairness', column=one.column))}</h2>"
    groups = table(say("quality.fairness", column=one.column), heads, rows, right=range(1, len(heads)))
    return f'{title}{lead}<div style="overflow-x:auto">{groups}</div>{gaps}'


def _gap(one: Gap, say: Words) -> str:
    """Write the largest distance of two groups with its interval and its bound."""
    of, ends = tone(one.status), say.interval(one.estimate.low, one.estimate.high, 2)
    told = say(
        "quality.fairness.gap", name=one.name, one=one.between[0], other=one.between[1],
        value=say.fixed(one.estimate.value), ends=ends, bound=one.bound,
    )  # fmt: skip
    return f'<p class="small" style="margin-top:6px"><span class="st {of}">{sign(of)}</span> {escape(told)}</p>'


def _rate(one: Estimate | None, say: Words) -> str:
    if one is None or one.value != one.value:
        return "–"
    return f'{escape(say.fixed(one.value))}<div class="small soft">{escape(say.interval(one.low, one.high, 2))}</div>'


ROUTES = (Route("/quality", "quality", first), Route("/models/{name}/quality", "quality", one))
