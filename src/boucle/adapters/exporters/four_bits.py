"""A float32 ONNX file with its matrices in 4 bits and its tables in 8: the numbers between them stay float32.

The products are ONNX Runtime's MatMulNBits, which rounds what it multiplies to 8 bits, block by block and row by row.
Channels are evened out first, and what rounding loses is made up for, as seen on the user's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from boucle.adapters.exporters import blocks, evening, trying
from boucle.adapters.exporters.blocks import BLOCK, Blocks
from boucle.adapters.exporters.compensating import compensated
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature

BITS, SPARED = 4, 8
LEAST = 32
"""Rows and columns a matrix has to have: the head of a classifier costs nothing and decides everything."""
IN_8_BITS = 4
"""MatMulNBits' ``accuracy_level`` that computes in 8 bits."""
STRENGTH = 0.5
"""How much of the unevenness of channels goes to the weights: 0.5 lost least of 0, 0.3 and 0.5."""
SHOWN = 128
"""Rows on which it is seen what flows where: a matrix of 1,536 channels needs more than some dozens."""
DOMAIN = "com.microsoft"
Flows = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Product:
    """A node that multiplies with a fixed matrix; ``turned`` where the file holds it the other way round."""

    node: Any
    flow: str
    weights: str
    turned: bool = False
    bias: str = ""


def quantize(source: Checkpoint, folder: Path, signature: Signature, rows: Batch) -> dict[str, Any]:
    """Write ``model.onnx`` in 4 bits into ``folder``; ``rows`` may be none. Returns what was done.

    Where too many of the rows are answered otherwise, the widest matrices get 8 bits. Raises BundleError when the
    model has no matrices.
    """
    model = trying.opened(source.folder / ONNX)
    if not products(model):
        raise BundleError(
            "The model has no matrices to put into 4 bits: convolutions stay as they are.",
            hint="use --target onnx or --target bf16",
        )
    if not trying.there(rows):
        return {"matrices": Writing(model, {}).write(folder / ONNX)}
    trial = trying.Trial.of(source, signature, rows, SHOWN)
    model = evening.evened(model, trial.fed, STRENGTH)
    writing = Writing(model, _together(model, trial))
    best = trial.best(evening.ladder(model), folder, lambda spared: writing.write(folder / ONNX, spared))
    return {**trial.told(best), "in_8_bits": best.spared, "block": BLOCK, "evened": STRENGTH}


def products(model: Any) -> list[Product]:
    """Return the products with a matrix worth making smaller; one that is used in another way too is left out."""
    shapes = {one.name: one.dims for one in model.graph.initializer if one.data_type == TensorProto.FLOAT}
    found = [one for node in model.graph.node if (one := _product(node)) and one.weights in shapes]
    uses = _uses(model)
    return [
        one for one in found
        if len(shapes[one.weights]) == 2 and min(shapes[one.weights]) >= LEAST
        and uses[one.weights] == sum(other.weights == one.weights for other in found)
    ]  # fmt: skip


class Writing:
    """A float32 file, what flows through it, and its matrices made small once."""

    def __init__(self, model: Any, flows: Flows) -> None:
        self._model, self._flows, self._products = model, flows, products(model)
        self._made: dict[tuple[str, int], Blocks] = {}
        self._matrices = {one.name: one for one in model.graph.initializer}

    def write(self, target: Path, spared: Sequence[str] = ()) -> int:
        """Write the model in 4 bits, the nodes ``spared`` in 8; returns how many products there are of either."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        put: dict[int, list[Any]] = {}
        gone: dict[str, list[Any]] = {}
        places = {tuple(node.output): place for place, node in enumerate(model.graph.node)}
        for one in self._products:
            bits = SPARED if one.node.name in spared else BITS
            made = self._blocks(one, bits)
            put[places[tuple(one.node.output)]] = _multiplied(one, made)
            gone.setdefault(one.weights, []).extend(_kept(f"{one.weights}_{bits}", made))
        for place, table in _tables(model):
            put[place], gone[table.name] = _gathered(model.graph.node[place], table)
        nodes = [new for place, node in enumerate(model.graph.node) for new in put.get(place, [node])]
        _replaced(model, nodes, gone)
        onnx.save(model, target)
        return len(self._products)

    def _blocks(self, one: Product, bits: int) -> Blocks:
        key = (one.weights, bits)
        if key not in self._made:
            held = numpy_helper.to_array(self._matrices[one.weights])
            matrix, seen = held.T if one.turned else held, self._flows.get(one.flow)
            self._made[key] = blocks.rounded(matrix, bits) if seen is None else compensated(matrix, bits, seen)
        return self._made[key]


def _product(node: Any) -> Product | None:
    if node.op_type == "MatMul":
        return Product(node, node.input[0], node.input[1])
    if node.op_type != "Gemm":
        return None
    said = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if said.get("transA", 0) or said.get("alpha", 1.0) != 1.0 or said.get("beta", 1.0) != 1.0:
        return None
    return Product(node, node.input[0], node.input[1], bool(said.get("transB", 0)), "".join(node.input[2:3]))


def _uses(model: Any) -> dict[str, int]:
    uses: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    return uses


def _together(model: Any, trial: trying.Trial) -> Flows:
    """Return how the channels that flow into each product go together: the sums of the products of each two."""
    names = sorted({one.flow for one in products(model)})
    return evening.seen(model, names, trial.fed, lambda values: values.T @ values, np.add)


def _multiplied(one: Product, made: Blocks) -> list[Any]:
    name = f"{one.weights}_{made.bits}"
    product = f"{one.node.output[0]}_product" if one.bias else one.node.output[0]
    node = helper.make_node(
        "MatMulNBits", [one.flow, f"{name}_weights", f"{name}_scales", f"{name}_zeros"], [product],
        name=f"{one.node.name}_blocks", domain=DOMAIN, K=made.height, N=len(made.scales), bits=made.bits,
        block_size=BLOCK, accuracy_level=IN_8_BITS,
    )  # fmt: skip
    if not one.bias:
        return [node]
    return [node, helper.make_node("Add", [product, one.bias], [one.node.output[0]], name=f"{one.node.name}_bias")]


def _kept(name: str, made: Blocks) -> list[Any]:
    arrays = {"weights": made.weights, "scales": made.scales.reshape(-1), "zeros": made.zeros.reshape(-1)}
    return [numpy_helper.from_array(array, f"{name}_{what}") for what, array in arrays.items()]


def _tables(model: Any) -> list[tuple[int, Any]]:
    """Return the places of the nodes that look up vectors in a table nobody else uses, and the tables."""
    uses = _uses(model)
    known = {
        one.name: one for one in model.graph.initializer
        if one.data_type == TensorProto.FLOAT and len(one.dims) == 2 and min(one.dims) >= LEAST
        and uses.get(one.name) == 1
    }  # fmt: skip
    return [
        (place, known[node.input[0]]) for place, node in enumerate(model.graph.node)
        if node.op_type == "Gather" and node.input[0] in known
        and all(one.name != "axis" or one.i == 0 for one in node.attribute)
    ]  # fmt: skip


def _gathered(node: Any, table: Any) -> tuple[list[Any], list[Any]]:
    """Return the nodes that look up a vector in 8 bits and its scale, and what they look in."""
    numbers, scales = blocks.table(numpy_helper.to_array(table))
    name, found = table.name, node.output[0]
    nodes = [
        helper.make_node("Gather", [f"{name}_numbers", node.input[1]], [f"{found}_numbers"], name=f"{node.name}_rows"),
        helper.make_node("Gather", [f"{name}_scales", node.input[1]], [f"{found}_scales"], name=f"{node.name}_scales"),
        helper.make_node("Cast", [f"{found}_numbers"], [f"{found}_floats"], name=f"{node.name}_cast", to=1),
        helper.make_node("Mul", [f"{found}_floats", f"{found}_scales"], [found], name=f"{node.name}_scaled"),
    ]
    return nodes, [
        numpy_helper.from_array(numbers, f"{name}_numbers"),
        numpy_helper.from_array(scales, f"{name}_scales"),
    ]


def _replaced(model: Any, nodes: list[Any], gone: dict[str, list[Any]]) -> None:
    """Put new nodes and what they use in the place of the old; what several nodes share is there once."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    there = [one for one in model.graph.initializer if one.name not in gone]
    added = {one.name: one for new in gone.values() for one in new}
    del model.graph.initializer[:]
    model.graph.initializer.extend([*there, *added.values()])
    if all(one.domain != DOMAIN for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
