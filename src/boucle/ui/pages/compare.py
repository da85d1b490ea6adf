"""Two versions: which is better, on what, and how sure?"""

from __future__ import annotations

from collections.abc import Sequence

from boucle.core.access import Role
from boucle.ui import deeds
from boucle.ui.actions import command
from boucle.ui.deeds import Seen
from boucle.ui.draw.forest import Line, forest
from boucle.ui.draw.glyphs import escape
from boucle.ui.draw.numbers import behind, both, table
from boucle.ui.pages import parts
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.compare import Compared, CompareView, compare
from boucle.views.newest import Figure

_SLICES = 12


async def two(shell: Shell) -> None:
    """Head with which is better; then differences by metric, slices, and what else is not the same."""
    say, name = shell.words, shell.given("name")
    right, left = int(shell.given("left")), int(shell.given("right"))
    parts.reach(shell, name)
    seen = await shell.read(compare, name, left, right)
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), " ".join(say.sentence(s) for s in view.lead)))
    shell.rebuilt(
        seen, lambda view: (view.champion, view.challenger), lambda view: _promote(shell, view), classes="acts"
    ).style("margin: -4px 0 20px")
    with shell.box("grid2 w"):
        with shell.box("stack"):
            shell.part(seen, lambda view: _metrics(view, say), classes="card o1")
            shell.part(seen, lambda view: _slices(view, say), classes="card o4")
        with shell.box("stack"):
            shell.part(seen, lambda view: _facts(view, say), classes="card o2")
            shell.part(seen, lambda view: _contract(view, say), classes="card o3")


def _promote(shell: Shell, view: CompareView) -> None:
    if view.champion is None or view.challenger is not None or view.left.version <= view.champion:
        return
    say, was = shell.words, Seen(view.model, view.champion, None)
    against = view.left.passed != "pass"
    role = Role.APPROVER if against else Role.OPERATOR
    label = say("model.promote", ref=f"{view.model}/{view.left.version}")
    shell.button(label, lambda: deeds.promote(say, was, view.left.version, override=against), role, view.model)


def _ref(view: CompareView, version: int) -> str:
    return f"{view.model}/{version}"


def _metrics(view: CompareView, say: Words) -> str:
    """Draw the paired differences; without them both sides, each with its own interval."""
    left, right = _ref(view, view.left.version), _ref(view, view.right.version)
    if not view.metrics:
        again = command(f"boucle evaluate {left} --against {right}", say("copy"), say("copied"))
        why = f'<p class="small soft" style="margin:4px 0 8px">{escape(say("compare.nothing"))}</p>'
        return f"<h2>{escape(say('compare.metrics'))}</h2>{why}{again}"
    if not view.paired:
        return _sides(view.metrics, view, say, say("compare.sides"))
    lines = [
        Line(one.name, d.value, d.low, d.high, f"n = {say.count(d.n or 0)}", one.verdict)
        for one in view.metrics
        if (d := one.difference) is not None
    ]
    margin = -view.margin if view.margin else None
    title = f"<h2>{escape(say('compare.metrics'))}</h2>"
    dashed = " · " + say("compare.margin", margin=say.number(view.margin)) if view.margin else ""
    note = (
        f'<p class="small soft" style="margin:2px 0 8px">{escape(say("compare.improvement", left=left) + dashed)}</p>'
    )
    sides = (say("compare.worse", right=right), say("compare.better", left=left))
    label = say.say(view.heading)
    wide = forest(lines, say, label, zero=0.0, margin=margin, ends=sides)
    small = forest(lines, say, label, zero=0.0, margin=margin, narrow=True)
    heads = [say("check"), left, right, say("numbers.difference"), say("numbers.low"), say("numbers.high")]
    rows = [
        [one.name, _plain(one.left, say), _plain(one.right, say), *_ends(one.difference, say)] for one in view.metrics
    ]
    return title + note + both(wide, small) + behind(heads, rows, say)


def _plain(one: Figure | None, say: Words) -> str:
    return "–" if one is None or one.value is None else say.number(one.value)


def _ends(one: Figure | None, say: Words) -> list[str]:
    if one is None:
        return ["–", "–", "–"]
    return ["–" if value is None else say.number(value) for value in (one.value, one.low, one.high)]


def _sides(found: Sequence[Compared], view: CompareView, say: Words, title: str) -> str:
    """Draw both versions of each line, the other one hollow."""
    lines = []
    for one in found[:_SLICES]:
        for side, version, hollow in ((one.left, view.left.version, False), (one.right, view.right.version, True)):
            if side is not None:
                beside = f"/{version} · n = {say.count(side.n)}" if side.n is not None else f"/{version}"
                lines.append(Line(one.slice or one.name, side.value, side.low, side.high, beside, "wait", hollow))
    if not lines:
        return f"<h2>{escape(title)}</h2><p class='small soft'>{escape(say('multiples.none'))}</p>"
    wide, small = forest(lines, say, title), forest(lines, say, title, narrow=True)
    return f'<h2 style="margin-bottom:8px">{escape(title)}</h2>' + both(wide, small)


def _slices(view: CompareView, say: Words) -> str:
    shown = _sides(view.slices, view, say, say("compare.slices"))
    return shown + f'<p class="small soft" style="margin-top:8px">{escape(say("compare.slices.lead"))}</p>'


def _facts(view: CompareView, say: Words) -> str:
    title = f'<h2 style="margin-bottom:4px">{escape(say("compare.differ"))}</h2>'
    rows = [
        (say(f"compare.{one.name}"), _fact(one.name, one.left, say), _fact(one.name, one.right, say))
        for one in view.differences
    ]
    return title + _pairs(view, rows, say("compare.fact"), say("compare.differ.none"))


def _fact(name: str, text: str, say: Words) -> str:
    """Write a fact; counts and times as the language writes numbers."""
    if name not in ("rows", "tested", "bytes", "p99_ms"):
        return text
    try:
        return say.number(float(text), 3) if name == "p99_ms" else say.count(float(text))
    except ValueError:
        return text


def _contract(view: CompareView, say: Words) -> str:
    title = f'<h2 style="margin-bottom:4px">{escape(say("compare.contract"))}</h2>'
    rows = [(one.name, one.after or "–", one.before or "–") for one in view.contract]
    return title + _pairs(view, rows, say("compare.field"), say("compare.contract.same"))


def _pairs(view: CompareView, rows: Sequence[tuple[str, str, str]], first: str, none: str) -> str:
    if not rows:
        return f'<p class="small soft">{escape(none)}</p>'
    heads = (first, _ref(view, view.left.version), _ref(view, view.right.version))
    cells = [[f'<span class="small num fit">{escape(cell)}</span>' for cell in row] for row in rows]
    return table(first, heads, cells, fold=True)


ROUTES = (Route("/compare/{name}/{left}/{right}", "home", two),)
