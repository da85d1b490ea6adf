"""Settings: who may do what, who is told, how it looks, and what is missing to let go of the wheel."""

from __future__ import annotations

from collections.abc import Hashable

from nicegui import ui

from boucle.core.access import Role
from boucle.ui import upkeep
from boucle.ui.actions import command
from boucle.ui.draw.glyphs import escape, status
from boucle.ui.draw.numbers import table
from boucle.ui.frame import named
from boucle.ui.pages import signed
from boucle.ui.pages.newkey import NewKey
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.access import Address, KeyRow, KeysView, NotifiersView, PeopleView, keys, notifiers, people

PARTS = {
    "keys": "/settings", "people": "/settings/people", "alerts": "/settings/alerts", "look": "/settings/look",
    "maturity": "/settings/maturity",
}  # fmt: skip


def parts(shell: Shell, current: str) -> None:
    """Put the parts of the settings as links."""
    say = shell.words
    links = "".join(
        f'<a href="{escape(shell.link(path))}"{" aria-current=page" if name == current else ""}>'
        f"{escape(say(f'settings.part.{name}'))}</a>"
        for name, path in PARTS.items()
    )
    label = escape(say("settings.parts"))
    shell.html(f'<div class="seg" role="group" aria-label="{label}">{links}</div>', "fit parts")


def let_in(shell: Shell, role: Role) -> bool:
    """Say whether the reader may see this part, which is about all models; tells them where not."""
    if shell.may(role) and shell.caller.models is None:
        return True
    say, models = shell.words, shell.caller.models
    told = say("settings.part.forbidden", role=say(f"role.{role.value}"))
    if models is not None:
        told = say("settings.part.limited", models=say.listed(sorted(models)))
    shell.html(f'<div class="card empty"><p>{escape(told)}</p></div>')
    return False


async def keys_page(shell: Shell) -> None:
    """Head with how many keys work; then each, with the way to end it."""
    say = shell.words
    if not shell.may(Role.ADMIN) or shell.caller.models is not None:
        shell.title(say("settings.part.keys"))
        parts(shell, "keys")
        let_in(shell, Role.ADMIN)
        return
    seen = await shell.read(keys)
    shell.heading(seen, lambda view: _keys_said(view, shell))
    parts(shell, "keys")
    with shell.box("card", "section"):
        with shell.box("split mid"):
            shell.html(f"<h2>{escape(say('keys.caption'))}</h2>")
            new = NewKey(shell)
            button = ui.element("button").classes("btn pri").props('type="button"')
            with button:
                shell.html(escape(say("keys.new")), tag="span")
            button.on("click", new.open)
        shell.rebuilt(seen, _keys_shown, lambda view: _keys(shell, view))


def _keys_said(view: KeysView, shell: Shell) -> tuple[str, str]:
    say = shell.words
    if not view.asked:
        return say("keys.head.open"), say("keys.lead.open")
    return say("keys.head", sum(one.live for one in view.rows) + view.more), say("keys.lead")


def _keys_shown(view: KeysView) -> Hashable:
    return tuple((one.fingerprint, one.ends, one.live, one.used) for one in view.rows), view.more


def _keys(shell: Shell, view: KeysView) -> None:
    say = shell.words
    if not view.rows:
        told = command("boucle keys add NAME --role operator", say("copy"), say("copied"))
        shell.html(f'<div class="empty"><p>{escape(say("keys.empty"))}</p>{told}</div>')
        return
    with shell.box("keylist"):
        for one in view.rows:
            with shell.box("keyrow"):
                shell.html(_key(one, view.time, shell))
                _revoke(shell, one)
    if view.more:
        shell.html(escape(say("keys.more", view.more)), "small soft", tag="p")
    shell.html(escape(say("keys.used.note")), "small soft", tag="p").style("margin-top: 10px")


def _revoke(shell: Shell, one: KeyRow) -> None:
    button = ui.element("button").classes("btn dan").props('type="button"')
    with button:
        word = f'{escape(shell.words("keys.revoke"))}<span class="hidden"> {escape(one.name)}</span>'
        shell.html(word, tag="span")
    button.on("click", lambda: shell.ask(upkeep.revoke(shell.words, one.name, one.fingerprint[:8])))


def _key(one: KeyRow, now: float, shell: Shell) -> str:
    say = shell.words
    models = say("keys.all") if one.models is None else ", ".join(one.models)
    ends = say("keys.never") if one.ends is None else say.moment(one.ends, now)
    facts = [
        ("role", say(f"role.{one.role}")),
        ("models", models),
        ("created", say.moment(one.created, now)),
        ("ends", ends),
        ("used", say("keys.used.never") if one.used is None else say.moment(one.used, now)),
    ]
    rows = "".join(
        f"<div><dt>{escape(say(f'keys.col.{key}'))}</dt><dd>{escape(told)}</dd></div>" for key, told in facts
    )
    return f'<b>{escape(one.name)}</b> <code class="soft">{escape(one.fingerprint)}</code><dl class="facts">{rows}</dl>'


async def people_page(shell: Shell) -> None:
    """Head with how many names there are; then what each role may do, and who has acted."""
    say = shell.words
    if shell.caller.models is not None:
        shell.title(say("settings.part.people"))
        parts(shell, "people")
        let_in(shell, Role.ADMIN)
        return
    seen = await shell.read(people)
    shell.heading(seen, lambda view: (say("people.head", sum(one.acted for one in view.people)), say("people.lead")))
    parts(shell, "people")
    with shell.box("grid2 even"):
        shell.html(_roles(shell), "card o3", tag="section")
        with shell.box("stack"):
            with shell.box("card o1", "section"):
                shell.html(f'<h2 style="margin-bottom:6px">{escape(say("people.signed"))}</h2>')
                shell.rebuilt(seen, signed.shown, lambda view: signed.build(shell, view))
            shell.part(seen, lambda view: _people(view, shell), classes="card o2")


def _roles(shell: Shell) -> str:
    say = shell.words
    own = f'<p class="small soft" style="margin-bottom:8px">{escape(named(say, shell.caller))}</p>'
    rows = [[f"<b>{escape(say(f'role.{role.value}'))}</b>", escape(say(f"people.may.{role.value}"))] for role in Role]
    drawn = table(say("people.roles"), [say("people.role"), say("people.may")], rows)
    return f"<h2>{escape(say('people.roles'))}</h2>{own}{drawn}"


def _people(view: PeopleView, shell: Shell) -> str:
    say = shell.words
    issuer = f'<p class="small soft">{escape(say("people.issuer", issuer=view.issuer))}</p>' if view.issuer else ""
    rows = "".join(
        f'<div><span>{escape(one.name)}</span><a class="link small" href="'
        f'{escape(shell.link("/history", actor=one.actor))}">{escape(say("people.history"))}'
        f'<span class="hidden"> ({escape(one.name)})</span></a></div>'
        for one in view.people
        if one.acted
    )
    shown = f'<div class="rows">{rows}</div>' if rows else f'<p class="soft">{escape(say("people.none"))}</p>'
    return f"<h2>{escape(say('people.names'))}</h2>{issuer}{shown}"


async def alerts_page(shell: Shell) -> None:
    """Head with how many addresses are told; then each, with a way to see whether it works."""
    say = shell.words
    if shell.caller.models is not None:
        shell.title(say("settings.part.alerts"))
        parts(shell, "alerts")
        let_in(shell, Role.OPERATOR)
        return
    seen = await shell.read(notifiers)
    shell.heading(seen, lambda view: _alerts_said(view, shell))
    parts(shell, "alerts")
    with shell.box("card", "section"):
        shell.rebuilt(seen, lambda view: (view.addresses, view.muted), lambda view: _addresses(shell, view))


def _alerts_said(view: NotifiersView, shell: Shell) -> tuple[str, str]:
    say = shell.words
    if not view.addresses:
        return say("alerts.head.none"), ""
    return say("alerts.head", len(view.addresses)), say("alerts.lead")


def _addresses(shell: Shell, view: NotifiersView) -> None:
    say = shell.words
    if view.muted is not None:
        shell.html(status("wait", say("alerts.muted", until=say.moment(view.muted, view.time))))
        action = upkeep.unmute(say, shell.project.name)
        shell.button(action.label, lambda: action, action.role, shell.project.name)
    if not view.addresses:
        told = command("alerts: [mailto://…]", say("copy"), say("copied"))
        shell.html(f'<div class="empty"><p>{escape(say("alerts.add"))}</p>{told}</div>')
    for one in view.addresses:
        with shell.box("keyrow"):
            shell.html(_address(one, shell))
            _test(shell, one)
    told = say("alerts.language", language=say(f"alerts.language.{view.language}"))
    shell.html(f'<p class="small soft" style="margin-top:10px">{escape(told)}</p>')


def _test(shell: Shell, one: Address) -> None:
    action = upkeep.send_test(shell.words, one.digest, one.kind)
    shell.button(action.label, lambda: action, action.role)


def _address(one: Address, shell: Shell) -> str:
    say = shell.words
    if one.waiting:
        told = f"{say('alerts.waiting', one.waiting)}, {say('alerts.tried', one.attempts)}"
        state = status("fail" if one.attempts else "wait", told)
    else:
        state = status("pass", say("alerts.fine"))
    return f'<div class="row mid"><b>{escape(one.kind)}</b><code class="soft">{escape(one.digest)}</code>{state}</div>'


async def look_page(shell: Shell) -> None:
    """Let the reader choose language, theme and whether single keys do something."""
    say = shell.words
    shell.title(say("look.head"), say("look.lead"))
    parts(shell, "look")
    to = {"en": "/settings/look", "fr": "/fr/settings/look"}
    tongues = "".join(
        f'<a href="/language/{code}?to={path}" lang="{code}"{" aria-current=true" if say.language == code else ""}>'
        f"{name}</a>"
        for (code, path), name in zip(to.items(), ("English", "Français"), strict=True)
    )
    rows = {
        "language": f'<div class="seg" role="group" aria-label="{escape(say("look.language"))}">{tongues}</div>',
        "theme": f'<button type="button" class="btn" data-do="theme">{escape(say("look.theme.do"))}</button>',
        "keys": f'<button type="button" class="btn" role="switch" aria-checked="true" data-do="keys">'
        f"{escape(say('look.keys.do'))}</button> "
        f'<button type="button" class="btn" data-do="help">{escape(say("look.keys.help"))}</button>',
    }
    shown = "".join(
        f'<div class="mid"><span>{escape(say(f"look.{key}"))}</span><span class="acts">{inside}</span></div>'
        for key, inside in rows.items()
    )
    shell.html(f'<div class="rows look">{shown}</div>', "card", tag="section")
    ui.run_javascript(_SWITCHED)  # what this browser keeps is known there alone


_SWITCHED = """for (const one of document.querySelectorAll('[data-do=keys]'))
  one.setAttribute('aria-checked', String(localStorage.getItem('boucle-keys') !== 'off'));"""


ROUTES = (
    Route(PARTS["keys"], "settings", keys_page),
    Route(PARTS["people"], "settings", people_page),
    Route(PARTS["alerts"], "settings", alerts_page),
    Route(PARTS["look"], "settings", look_page),
)
