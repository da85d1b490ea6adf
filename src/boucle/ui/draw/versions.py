"""The versions of a model as a table, and the line from data to answers."""

from __future__ import annotations

from collections.abc import Callable

from boucle.ui.draw.glyphs import escape, status, tone
from boucle.ui.words.catalogue import Words
from boucle.views.newest import Figure
from boucle.views.versions import VersionRow, Versions


def lineage(view: Versions, say: Words) -> str:
    """Write where the champion's answers come from: data, run, version, release, rows."""
    row = next((one for one in view.rows if one.version == view.champion), None)
    if row is None:
        return f'<p class="soft">{escape(say("lineage.none"))}</p>'
    steps = [
        (say("lineage.data"), _short(row.fingerprint), say("lineage.rows", row.rows) if row.rows is not None else ""),
        (say("lineage.run"), _short(row.run), ""),
        (say("lineage.version"), f"{view.model}/{row.version}", say.moment(row.made, view.time)),
    ]
    if view.released is not None:
        steps.append((say("lineage.release"), f"#{view.released[0]}", say.moment(view.released[1], view.time)))
    steps.append((say("lineage.answered"), say.count(row.answered), say("lineage.answers", row.answered)))
    shown = '<span class="to" aria-hidden="true">→</span>'.join(
        f'<span class="step"><span class="small soft">{escape(name)}</span><br>'
        f'<span class="num strong">{escape(what)}</span>'
        f' <span class="small soft">{escape(beside)}</span></span>'
        for name, what, beside in steps
    )
    return f'<div class="lineage">{shown}</div>'


def _short(digest: str) -> str:
    return digest[:8] if digest else "–"


def table(view: Versions, link: Callable[[str], str], say: Words) -> str:
    """Write the versions, the newest first, each with how it was judged before it could answer."""
    if not view.rows:
        return f'<p class="soft">{escape(say("versions.none"))}</p>'
    heads = "".join(
        f'<th{" class=r" if name in ("rows", "answered") else ""} scope="col">{escape(say(f"versions.{name}"))}</th>'
        for name in ("version", "role", "verdict", "measured", "rows", "answered", "made")
    )
    rows = "".join(_row(row, view, link, say) for row in view.rows)
    caption = f'<caption class="hidden">{escape(say("versions.caption", model=view.model))}</caption>'
    return f'<table class="fold-s">{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _row(row: VersionRow, view: Versions, link: Callable[[str], str], say: Words) -> str:
    ref = f"{view.model}/{row.version}"
    role = {"champion": '<span class="chip"><i></i>', "challenger": '<span class="chip chall"><i></i>'}.get(
        row.role, "<span>"
    )
    compared = view.champion if row.version != view.champion else None
    versus = (
        f' <a class="link small" href="{escape(link(f"/compare/{view.model}/{compared}/{row.version}"))}">'
        f"{escape(say('versions.compare', version=compared))}</a>"
        if compared
        else ""
    )
    cells = [
        f'<span class="strong">{escape(ref)}</span>{versus}',
        f"{role}{escape(say(f'role.is.{row.role}')) if row.role else ''}</span>",
        status(tone(row.status), say(f"verdict.{row.status}")),
        _measured(row.figure, say),
        escape(say.count(row.rows)) if row.rows is not None else "–",
        escape(say.count(row.answered)),
        f'<time title="{escape(say.date(row.made))}">{escape(say.moment(row.made, view.time))}</time>',
    ]
    names = ("version", "role", "verdict", "measured", "rows", "answered", "made")
    drawn = []
    for name, cell in zip(names, cells, strict=True):
        look = ' class="r num"' if name in ("rows", "answered") else ' class="num"'
        label = "" if name in ("version", "role", "verdict") else f' data-label="{escape(say(f"versions.{name}"))}"'
        drawn.append(f"<td{look}{label}>{cell}</td>")
    return f"<tr>{''.join(drawn)}</tr>"


def _measured(found: Figure | None, say: Words) -> str:
    if found is None or found.value is None:
        return "–"
    text = f"{escape(found.name)} {escape(say.fixed(found.value, 3))}"
    if found.low is not None and found.high is not None:
        text += f' <span class="soft">{escape(say.interval(found.low, found.high))}</span>'
    if found.n is not None:
        text += f' <span class="soft small nowrap">n = {escape(say.count(found.n))}</span>'
    return text
