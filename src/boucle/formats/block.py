"""The block: what one call of a model was asked and answered, for all its requests, as one record of a segment.

Held by column, as the model saw it: a table of numbers is its bytes, whatever protocol it came by. What must not be
kept (personal columns) is left out or hashed before it gets here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np

from boucle.core.observation import Observation, Role


class Block(msgspec.Struct, array_like=True, gc=False):
    """The requests of one call; lists from ``ids`` to ``errors`` have one entry a request, in the order of its rows.

    ``times`` are Unix times in seconds, ``latencies`` seconds, ``errors`` stable codes. ``columns`` names the inputs of
    ``matrix``, float64 of shape (rows, columns), little-endian; ``kinds`` says what each one holds: f, i or b (a
    number, a whole number, a truth value). ``inputs`` holds the other columns, ``outputs`` the answers: one list of
    JSON values each, one value a row; either is empty when the model was never asked, or had no answer.
    """

    model: str
    version: int
    ids: list[str]
    times: list[float]
    latencies: list[float]
    rows: list[int]
    roles: list[Role]
    keys: list[str]
    errors: list[str]
    columns: tuple[str, ...]
    kinds: str
    matrix: bytes
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Block).decode


def observations(block: Block) -> Iterator[Observation]:
    """Yield the requests of a block one by one."""
    inputs = columns_of(block)
    if inputs and block.outputs and all(rows == 1 for rows in block.rows) and not any(block.errors):
        yield from _single(block, inputs)
        return
    for place, (first, behind) in enumerate(pairwise(accumulate(block.rows, initial=0))):
        error = block.errors[place]
        yield Observation(
            block.ids[place],
            block.times[place],
            block.model,
            block.version,
            block.roles[place],
            behind - first,
            {name: values[first:behind] for name, values in inputs.items()},
            {} if error else {name: values[first:behind] for name, values in block.outputs.items()},
            block.latencies[place],
            error,
            block.keys[place],
        )


def _single(block: Block, inputs: dict[str, list[Any]]) -> Iterator[Observation]:
    """Yield requests of one row each, all answered: what nearly all blocks hold, at a third of the cost."""
    model, version, names, answers = block.model, block.version, tuple(inputs), tuple(block.outputs)
    each = zip(
        block.ids,
        block.times,
        block.roles,
        block.latencies,
        block.keys,
        zip(*inputs.values(), strict=True),
        zip(*block.outputs.values(), strict=True),
        strict=True,
    )
    for id_, time, role, latency, key, row, answer in each:
        asked = {name: [value] for name, value in zip(names, row, strict=True)}
        told = {name: [value] for name, value in zip(answers, answer, strict=True)}
        yield Observation(id_, time, model, version, role, 1, asked, told, latency, "", key)


def columns_of(block: Block) -> dict[str, list[Any]]:
    """Return every input of a block as JSON values, one a row; missing ones are None."""
    if not block.columns:
        return block.inputs
    matrix = np.frombuffer(block.matrix, dtype="<f8").reshape(-1, len(block.columns))
    values: list[list[Any]] = matrix.T.tolist()
    if block.kinds.strip("f") or not np.isfinite(matrix).all():
        values = [[_value(kind, value) for value in column] for kind, column in zip(block.kinds, values, strict=True)]
    return {**dict(zip(block.columns, values, strict=True)), **block.inputs}


_CONVERT = {"f": float, "i": int, "b": bool}


def _value(kind: str, value: float) -> float | int | bool | None:
    return _CONVERT[kind](value) if math.isfinite(value) else None
