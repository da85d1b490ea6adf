"""Which keys the settings know, and what stands at each: read off the types, written down nowhere else."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from boucle.project.masking import Path
from boucle.project.settings import Settings
from boucle.project.values import Section


def members(annotation: Any) -> list[Any]:
    """Take an annotation apart: the alternatives of a union, without Annotated and None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [one for part in get_args(annotation) for one in members(part)]
    return [] if annotation is type(None) else [annotation]


def section(annotation: Any) -> type[Section] | None:
    """Return the section that an annotation allows, if it allows one."""
    for one in members(annotation):
        if isinstance(one, type) and issubclass(one, Section):
            return one
    return None


def fields(found: type[Section]) -> dict[str, FieldInfo]:
    """Return the keys of a section as they are written in the file."""
    return {field.alias or name: field for name, field in found.model_fields.items()}


def entries(annotation: Any) -> Any | None:
    """Return the annotation of the values of a mapping with free keys, None when it is none."""
    for one in members(annotation):
        if get_origin(one) is dict:
            return get_args(one)[1]
    return None


def items(annotation: Any) -> Any | None:
    """Return the annotation of the items of a list, None when it is none."""
    for one in members(annotation):
        if get_origin(one) is list:
            return get_args(one)[0]
    return None


def child(annotation: Any, part: str | int) -> Any | None:
    """Return the annotation one step down, None where nothing can stand."""
    if annotation is Any:
        return Any
    found = section(annotation)
    if found and part in fields(found):
        field = fields(found)[str(part)]
        return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return items(annotation) if isinstance(part, int) else entries(annotation)


def at(path: Path) -> Any | None:
    """Return the annotation at ``path`` of the project file, None where nothing can stand."""
    here: Any = Settings
    for part in path:
        here = child(here, part)
        if here is None:
            return None
    return here


def known(path: Path) -> list[str]:
    """Return the keys that may stand right below ``path``; none where keys are free."""
    found = section(at(path))
    return list(fields(found)) if found else []
