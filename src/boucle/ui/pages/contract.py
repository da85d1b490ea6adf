"""Data and contract: what may come in?"""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Any

from boucle.core.errors import BoucleError
from boucle.core.signature import Field, Signature
from boucle.serving import schemas
from boucle.ui import asking
from boucle.ui.actions import command
from boucle.ui.draw import fields
from boucle.ui.draw.glyphs import escape, icon, status
from boucle.ui.pages import parts
from boucle.ui.pages.row import native, typical
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.contract import MASKED, ContractView, FieldRow, contract


async def first(shell: Shell) -> None:
    """Show the project's own model."""
    await show(shell, shell.project.name)


async def one(shell: Shell) -> None:
    await show(shell, shell.given("name"))


async def show(shell: Shell, model: str) -> None:
    """Head with how the contract was kept; then its fields, what changed, and how a program asks."""
    say = shell.words
    parts.reach(shell, model)
    seen = await shell.read(contract, model)
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), say.sentence(view.lead)))
    view = seen.value
    if view is not None and not view.fields:
        ref = f"{model}/{view.version}"
        told = f"{say('contract.trouble', ref=ref)} {view.trouble}" if view.trouble else say("contract.empty")
        shell.html(f'<div class="card empty"><p>{escape(told)}</p>{_command("boucle train", say)}</div>')
        return
    url = await asyncio.to_thread(_url, shell)
    with shell.box("stack"):
        shell.part(seen, lambda view: _kept(view, shell), classes="split mid", tag="div")
        shell.part(seen, lambda view: fields.fields(view.fields, view.faults, say), classes="card wide-table")
        with shell.box("grid2 even"):
            with shell.box("stack"):
                shell.part(seen, lambda view: _outputs(view, say), classes="card o1")
                shell.part(seen, lambda view: _changes(view, say), classes="card o2")
            shell.part(seen, lambda view: _programs(view, url, shell), classes="card o3")


def _url(shell: Shell) -> str:
    try:
        return asking.url_of(shell.project)
    except BoucleError:
        return f"http://127.0.0.1:{shell.project.settings.serve.port}"


def _command(text: str, say: Words) -> str:
    return command(text, say("copy"), say("copied"))


def _kept(view: ContractView, shell: Shell) -> str:
    """Say whether there is a data fault, of which window, and what is refused."""
    say = shell.words
    if view.fault_status == "fail":
        found = status("fail", say("contract.faults.some", len(view.faults)))
    elif view.fault_status == "pass":
        found = status("pass", say("contract.faults.none"))
    else:
        found = status("wait", say("contract.faults.early"))
    told = []
    if view.window is not None:
        start, end = (say.moment(time, view.time) for time in (view.window.start, view.window.end))
        told.append(say("contract.window", view.window.rows, start=start, end=end))
    told.append(say("contract.refuses", what=", ".join(view.refuse)) if view.refuse else say("contract.answers"))
    link = f'<a class="btn" href="{escape(shell.link(f"/models/{view.model}/try"))}">{escape(say("contract.try"))}</a>'
    return f'<div>{found}<p class="small soft" style="margin-top:4px">{escape(" ".join(told))}</p></div>{link}'


def _outputs(view: ContractView, say: Words) -> str:
    title = escape(say("contract.title.outputs"))
    return f'<h2 style="margin-bottom:6px">{title}</h2>{fields.outputs(view.outputs, say)}'


def _changes(view: ContractView, say: Words) -> str:
    if view.previous is None:
        return f'<p class="small soft">{escape(say("contract.first"))}</p>'
    if not view.changes:
        return f'<p class="small soft">{escape(say("contract.same", version=view.previous))}</p>'
    title = say("contract.title.changes", version=view.previous)
    return f'<h2 style="margin-bottom:6px">{escape(title)}</h2>{fields.changes(view.changes, title, say)}'


def _programs(view: ContractView, url: str, shell: Shell) -> str:
    """Write how a program asks: curl and Python with typical values, and the JSON Schema of one row."""
    say, guarded = shell.words, shell.project.settings.serve.auth.on
    row = {one.name: _example(one) for one in view.fields if not one.optional or one.example not in (None, MASKED)}
    told = {
        "curl": curl(url, view.model, row, guarded=guarded),
        "Python": python(url, view.model, row, guarded=guarded),
        say("contract.schema"): json.dumps(schema(view), indent=2, ensure_ascii=False),
    }
    note = f'<p class="small soft" style="margin-bottom:8px">{escape(say("contract.copy.note"))}</p>'
    drawn = "".join(_program(name, text, say, shown=place == 0) for place, (name, text) in enumerate(told.items()))
    return f'<h2 style="margin-bottom:4px">{escape(say("contract.title.copy"))}</h2>{note}{drawn}'


def _program(name: str, text: str, say: Words, *, shown: bool) -> str:
    label = f"{say('copy')}: {name}"
    said = f'data-text="{escape(text)}" data-done="{escape(say("copied"))}" aria-label="{escape(label)}"'
    copy = f'<button type="button" class="ib" data-do="copy" {said}>{icon("copy")}</button>'
    region = f'<div class="json" tabindex="0" role="region" aria-label="{escape(name)}"><pre>{escape(text)}</pre></div>'
    opened = " open" if shown else ""
    inside = f'<summary>{escape(name)}</summary><div class="code">{region}{copy}</div>'
    return f'<details class="program"{opened}>{inside}</details>'


def _example(one: FieldRow) -> Any:
    """Return a typical value; a personal one is never shown."""
    said = typical(one)
    if said:
        return native(one, said)
    return {"float64": 0.0, "int64": 0, "bool": False}.get(one.dtype, "…")


def curl(url: str, model: str, row: dict[str, Any], *, guarded: bool) -> str:
    """Write the question as a command."""
    key = ' \\\n  -H "x-api-key: $BOUCLE_KEY"' if guarded else ""
    return f"curl {url}/predict/{model}{key} \\\n  -d {shlex.quote(json.dumps(row, ensure_ascii=False))}"


def python(url: str, model: str, row: dict[str, Any], *, guarded: bool) -> str:
    """Write the question as a program that needs nothing beside Python."""
    head = '"content-type": "application/json"' + (', "x-api-key": os.environ["BOUCLE_KEY"]' if guarded else "")
    imports = "import json\nimport os\n" if guarded else "import json\n"
    return (
        f"{imports}from urllib.request import Request, urlopen\n\nrow = {row!r}\nbody = json.dumps(row).encode()\n"
        f'asked = Request("{url}/predict/{model}", body, {{{head}}})\nprint(json.load(urlopen(asked)))'
    )


def schema(view: ContractView) -> dict[str, Any]:
    """Return the JSON Schema of one row, as the data plane describes it."""
    inputs, outputs = (tuple(map(_field, some)) for some in (view.fields, view.outputs))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schemas.row(
        Signature(inputs, outputs), view.refuse
    )


def _field(row: FieldRow) -> Field:
    levels = tuple(native(row, one) for one in row.categories) or None
    dtype: Any = row.dtype
    return Field(row.name, dtype, row.optional, (), row.minimum, row.maximum, levels, row.pii)


ROUTES = (Route("/contract", "contract", first), Route("/models/{name}/contract", "contract", one))
