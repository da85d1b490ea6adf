"""One row of inputs as a form made from the contract: filled with a typical row or an odd one, and read again."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments, UploadEventArguments

from boucle.project.values import bytes_of
from boucle.ui.draw.glyphs import escape
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.contract import FieldRow

ROUTES: tuple[Route, ...] = ()
_WIDE = ("text", "image")
_WRITTEN = "(event) => emit([event.target.dataset.field ?? null, event.target.value ?? ''])"
_ABOUT = 4
"""Figures that count in the numbers that are filled in."""


class Row:
    """What a reader has written into the fields; images are bytes."""

    def __init__(self, shell: Shell, fields: Sequence[FieldRow]) -> None:
        self._shell = shell
        self._fields = fields
        self._said: dict[str, str] = {one.name: typical(one) for one in fields}
        self._images: dict[str, bytes] = {}
        self._bad: dict[str, ui.html] = {}
        self._places: dict[str, Element] = {}

    def build(self) -> None:
        """Put the form here. What is written is heard at its root: fields are plain HTML, never drawn again."""
        self._place = self._shell.box("form")
        self._place.on("input", self._heard, js_handler=_WRITTEN)
        self._draw()

    def _heard(self, given: GenericEventArguments) -> None:
        name, said = given.args
        if name is not None:
            self._said[str(name)] = str(said)

    def typical(self) -> None:
        """Fill in the medians and the commonest values."""
        self._fill({one.name: typical(one) for one in self._fields})

    def odd(self) -> None:
        """Fill in what is rare in the reference, but was there."""
        self._fill({one.name: odd(one) for one in self._fields})

    def clear(self) -> None:
        self._images.clear()
        self._fill({})

    def _fill(self, said: dict[str, str]) -> None:
        self._said = said
        self._draw()

    def _draw(self) -> None:
        self._place.clear()
        with self._place:
            for one in self._fields:
                self._field(one)

    def _field(self, one: FieldRow) -> None:
        say = self._shell.words
        with self._shell.box("field wide" if one.dtype in _WIDE else "field") as place:
            self._places[one.name] = place
            beside = f'<span class="small soft">{escape(about(one, say))}</span>'
            name = f'<span class="name"><b>{escape(one.name)}</b>{beside}</span>'
            if one.dtype == "image":
                self._shell.html(name)
                self._image(one)
            else:
                self._shell.html(f"<label>{name}{control(one, self._said.get(one.name, ''), say)}</label>")
            self._bad[one.name] = self._shell.html("", "bad small", tag="span").props('role="alert"')

    def _image(self, one: FieldRow) -> None:
        """Take an image that is dropped or chosen, and show it."""

        async def given(event: UploadEventArguments) -> None:
            read = await event.file.read()
            self._images[one.name] = read
            kind = event.file.content_type
            if kind.startswith("image/"):
                preview.set_source(f"data:{kind};base64,{base64.b64encode(read).decode()}")
                preview.set_visibility(True)

        largest = bytes_of(self._shell.project.settings.serve.max_image)
        label = self._shell.words("try.image")
        field = ui.upload(label=label, auto_upload=True, max_file_size=largest, on_upload=given)
        field.props("flat accept=image/*")
        preview = ui.image("").classes("preview")
        preview.set_visibility(False)

    def read(self) -> dict[str, Any] | None:
        """Return the row; None when a field is wrong, which is then said under it."""
        say, row, right = self._shell.words, {}, True
        for one in self._fields:
            self._mark(one.name, "")
            if one.dtype == "image":
                if one.name in self._images:
                    row[one.name] = self._images[one.name]
                continue
            said = self._said.get(one.name, "").strip()
            try:
                if said:
                    row[one.name] = native(one, said)
                elif not one.optional:
                    raise KeyError
            except ValueError:
                right = self._mark(one.name, say("try.number"))
            except KeyError:
                right = self._mark(one.name, say("try.missing"))
        return row if right else None

    def blame(self, name: str, message: str) -> None:
        """Say under a field what the data plane found wrong with it."""
        if name in self._bad:
            self._mark(name, message)

    def _mark(self, name: str, message: str) -> bool:
        self._bad[name].set_content(escape(message))
        self._places[name].classes(**{"add" if message else "remove": "wrong"})
        return False


def control(one: FieldRow, said: str, say: Words) -> str:
    """Write the control of a field: a choice of what there is, else something to write in."""
    named = f'data-field="{escape(one.name)}"'
    if one.categories or one.dtype == "bool":
        words = {"true": say("try.yes"), "false": say("try.no")} if one.dtype == "bool" else {}
        options = "".join(
            f'<option value="{escape(value)}"{" selected" if value == said else ""}>'
            f"{escape(words.get(value, value) or '–')}</option>"
            for value in ("", *(words or one.categories))
        )
        return f"<select {named}>{options}</select>"
    hint = f'placeholder="{escape(typical(one))}" autocomplete="off"'
    if one.dtype == "text":
        return f"<textarea {named} {hint} rows=4>{escape(said)}</textarea>"
    keys = ' inputmode="decimal"' if one.dtype in ("float64", "int64") else ""
    return f'<input type="text" {named} {hint}{keys} value="{escape(said)}">'


def native(one: FieldRow, said: str) -> Any:
    """Return what was written as the field takes it; raises ValueError. Numbers may be written as in French."""
    if one.dtype == "bool":
        return said.lower() == "true"
    if one.dtype in ("float64", "int64"):
        plain = said.replace("\u202f", "").replace("\u00a0", "").replace("\u2212", "-").replace(",", ".")
        value = float(plain)
        if not math.isfinite(value):
            raise ValueError(said)
        return int(value) if one.dtype == "int64" and value.is_integer() else value
    return said


def typical(one: FieldRow) -> str:
    """Return the reference's median, or its commonest value; nothing for what is personal."""
    if one.pii or one.example is None:
        return ""
    return written(one.example, whole=one.dtype == "int64")


def odd(one: FieldRow) -> str:
    """Return a value from the thin end of the reference: the last part of its range, or its rarest level."""
    picture = one.histogram
    if picture is None:
        return typical(one)
    seen = [part for part in picture.bins if part.reference > 0 and part.name != "…"]
    if picture.kind != "numeric":
        named = [part for part in seen if part.name]
        return written(min(named, key=lambda part: part.reference).name) if named else typical(one)
    inner = [part for part in seen if part.low is not None and part.high is not None]
    if not inner or inner[-1].high is None:
        return typical(one)
    return written(inner[-1].high, whole=one.dtype == "int64")


def written(value: Any, *, whole: bool = False) -> str:
    """Write a value as a field takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(round(value)) if whole else f"{value:.{_ABOUT}g}" if abs(value) < 10**_ABOUT else f"{value:.0f}"
    text = str(value)
    return text.lower() if text in ("True", "False") else text


def about(one: FieldRow, say: Words) -> str:
    """Say what a field takes: its range, that it is personal, that it may be left out."""
    found = []
    if one.minimum is not None and one.maximum is not None:
        low, high = (say.number(end) if end % 1 else say.count(end) for end in (one.minimum, one.maximum))
        found.append(say("try.range", low=low, high=high))
    if one.pii:
        found.append(say("try.pii"))
    if one.optional:
        found.append(say("try.optional"))
    return " · ".join(found)
