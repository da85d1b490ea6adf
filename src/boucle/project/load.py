"""Find boucle.yaml and make Settings of it, with every fault named by its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from boucle.core.errors import ProjectError
from boucle.project import masking, overrides
from boucle.project.document import Document, read
from boucle.project.explain import explain
from boucle.project.faults import error
from boucle.project.keys import entries, section
from boucle.project.settings import Settings
from boucle.project.values import FETCHED, FILE, Section


def find(start: Path) -> Path:
    """Return the nearest folder from ``start`` upward that holds a boucle.yaml; raises ProjectError."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise _absent(f"There is no {FILE} in {start} or above it.", start)


def load(directory: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``directory``/boucle.yaml; what ``environ`` sets goes before what the file says.

    Values that came from the environment by ``${NAME}`` or from a ``*_FILE`` are shown by reference in dumps and reprs.
    Raises ProjectError that lists up to ten faults with file, line, column and key.
    """
    path = directory / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _absent(f"There is no {FILE} in {directory}.", directory) from None
    except OSError as problem:
        raise ProjectError(f"{path} cannot be read: {problem.strerror or problem}.", file=str(path)) from None
    document = read(data, str(path), environ)
    return _settings(document, overrides.from_environment(environ, document))


def with_overrides(settings: Settings, pairs: Iterable[str]) -> Settings:
    """Return the settings with every ``key.below=value`` of ``pairs`` changed; raises ProjectError."""
    document = Document("--set", settings.model_dump(exclude_unset=True, context=FETCHED))
    document.references.update(settings._references)
    document.secrets.update(str(masking.at(document.value, path)) for path in settings._references)
    return _settings(document, overrides.from_command(pairs, document))


def redacted(settings: Settings) -> dict[str, Any]:
    """Return plain data for logs and state: references by name, passwords in URLs and alert addresses as stars."""
    shown: dict[str, Any] = masking.masked(settings.model_dump(mode="json"))
    return shown


def _settings(document: Document, changes: Iterable[overrides.Override]) -> Settings:
    origins: dict[masking.Path, overrides.Override] = {}
    for change in changes:
        overrides.apply(change, document)
        origins[change.path] = change
    problem: ValidationError | None = None
    try:
        settings = Settings.model_validate(_without_nothing(Settings, document.value))
    except ValidationError as caught:
        problem = caught
    if problem or document.faults:  # raised outside of the handler: a ValidationError holds the values
        raise error(document.faults + (explain(problem, document, origins) if problem else []))
    for path, text in document.references.items():
        _remember(settings, path, text)
    return settings


def _without_nothing(model: type[Section], tree: dict[str, Any]) -> dict[str, Any]:
    """Leave out keys with nothing behind them (a section whose lines are all comments) that have a default."""
    kept: dict[str, Any] = {}
    for key, value in tree.items():
        field = model.model_fields.get(key)
        if value is None and field and not field.is_required() and field.default is not None:
            continue
        below = section(field.annotation) if field else None
        each = section(entries(field.annotation)) if field else None
        if below and isinstance(value, dict):
            value = _without_nothing(below, value)
        elif each and isinstance(value, dict):
            value = {name: _without_nothing(each, one) if isinstance(one, dict) else one for name, one in value.items()}
        kept[key] = value
    return kept


def _remember(settings: Settings, path: masking.Path, text: str) -> None:
    """Tell every section along ``path`` that the value there is shown as ``text``."""
    here: Any = settings
    for depth, part in enumerate(path):
        if isinstance(here, Section):
            here._references[path[depth:]] = text
            here = getattr(here, str(part), None)
        elif isinstance(here, dict | list):
            here = here[part]  # type: ignore[index]


def _absent(message: str, where: Path) -> ProjectError:
    return ProjectError(message, hint="make one with: boucle init --data FILE --target COLUMN", directory=str(where))
