"""The fields of a contract as a table: what each takes, and how the newest window kept to it."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.ui.draw.glyphs import escape, sign
from boucle.ui.draw.mini import mini
from boucle.ui.draw.numbers import table
from boucle.ui.words.catalogue import Words
from boucle.views.contract import Change, FieldRow
from boucle.views.drift import Fault

_LEVELS = 4
_KEYS = ("field", "type", "allowed", "missing", "broken", "example", "shape")


def fields(rows: Sequence[FieldRow], faults: Sequence[Fault], say: Words) -> str:
    """Write the inputs; a field with a data fault is marked, with what is wrong with it."""
    wrong = {one.column: one for one in faults}
    heads = [say(f"contract.col.{key}") for key in _KEYS]
    drawn = [_input(one, wrong.get(one.name), say) for one in rows]
    return table(say("contract.title.fields"), heads, drawn, right=(3, 4), fold=True)


def outputs(rows: Sequence[FieldRow], say: Words) -> str:
    heads = [say(f"contract.col.{key}") for key in _KEYS[:3]]
    drawn = [[f"<b>{escape(one.name)}</b>", escape(_kind(one, say)), allowed(one, say)] for one in rows]
    return table(say("contract.title.outputs"), heads, drawn, fold=True)


def changes(found: Sequence[Change], title: str, say: Words) -> str:
    heads = [say(f"contract.col.{key}") for key in ("field", "what", "before", "after")]
    rows = [
        [
            f"<b>{escape(one.name)}</b>",
            escape(say(f"contract.{one.kind}")),
            f'<span class="small">{escape(one.before or "–")}</span>',
            f'<span class="small">{escape(one.after or "–")}</span>',
        ]
        for one in found
    ]
    return table(title, heads, rows, fold=True)


def _input(one: FieldRow, fault: Fault | None, say: Words) -> list[str]:
    told = ""
    if fault is not None:
        bound = say("contract.fault", share=say.percent(fault.share), rows=say.count(fault.rows), bound=fault.bound)
        note = f"{say.say(fault.what) if fault.what is not None else fault.note or fault.kind}: {bound}"
        told = f'<br><span class="small fail st">{sign("fail")}{escape(note)}</span>'
    personal = f' <span class="small soft">· {escape(say("contract.personal"))}</span>' if one.pii else ""
    example = "–" if one.example is None else f'<span class="num">{escape(_shown(one, say))}</span>'
    return [
        f"<b>{escape(one.name)}</b>{personal}{told}",
        _type(one, say),
        allowed(one, say),
        _missing(one, say),
        _outside(one, say),
        example,
        mini(one.histogram, say) if one.histogram is not None else "",
    ]


def _type(one: FieldRow, say: Words) -> str:
    need = say("contract.optional" if one.optional else "contract.needed")
    return f'{escape(_kind(one, say))}<br class="wide-only"><span class="small soft"> {escape(need)}</span>'


def _kind(one: FieldRow, say: Words) -> str:
    return say(f"contract.type.{one.dtype}")


def allowed(one: FieldRow, say: Words) -> str:
    """Write what a field takes: its range or its levels."""
    if one.categories:
        shown = ", ".join(one.categories[:_LEVELS])
        left = len(one.categories) - _LEVELS
        more = f' <span class="soft">{escape(say("contract.more", left))}</span>' if left > 0 else ""
        return f'<span class="small" title="{escape(", ".join(one.categories))}">{escape(shown)}{more}</span>'
    if one.dtype == "bool":
        return escape(f"{say('contract.true')}, {say('contract.false')}")
    low = None if one.minimum is None else _number(one, one.minimum, say)
    high = None if one.maximum is None else _number(one, one.maximum, say)
    if low is not None and high is not None:
        return f'<span class="num">{escape(say("contract.between", low=low, high=high))}</span>'
    if low is not None:
        return escape(say("contract.from", low=low))
    return escape(say("contract.any") if high is None else say("contract.to", high=high))


def _missing(one: FieldRow, say: Words) -> str:
    if one.missing is None:
        return "–"
    was = ""
    if one.was_missing is not None and abs(one.was_missing - one.missing) >= 0.0005:
        was = f'<br><span class="small soft">{escape(say("contract.was", share=say.percent(one.was_missing)))}</span>'
    return f"{escape(say.percent(one.missing))}{was}"


def _outside(one: FieldRow, say: Words) -> str:
    """Write the share of rows beyond the reference's range, or with a level that it does not have."""
    share = one.broken if one.categories or one.outside is None else one.outside
    return "–" if share is None else escape(say.percent(share))


def _shown(one: FieldRow, say: Words) -> str:
    value = one.example
    if one.dtype == "bool" and str(value).lower() in ("true", "false"):
        return say(f"contract.{str(value).lower()}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return _number(one, value, say)


def _number(one: FieldRow, value: float, say: Words) -> str:
    return say.count(value) if one.dtype == "int64" else say.number(value, 4)
