"""Compile what only skl2onnx knows: the model that scores is converted by it, what stands before it stays in NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.utils import get_tags

from boucle.adapters.compilers.draft import Draft, Part
from boucle.adapters.compilers.sklearn import SklearnCompiler
from boucle.core.signature import Signature
from boucle.ports.compiler import CannotCompile, Program

TOLERANCE = 1e-6
"""Some of its operators compute in float32."""
_OPSET = 18


class Skl2onnxCompiler(SklearnCompiler):
    """Nearest neighbours, Gaussian processes, naive Bayes and others, where skl2onnx is installed."""

    name = "skl2onnx"

    def compile(self, model: Any, signature: Signature) -> Program:
        """Return the program of a fitted model; raises CannotCompile, also where nothing in it needs skl2onnx."""
        program = super().compile(model, signature)
        if "onnx" not in _kinds(program.steps["score"]):
            raise CannotCompile("nothing in it needs skl2onnx")
        return program

    def part(self, model: Any, draft: Draft) -> Part:
        """Return the part of a model: our own where there is one, else the converted model."""
        try:
            return super().part(model, draft)
        except CannotCompile as unknown:
            return converted(model, draft, unknown)


def _kinds(part: Part) -> Iterator[str]:
    yield part["kind"]
    for inner in [*part.get("parts", ()), *([part["inner"]] if "inner" in part else [])]:
        yield from _kinds(inner)


def converted(model: Any, draft: Draft, unknown: CannotCompile) -> Part:
    """Return the part of a model converted in double precision; raises ``unknown`` where that fails."""
    classes = hasattr(model, "classes_")
    if classes and not hasattr(model, "predict_proba"):
        raise unknown
    options = {id(model): {"zipmap": False}} if classes else None
    given = [("X", DoubleTensorType([None, draft.width]))]
    try:
        with warnings.catch_warnings():  # it warns of what it will do otherwise one day
            warnings.simplefilter("ignore")
            graph = to_onnx(model, initial_types=given, options=options, target_opset=_OPSET)
    except Exception as error:  # a converter raises whatever its parts let through
        raise unknown from error
    draft.trees.append(graph.SerializeToString())
    draft.tolerance = max(draft.tolerance, TOLERANCE)
    takes = "all" if get_tags(model).input_tags.allow_nan else "finite"
    return draft.part(
        "onnx", takes=takes, graph=len(draft.trees) - 1, input="X", output=graph.graph.output[int(classes)].name,
        width=int(np.size(model.classes_)) if classes else 1,
    )  # fmt: skip
