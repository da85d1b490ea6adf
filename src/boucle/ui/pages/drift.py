"""Drift: what changed in what comes in?"""

from __future__ import annotations

from boucle.core.access import Role
from boucle.ui import deeds, learning
from boucle.ui.actions import command
from boucle.ui.draw import bars, histogram
from boucle.ui.draw.glyphs import escape, status, tone
from boucle.ui.draw.numbers import behind
from boucle.ui.live import Source
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.drift import ColumnDrift, DriftView, Fault, drift
from boucle.views.lessons import Lessons, lessons
from boucle.views.newest import Figure


async def first(shell: Shell) -> None:
    """Show the project's own model."""
    await show(shell, shell.project.name)


async def one(shell: Shell) -> None:
    await show(shell, shell.given("name"))


async def show(shell: Shell, model: str) -> None:
    """Head with how many columns drifted; then the columns by effect, and the chosen one against the reference."""
    say = shell.words
    parts.reach(shell, model)
    asked = shell.asked("horizon")
    horizon = int(asked) if asked.isdigit() and 1 <= int(asked) <= 16 else None
    seen = await shell.read(drift, model, horizon, shell.asked("column"))
    taught = await shell.read(lessons, model)
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), " ".join(say.sentence(s) for s in view.lead)))
    if seen.value is not None and not seen.value.columns:
        text = f"<p>{escape(say('drift.empty'))}</p><p>{escape(say('drift.empty.do'))}</p>"
        shell.html(f'<div class="card empty">{text}{command("boucle up", say("copy"), say("copied"))}</div>')
        return
    with shell.box("row mid").style("margin-bottom: 16px"):
        shell.part(seen, lambda view: _horizons(view, shell, horizon), classes="fit", tag="div")
        shell.part(seen, lambda view: _against(view, say), classes="small soft num", tag="span")
        shell.box("grow")
        shell.part(seen, lambda view: _faultless(view, say), classes="", tag="div")
    with shell.box("grid2"):
        with shell.box("stack"):
            shell.part(seen, lambda view: _ranked(view, shell), classes="card flush o1")
        with shell.box("stack"):
            with shell.box("card o2", "section"):
                shell.part(seen, lambda view: _head(view, shell), classes="", tag="div")
                shell.part(seen, lambda view: _picture(view, say), classes="wide-only", tag="div")
                shell.part(seen, lambda view: _picture(view, say, narrow=True), classes="small-only", tag="div")
                shell.part(seen, lambda view: _behind(view, say), classes="", tag="div")
            with shell.box("card o3", "section"):
                _meaning(shell, seen, taught)
            shell.part(seen, lambda view: _foot(view, shell), classes="small soft o4", tag="p")


def _horizons(view: DriftView, shell: Shell, chosen: int | None) -> str:
    """Put the horizons as links; without a choice each column shows the one on which it is loudest."""
    say, path = shell.words, f"/models/{view.model.name}/drift"
    options = [(None, say("drift.loudest")), *((one, say("drift.windows", one)) for one in view.horizons)]
    links = "".join(
        f'<a href="{escape(shell.link(path, horizon=many or "", column=shell.asked("column")))}"'
        f"{' aria-current=true' if many == chosen else ''}>{escape(name)}</a>"
        for many, name in options
    )
    return f'<div class="seg" role="group" aria-label="{escape(say("drift.horizon"))}">{links}</div>'


def _against(view: DriftView, say: Words) -> str:
    if view.reference is None:
        return ""
    ref = f"{view.model.name}/{view.model.version}"
    return escape(say("drift.against", rows=say.count(view.rows), reference=say.count(view.reference), ref=ref))


def _faultless(view: DriftView, say: Words) -> str:
    if view.fault_status == "fail":
        return status("fail", say("drift.faults.some", len(view.faults)))
    if view.fault_status == "pass":
        return status("pass", say("drift.faults.none"))
    return status("wait", say("drift.faults.early"))


def _ranked(view: DriftView, shell: Shell) -> str:
    say, path = shell.words, f"/models/{view.model.name}/drift"
    most = bars.longest(view.columns, view.floor)
    unit = say("drift.unit") if view.floor is None else say("drift.unit.floor", floor=say.fixed(view.floor))
    beside = f'<span class="small soft">{escape(unit)}</span>'
    head = f'<div class="cardhead"><h2>{escape(say("drift.columns"))}</h2>{beside}</div>'
    rows = "".join(
        bars.column(
            one, shell.link(path, column=one.name, horizon=shell.asked("horizon")), view.floor, most, say,
            current=one.name == view.selected,
        )
        for one in view.columns
    )  # fmt: skip
    left = view.tested - len(view.columns)
    more = f'<p class="small soft" style="padding:10px 20px">{escape(say("drift.more", left))}</p>' if left > 0 else ""
    return head + rows + more


def _selected(view: DriftView) -> ColumnDrift | None:
    return next((one for one in view.columns if one.name == view.selected), None)


def _head(view: DriftView, shell: Shell) -> str:
    say, one = shell.words, _selected(view)
    if one is None:
        return ""
    ends = say.interval(one.low, one.high, 2) if one.low is not None and one.high is not None else ""
    facts = say("drift.facts", effect=say.fixed(one.effect or 0.0), ends=ends, rows=say.count(one.rows))
    if one.status == "fail" and view.first is not None:
        facts += " · " + say("drift.first", time=say.moment(view.first, view.judged or view.first))
    word = status(tone(one.status), say(f"drift.is.{one.status}"))
    keys = ""
    if view.picture is not None:
        before, now = (
            say("drift.reference", n=view.picture.reference),
            say("drift.current", n=view.picture.current),
        )
        keys = (
            f'<div class="row" style="margin:2px 0 12px;gap:18px"><span class="key"><i></i>{escape(before)}</span>'
            f'<span class="key now"><i></i>{escape(now)}</span></div>'
        )
    return (
        f'<div class="top"><h2 style="overflow-wrap:anywhere">{escape(one.name)}</h2>{word}'
        f'<span class="small soft num">{escape(facts)}</span></div>{keys}'
    )


def _picture(view: DriftView, say: Words, *, narrow: bool = False) -> str:
    if view.picture is None:
        return f'<p class="small soft">{escape(view.trouble)}</p>' if view.trouble else ""
    return histogram.draw(view.picture, say, narrow=narrow)


def _behind(view: DriftView, say: Words) -> str:
    """Write the numbers of the picture, and what is missing, unseen and out of range."""
    one = view.picture
    if one is None:
        return ""
    heads = [say("drift.level"), say("drift.before"), say("drift.now"), say("drift.moved")]
    rows = []
    for part in one.bins:
        before, now = part.reference / max(one.reference, 1), part.current / max(one.current, 1)
        name = histogram.name_of(part, one.kind, say)
        rows.append(
            [
                name,
                f"{say.percent(before)} ({say.count(part.reference)})",
                f"{say.percent(now)} ({say.count(part.current)})",
                say.points(now - before),
            ]
        )
    for rate, (before, now) in one.rates.items():
        rows.append([say(f"drift.rate.{rate}"), say.percent(before), say.percent(now), say.points(now - before)])
    return behind(heads, rows, say)


def _meaning(shell: Shell, seen: Source[DriftView], taught: Source[Lessons]) -> None:
    """Say what the change does to quality, what was done, and what a person can do."""
    say = shell.words
    name = seen.value.model.name if seen.value is not None else ""
    shell.html(f'<h2 style="margin-bottom:6px">{escape(say("drift.means", model=name))}</h2>')
    shell.part(seen, lambda view: _slices(view, shell), classes="rows", tag="div").style("margin-bottom: 14px")
    with shell.box("acts"):
        shell.rebuilt(
            seen,
            lambda view: view.alarm and (view.alarm.id, view.alarm.state),
            lambda view: _acts(shell, view),
            classes="acts",
        )
        shell.rebuilt(taught, learning.shown, lambda view: learning.buttons(shell, view), classes="acts")
    shell.part(seen, lambda view: _done(view, shell), classes="small", tag="div")


def _slices(view: DriftView, shell: Shell) -> str:
    say = shell.words
    rows = []
    for one in view.slices:
        metric = view.whole.name if view.whole is not None else ""
        rows.append((say("drift.slice", metric=metric, slice=one.name), _number(one, say)))
    if view.whole is None:
        return f'<p class="small soft">{escape(say("drift.notruth"))}</p>'
    rows.append((say("drift.whole", metric=view.whole.name), _number(view.whole, say)))
    none = "" if view.slices else f'<p class="small soft" style="margin-top:4px">{escape(say("drift.noslice"))}</p>'
    faults = [
        (say.say(one.what) if one.what is not None else f"{one.column}: {one.note}", _broken(one, say))
        for one in view.faults
    ]
    return (
        "".join(
            f"<div><span>{escape(name)}</span><span class='num'>{shown}</span></div>"
            for name, shown in [*rows, *faults]
        )
        + none
    )


def _broken(one: Fault, say: Words) -> str:
    return status("fail", f"{say.percent(one.share)}, n = {say.count(one.rows)}")


def _number(one: Figure, say: Words) -> str:
    """Write a number with its interval and its count."""
    if one.value is None:
        return "–"
    ends = f" {escape(say.interval(one.low, one.high))}" if one.low is not None and one.high is not None else ""
    count = f", {escape(say('figure.count', one.n))}" if one.n is not None else ""
    return f'<b>{escape(say.fixed(one.value, 3))}</b><span class="soft">{ends}{count}</span>'


def _acts(shell: Shell, view: DriftView) -> None:
    alarm = view.alarm
    if alarm is not None and alarm.state == "open":
        action = deeds.acknowledge(shell.words, alarm.id, alarm.model)
        shell.button(action.label, lambda: action, Role.OPERATOR, alarm.model)


def _done(view: DriftView, shell: Shell) -> str:
    say = shell.words
    asked = len(view.alarm.data.get("label") or ()) if view.alarm is not None else 0
    rows = [f"<li>{escape(say('drift.asked', asked))}: <code>boucle alarms --json</code></li>"] if asked else []
    now = view.judged or 0.0
    rows += [
        f'<li style="margin-top:6px"><span class="soft num">{escape(say.moment(one.time, now))}</span> '
        f'<a class="line" href="{escape(shell.link("/history", event=one.seq))}">{escape(say.say(one.what))}</a></li>'
        for one in view.decisions
    ]
    if not rows:
        return ""
    return f'<h3 style="margin:16px 0 4px">{escape(say("drift.done"))}</h3><ul>{"".join(rows)}</ul>'


def _foot(view: DriftView, shell: Shell) -> str:
    say = shell.words
    budget = 100.0 * shell.project.settings.monitor.drift.level
    parts = [say("drift.budget", budget=say.number(budget, 1))]
    if view.untested:
        parts.append(say("drift.untested", columns=", ".join(view.untested[:8])))
    return escape(" ".join(parts))


ROUTES = (Route("/drift", "drift", first), Route("/models/{name}/drift", "drift", one))
