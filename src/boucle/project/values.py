"""What the project file is made of: durations, sizes, bounds, and the section that hides what references fetched."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from boucle.project import masking

FILE = "boucle.yaml"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds(text: str | float) -> float:
    """Read a duration such as ``90s``, ``15m``, ``1h``, ``30d`` or ``2w``; a bare number is seconds."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", str(text).strip())
    if not found:
        raise ValueError(f"'{text}' is not a duration; write a number and a unit: 90s, 15m, 1h, 30d, 2w")
    return float(found[1]) * _UNITS[found[2]]


def _duration(value: Any) -> Any:
    seconds(value)
    return value


def bytes_of(text: str | int) -> int:
    """Read a size such as ``500MB``, ``5GB`` or ``2GiB``; a bare number is bytes."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?i?)B", str(text).strip())
    if not found or found[2] == "i":
        raise ValueError(f"'{text}' is not a size; write a number and a unit: 500MB, 5GB, 2GiB")
    base, power = 1024 if "i" in found[2] else 1000, " kMGT".index(found[2][:1] or " ")
    return round(float(found[1]) * int(base**power))


def _bytes(value: Any) -> Any:
    bytes_of(value)
    return value


Bytes = Annotated[str | int, AfterValidator(_bytes)]
Duration = Annotated[str | int | float, AfterValidator(_duration)]
RowsOrDuration = Annotated[int | str, AfterValidator(lambda v: _duration(v) if isinstance(v, str) else v)]
_BOUND = re.compile(r"^\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*$")


def bound(text: str) -> tuple[str, float]:
    """Read ``<= 0.75`` into its operator and number."""
    found = _BOUND.match(text)
    if not found:
        raise ValueError(f"'{text}' is not a bound; write for example '<= 0.75' or '>= 0.8'")
    return found[1], float(found[2])


def _bound(value: str) -> str:
    bound(value)
    return value


Bound = Annotated[str, AfterValidator(_bound)]


FETCHED = object()
"""Context of a dump that is to hold the real values: for making other settings of it, never to be shown or kept."""


class Section(BaseModel):
    """A part of the project file. Dumps and reprs show references (``${NAME}``) and never what they fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False, hide_input_in_errors=True)
    _references: dict[masking.Path, str] = PrivateAttr(default_factory=dict)

    @model_serializer(mode="wrap")
    def _dump(self, inner: SerializerFunctionWrapHandler, info: SerializationInfo[Any]) -> dict[str, Any]:
        plain: dict[str, Any] = inner(self)
        if info.context is FETCHED:
            return plain
        for path, text in self._references.items():
            masking.put(plain, path, text)
        return plain

    def __repr_args__(self) -> Any:
        shown = masking.masked(self.model_dump())
        for name, value in super().__repr_args__():
            yield name, value if isinstance(value, Section) else shown.get(name, value)
