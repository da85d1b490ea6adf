"""Several rows at once: pasted, asked in one request, and told as a table to take along."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.errors import BoucleError
from boucle.formats.sheet import cell
from boucle.ui import asking, pasting
from boucle.ui.draw.answer import shown
from boucle.ui.draw.glyphs import escape, status
from boucle.ui.draw.numbers import table
from boucle.ui.pages.row import typical
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.contract import ContractView, FieldRow

ROUTES: tuple[Route, ...] = ()
_COLUMNS = 4
"""Inputs shown beside each answer; the file has all."""


class Several:
    """A place to paste rows, and the answers under it."""

    def __init__(self, shell: Shell, view: ContractView, let_in: Callable[[], Awaitable[bool]]) -> None:
        self._shell, self._view, self._let_in = shell, view, let_in
        self._text = ""
        self._file = ""

    def build(self) -> None:
        """Put the field and its button."""
        shell, say = self._shell, self._shell.words
        shell.html(f"<h2>{escape(say('several.title'))}</h2>")
        shell.html(escape(say("several.lead", pasting.MOST)), "small soft", tag="p").style("margin: 2px 0 10px")
        with ui.element("form").props('novalidate autocomplete="off"') as form:
            with ui.element("label").classes("field"):
                shell.html(escape(say("several.rows")), "small soft", tag="span")
                field = ui.element("textarea").props("rows=5 spellcheck=false")
                field.props["placeholder"] = self._example()
            with shell.box("acts").style("margin-top: 10px"):
                shell.html(escape(say("several.ask")), "btn", tag="button").props('type="submit"')
        field.on("input", self._written, js_handler="(event) => emit(event.target.value)")
        form.on("submit", self._ask, js_handler="(event) => { event.preventDefault(); emit(); }")
        self._told = shell.html("").props('role="status"').style("margin-top: 12px")
        with shell.box("acts") as taken:
            button = shell.html(escape(say("several.download")), "btn", tag="button").props('type="button"')
        button.on("click", lambda: ui.download.content(self._file, f"{self._view.model}-answers.csv", "text/csv"))
        self._taken = taken
        taken.set_visibility(False)

    def _example(self) -> str:
        fields = self._view.fields
        return f"{','.join(one.name for one in fields)}\n{','.join(map(typical, fields))}"

    def _written(self, event: GenericEventArguments) -> None:
        self._text = str(event.args)

    async def _ask(self) -> None:
        """Ask for all rows together; one that is wrong is named, and then none is asked."""
        shell, view = self._shell, self._view
        self._taken.set_visibility(False)
        if view.version is None or not await self._let_in():
            return
        try:
            rows = pasting.rows_of(self._text, view.fields)
            asked = (shell.project, view.model, view.version, view.fields, rows)
            found = await asyncio.to_thread(asking.ask_all, *asked)
        except BoucleError as error:
            told = f"{error.message} {error.hint or ''}"
            self._told.set_content(f"{status('fail', told.strip())}")
            return
        classes = view.outputs[0].categories if view.outputs else ()
        self._file = written(view.fields, rows, found, classes)
        self._told.set_content(self._drawn(rows, found, classes))
        self._taken.set_visibility(True)

    def _drawn(self, rows: Sequence[dict[str, Any]], found: Sequence[asking.Answered], classes: Sequence[str]) -> str:
        say, names = self._shell.words, [one.name for one in self._view.fields][:_COLUMNS]
        heads = [say("several.row"), say("several.answer"), *([say("several.sure")] if classes else []), *names]
        cells = []
        for number, (row, one) in enumerate(zip(rows, found, strict=True), 1):
            sure = [escape(say.percent(max(one.probabilities), 1))] if classes and one.probabilities else []
            sure = sure or (["–"] if classes else [])
            inputs = [escape(shown(row[name], say)) if name in row else "–" for name in names]
            cells.append([str(number), f"<b>{escape(shown(one.prediction, say))}</b>", *sure, *inputs])
        title = say("several.told", len(found), ref=f"{self._view.model}/{found[0].version}")
        drawn = table(title, heads, cells, fold=True)
        scrolled = f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{escape(title)}">{drawn}</div>'
        return f'<p class="small soft">{escape(title)}</p>{scrolled}'


def written(
    fields: Sequence[FieldRow], rows: Sequence[dict[str, Any]], found: Sequence[asking.Answered], classes: Sequence[str]
) -> str:
    """Write the answers as CSV: the inputs, the prediction, a probability for each class, the id."""
    out = io.StringIO()
    target = csv.writer(out, lineterminator="\n")
    names = [one.name for one in fields]
    target.writerow([*names, "prediction", *(f"probability_{name}" for name in classes), "id", "version"])
    for row, one in zip(rows, found, strict=True):
        shares = one.probabilities if len(one.probabilities) == len(classes) else [""] * len(classes)
        values = [cell(row.get(name, "")) for name in names]
        target.writerow([*values, cell(one.prediction), *shares, one.id, one.version])
    return out.getvalue()
