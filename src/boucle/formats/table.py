"""From records of a segment to columns, without an object for every request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from boucle.core.observation import Observation
from boucle.core.observed import ObservedRows, Values
from boucle.formats.block import Block, decode, observations
from boucle.formats.segment import KIND_BLOCK, KIND_OBSERVATION, decode_observation

CHUNK = 50_000
"""Rows held as single values before they are given out as columns."""
_Shape = tuple[str, int, tuple[str, ...], str, tuple[str, ...]]


@dataclass(slots=True)
class _Group:
    """Blocks of one shape, one behind the other."""

    shape: _Shape
    ids: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    matrices: list[bytes] = field(default_factory=list)
    inputs: dict[str, list[Any]] = field(default_factory=dict)
    outputs: dict[str, list[Any]] = field(default_factory=dict)
    height: int = 0

    def add(self, block: Block) -> None:
        """Take in a block whose requests have a row at least."""
        height = sum(block.rows)
        self.ids += block.ids
        self.times += block.times
        self.latencies += block.latencies
        self.roles += block.roles
        self.keys += block.keys
        self.errors += block.errors
        self.rows += block.rows
        self.matrices.append(block.matrix)
        _extend(self.inputs, block.inputs, self.height, height)
        _extend(self.outputs, _answered(block), self.height, height)
        self.height += height

    def add_one(self, seen: Observation) -> None:
        """Take in a request of its own; one without rows stands as a row without values."""
        height = max(seen.rows, 1)
        self.ids.append(seen.id)
        self.times.append(seen.time)
        self.latencies.append(seen.latency)
        self.roles.append(seen.role)
        self.keys.append(seen.key)
        self.errors.append(seen.error)
        self.rows.append(seen.rows)
        _extend(self.inputs, {n: _padded(v, height) for n, v in seen.inputs.items()}, self.height, height)
        _extend(self.outputs, {n: _padded(v, height) for n, v in seen.outputs.items()}, self.height, height)
        self.height += height

    def whole(self) -> ObservedRows:
        model, version, columns, kinds, _ = self.shape
        inputs: dict[str, Values] = {}
        if columns:
            matrix = np.frombuffer(b"".join(self.matrices), dtype="<f8").reshape(-1, len(columns))
            inputs = {n: _typed(k, c) for n, k, c in zip(columns, kinds, matrix.T, strict=True)}
        return ObservedRows(
            model,
            version,
            self.ids,
            self.times,
            self.latencies,
            self.roles,
            self.keys,
            self.errors,
            np.array(self.rows, dtype=np.int64),
            {**inputs, **self.inputs},
            self.outputs,
        )


def observed(records: Iterable[tuple[int, bytes]], chunk: int = CHUNK) -> Iterator[ObservedRows]:
    """Give the requests among ``records`` by column, about ``chunk`` rows at a time; what is no request is left out."""
    groups: dict[_Shape, _Group] = {}
    height = 0
    for kind, record in records:
        with contextlib.suppress(msgspec.MsgspecError):
            height += _take(groups, kind, record)
        if height >= chunk:
            yield from (group.whole() for group in groups.values())
            groups, height = {}, 0
    yield from (group.whole() for group in groups.values())


def _take(groups: dict[_Shape, _Group], kind: int, record: bytes) -> int:
    if kind == KIND_OBSERVATION:
        return _one(groups, decode_observation(record))
    if kind != KIND_BLOCK:
        return 0
    block = decode(record)
    if not block.rows or min(block.rows) < 1:
        return sum(_one(groups, seen) for seen in observations(block))
    shape = (block.model, block.version, block.columns, block.kinds, tuple(block.inputs))
    group = groups.get(shape) or groups.setdefault(shape, _Group(shape))
    group.add(block)
    return sum(block.rows)


def _one(groups: dict[_Shape, _Group], seen: Observation) -> int:
    shape = (seen.model, seen.version, (), "", ("",))  # no block is of this shape
    group = groups.get(shape) or groups.setdefault(shape, _Group(shape))
    group.add_one(seen)
    return max(seen.rows, 1)


def _answered(block: Block) -> dict[str, list[Any]]:
    """Return the outputs, with None in the rows of requests that failed."""
    if not any(block.errors):
        return block.outputs
    right = [not error for rows, error in zip(block.rows, block.errors, strict=True) for _ in range(rows)]
    return {n: [v if there else None for v, there in zip(vs, right, strict=False)] for n, vs in block.outputs.items()}


def _extend(kept: dict[str, list[Any]], values: dict[str, list[Any]], before: int, height: int) -> None:
    """Lengthen every column by ``height``; where there is no value, by None."""
    for name, column in values.items():
        kept.setdefault(name, [None] * before).extend(column if len(column) == height else _padded(column, height))
    if len(kept) > len(values):
        for name in kept.keys() - values.keys():
            kept[name].extend([None] * height)


def _padded(values: list[Any], height: int) -> list[Any]:
    return [*values[:height], *[None] * (height - len(values))]


def _typed(kind: str, column: np.ndarray[Any, Any]) -> Values:
    if kind == "f":
        return column
    absent = ~np.isfinite(column)
    known = np.where(absent, 0.0, column) if absent.any() else column
    values = known.astype(np.int64 if kind == "i" else np.bool_)
    return np.ma.MaskedArray(values, mask=absent) if absent.any() else values
