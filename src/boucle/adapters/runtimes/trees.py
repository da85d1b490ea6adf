"""Trees by a few lines of C of our own, where they were compiled when Boucle was installed; else ONNX Runtime does it.

Both give the same sums to the last bit. Ours does without branches: on rows that were not asked before it takes a
quarter of the time, and a server that has it need not load ONNX Runtime.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.runtimes.features import Matrix, Step
from boucle.core.errors import BundleError

LIBRARY = Path(__file__).with_name("_trees.so")
NODE = np.dtype([("border", "<f8"), ("feature", "<i4"), ("next", "<i4")])
ARRAYS = ("border", "feature", "next", "leaf", "root", "depth", "target")
"""Of a node: its border, feature, first child and, where it is a leaf, its value; of a tree: root, depth and target."""


def walker(arrays: Mapping[str, NDArray[Any]], targets: int, doubled: bool) -> Step | None:
    """Return what sums the leaves of rows, shape (rows, targets); None where the library is not there.

    With ``doubled`` the trees look at features and behind them at their negatives. Raises BundleError for arrays that
    point anywhere but at each other.
    """
    run = _library()
    if run is None:
        return None
    _require_sound(arrays, targets)
    nodes = np.empty(len(arrays["border"]), NODE)
    for name in ("border", "feature", "next"):
        nodes[name] = arrays[name]
    leaves = np.ascontiguousarray(arrays["leaf"], dtype=np.float64)
    of_trees = [np.ascontiguousarray(arrays[name], dtype=np.int32) for name in ("root", "depth", "target")]
    told = [one.ctypes.data for one in (nodes, leaves, *of_trees)]
    trees, features = len(of_trees[0]), int(nodes["feature"].max(initial=0)) + 1

    def walk(rows: Matrix, _kept: Any = (nodes, leaves, of_trees)) -> Matrix:
        x = np.concatenate([rows, -rows], axis=1) if doubled else np.ascontiguousarray(rows)
        if x.shape[1] < features:
            raise BundleError(f"The compiled trees look at {features} features, the rows have {x.shape[1]}.")
        sums = np.zeros((len(x), targets))
        run(x.ctypes.data, len(x), x.shape[1], *told, trees, targets, sums.ctypes.data)
        return sums

    return walk


def _require_sound(arrays: Mapping[str, NDArray[Any]], targets: int) -> None:
    """A bundle may come from anywhere, and C follows whatever number it is given."""
    border, feature, following, root, depth, target = (
        np.asarray(arrays[name]) for name in ("border", "feature", "next", "root", "depth", "target")
    )
    many = len(border)
    inner = np.isfinite(border) | np.isneginf(border)  # nothing is above the others, so their second child is not met
    sound = (
        len(feature) == len(following) == len(arrays["leaf"]) == many > 0
        and len(root) == len(depth) == len(target) > 0
        and bool((feature >= 0).all())
        and bool(((following >= 0) & (following + inner < many)).all())
        and bool(((root >= 0) & (root < many) & (depth >= 0) & (depth < many)).all())
        and bool(((target >= 0) & (target < targets)).all())
    )
    if not sound:
        raise BundleError("The arrays of the compiled trees do not fit together.", hint="fetch the bundle again")


@cache
def _library() -> Any:
    """Return the function, None where there was no compiler, or it was for another machine."""
    try:
        found = ctypes.CDLL(str(LIBRARY)).boucle_trees
    except (OSError, AttributeError):
        return None
    address, number = ctypes.c_void_p, ctypes.c_int64
    found.argtypes = [address, number, number, *[address] * 5, number, number, address]
    found.restype = None
    return found
