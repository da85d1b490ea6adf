"""Even out what flows into the matrices of an ONNX file, so that 8 bits lose less of it.

A few channels of a transformer are tens of times larger than the rest, and one scale has to hold them all. Each channel
is divided by what its column of the matrix is multiplied with, so the product stays the same: Xiao and others,
SmoothQuant (2023), but by a node of its own, since what is divided may be used elsewhere too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from boucle.adapters.pretrained.engines import Tensors

STRENGTH = 0.8
"""How much of the unevenness goes to the weights, which have a scale for each column: 0 none, 1 all of it."""
MOST, LEAST = 100.0, 1e-5
NARROWING = 2
"""Matrices at least so many times higher than wide take in the widest layers, which are the hardest to round."""
Nodes = dict[str, list[Any]]


def evened(model: Any, rows: Sequence[Tensors], strength: float = STRENGTH) -> Any:
    """Return a model that computes the same; ``rows`` are inputs that show how large its channels get."""
    fed = _fed(model)
    if not fed or not rows:
        return model
    weights = {one.name: one for one in model.graph.initializer}
    largest = seen(model, list(fed), rows, lambda values: np.abs(values).max(0), np.maximum)
    divided: dict[str, Any] = {}
    for name, nodes in fed.items():
        matrices = [numpy_helper.to_array(weights[node.input[1]]) for node in nodes]
        scale = _scale(largest[name], np.max([np.abs(one).max(1) for one in matrices], axis=0), strength)
        for node, matrix in zip(nodes, matrices, strict=True):
            kept = weights[node.input[1]]
            kept.CopyFrom(numpy_helper.from_array((matrix * scale[:, None]).astype(np.float32), kept.name))
            node.input[0] = f"{name}_even"
        model.graph.initializer.append(numpy_helper.from_array(1 / scale, f"{name}_scale"))
        divided[name] = helper.make_node("Mul", [name, f"{name}_scale"], [f"{name}_even"], name=f"{name}_evened")
    return _placed(model, divided)


def narrowing(model: Any) -> list[str]:
    """Return the names of the nodes that multiply with a matrix that is far higher than wide."""
    shapes = {one.name: one.dims for one in model.graph.initializer}
    found = [node for nodes in _fed(model).values() for node in nodes]
    return [node.name for node in found if shapes[node.input[1]][0] >= NARROWING * shapes[node.input[1]][1]]


def ladder(model: Any) -> list[list[str]]:
    """Return which nodes to spare in each try, the smallest form first: none, then the narrowing ones if any."""
    widest = narrowing(model)
    return [[], widest] if widest else [[]]


def _fed(model: Any) -> Nodes:
    """Return the products with a fixed matrix nobody else uses, by the name of what flows into them."""
    used: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            used[name] = used.get(name, 0) + 1
    matrices = {one.name for one in model.graph.initializer if len(one.dims) == 2 and used.get(one.name) == 1}
    found: Nodes = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in matrices:
            found.setdefault(node.input[0], []).append(node)
    return found


def seen(
    model: Any,
    names: Sequence[str],
    rows: Sequence[Tensors],
    told: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    joined: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    """Return what ``told`` says of each channel of the flows ``names``, ``joined`` over all rows.

    ``told`` is given a flow with a line for each token, shape (tokens, channels).
    """
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    there = {output.name for output in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in there)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    takes = {given.name for given in session.get_inputs()}
    found: dict[str, NDArray[np.float32]] = {}
    for feeds in rows:
        values = session.run(list(names), {name: value for name, value in feeds.items() if name in takes})
        for name, value in zip(names, values, strict=True):
            one = told(value.reshape(-1, value.shape[-1]))
            found[name] = joined(found[name], one) if name in found else one
    return found


def _scale(seen: NDArray[np.float32], weights: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    scale = np.maximum(seen, LEAST) ** strength / np.maximum(weights, LEAST) ** (1 - strength)
    scale /= np.exp(np.log(scale).mean())
    return scale.clip(1 / MOST, MOST).astype(np.float32)


def _placed(model: Any, divided: dict[str, Any]) -> Any:
    """Put each division behind what it divides."""
    ordered = [divided.pop(one.name) for one in model.graph.input if one.name in divided]
    for node in model.graph.node:
        ordered.append(node)
        ordered += [divided.pop(name) for name in node.output if name in divided]
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    return model
