"""The chat template of a checkpoint: Jinja that came with the weights, run where it reaches nothing.

The sandbox refuses private attributes and changes of what it is given. Of Jinja's own globals only ``range`` is left;
there is no loader, so nothing is included. Versions before 3.1.6 have known ways out of it.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace

from boucle.adapters.pretrained.folders import read_json
from boucle.core.errors import BoucleError, BundleError

FILE = "chat_template.jinja"
_SAFE = (3, 1, 6)


def source(folder: Path) -> str | None:
    """Return the template of a checkpoint: its own file, else the one its tokenizer's configuration holds."""
    file = folder / FILE
    if file.is_file():
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{file} cannot be read: {error}.", hint="fetch the checkpoint again") from error
    for name in ("tokenizer_config.json", "chat_template.json"):
        found = read_json(folder / name, optional=True).get("chat_template")
        if isinstance(found, list):  # several by name; the one for plain conversations is called default
            found = next((one.get("template") for one in found if one.get("name") == "default"), None)
        if isinstance(found, str):
            return found
    return None


def compiled(text: str, folder: Path) -> jinja2.Template:
    """Compile a template; raises BundleError when it is none, BoucleError for a Jinja that is not safe."""
    if tuple(int(part) for part in jinja2.__version__.split(".")[:3] if part.isdigit()) < _SAFE:
        raise BoucleError(
            f"Jinja {jinja2.__version__} has ways out of its sandbox.", hint="pip install --upgrade 'jinja2>=3.1.6'"
        )
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals.clear()
    environment.globals.update(
        range=safe_range, namespace=_notes, dict=_mapping, raise_exception=_refuse, strftime_now=_now
    )
    try:
        return environment.from_string(text)
    except (jinja2.TemplateError, RecursionError) as error:
        raise BundleError(
            f"The chat template of {folder} cannot be read: {error}.", hint=f"mend {FILE}, or take it away"
        ) from error


class Refused(jinja2.TemplateError):
    """A template says that it does not take these messages, and why."""


class _Generation(Extension):
    """``{% generation %}`` marks what is learned from; here it only holds what stands in it."""

    tags = {"generation"}  # noqa: RUF012 - so Jinja declares it

    def parse(self, parser: Parser) -> Node | list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Notes(Namespace):
    """What a template remembers between the rounds of a loop, under names that mean nothing to Python."""

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a name may not begin with _: {name}")
        super().__setitem__(name, value)


def _notes(*given: Any, **values: Any) -> _Notes:
    made = _Notes()
    for name, value in dict(*given, **values).items():
        made[name] = value
    return made


def _mapping(*given: Any, **values: Any) -> dict[Any, Any]:
    return dict(*given, **values)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **settings: Any) -> str:
    """Write JSON without the marks of HTML that Jinja's own filter makes."""
    known = {name: settings[name] for name in ("separators", "sort_keys") if name in settings}
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **known)


def _refuse(message: str) -> None:
    raise Refused(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)
