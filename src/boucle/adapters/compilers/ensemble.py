"""Many trees as one ONNX TreeEnsemble in double precision (ai.onnx.ml 5), so that no threshold is rounded.

Most frameworks round inputs to float32 before they compare. Here the threshold is moved instead, to the very float64
at which the rounding changes sides, so that inputs are compared as they come and decisions stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.compilers.draft import MISSING, Draft, Part
from boucle.adapters.compilers.flat import Flat, flatten
from boucle.ports.compiler import CannotCompile

LEQ, LESS = 0, 1
HALFWAY_TO_INFINITY = 2.0**128 - 2.0**103
"""The smallest number that a float32 cannot hold: it rounds to infinity."""
_OPSET, _ML_OPSET, _IR = 18, 5, 9


class Ensemble:
    """Collects trees whose leaves are summed into ``targets`` numbers, on top of ``start``.

    The sums are those of a loop over the trees in their order, to the last bit: the start is in the leaves of the first
    tree of each target, and a tree of one leaf becomes one with two equal leaves.
    """

    def __init__(self, targets: int, start: NDArray[np.float64] | float = 0.0) -> None:
        self._waiting: list[float | None] = np.broadcast_to(start, (targets,)).tolist()
        self._constant = np.broadcast_to(np.asarray(start, dtype=np.float64), (targets,)).copy()
        self._targets = targets
        self._parting = False
        self._roots: list[int] = []
        self._nodes: dict[str, list[Any]] = {
            name: [] for name in ("split", "feature", "mode", "true", "false", "true_leaf", "false_leaf", "missing")
        }
        self._leaves: list[float] = []
        self._leaf_targets: list[int] = []

    def add(
        self,
        feature: NDArray[Any],
        threshold: NDArray[Any],
        left: NDArray[Any],
        right: NDArray[Any],
        value: NDArray[np.float64],
        target: int = 0,
        *,
        mode: int = LEQ,
        float32: bool = False,
        missing_left: NDArray[Any] | None = None,
    ) -> None:
        """Add a tree: arrays of shape (nodes,), root first; ``left`` is where the comparison holds, -1 at a leaf.

        ``float32`` says that the original compares inputs rounded to float32.
        """
        if left[0] < 0:
            self._constant[target] += float(value[0])
            feature, threshold, missing_left = np.zeros(3, dtype=np.int64), np.zeros(3), None
            left, right, value = np.array([1, -1, -1]), np.array([2, -1, -1]), np.repeat(value[:1], 3)
        else:
            self._parting = True
        start, self._waiting[target] = self._waiting[target], None
        if start is not None:
            value = start + value
        inner, leaves = np.flatnonzero(left >= 0), np.flatnonzero(left < 0)
        nodes = self._nodes
        base, leaf_base = len(nodes["split"]), len(self._leaves)
        place = np.empty(len(left), dtype=np.int64)
        place[inner] = base + np.arange(len(inner))
        place[leaves] = leaf_base + np.arange(len(leaves))
        is_leaf = (left < 0).astype(np.int64)
        self._roots.append(base)
        splits = threshold[inner].astype(np.float64)
        nodes["split"] += (unrounded(splits, mode) if float32 else splits).tolist()
        nodes["feature"] += feature[inner].astype(np.int64).tolist()
        nodes["mode"] += [mode] * len(inner)
        nodes["true"] += place[left[inner]].tolist()
        nodes["false"] += place[right[inner]].tolist()
        nodes["true_leaf"] += is_leaf[left[inner]].tolist()
        nodes["false_leaf"] += is_leaf[right[inner]].tolist()
        goes_left = np.zeros(len(left)) if missing_left is None else missing_left
        nodes["missing"] += goes_left[inner].astype(np.int64).tolist()
        self._leaves += value[leaves].astype(np.float64).tolist()
        self._leaf_targets += [target] * len(leaves)

    @property
    def targets(self) -> int:
        return self._targets

    @property
    def constant(self) -> NDArray[np.float64] | None:
        """What the sums are where no tree ever parts; None where one does."""
        return None if self._parting else self._constant

    @property
    def borders(self) -> NDArray[np.float64]:
        """The features and values at which the trees part, shape (borders, 2)."""
        pairs = np.column_stack([self._nodes["feature"], self._nodes["split"]]).astype(np.float64)
        return np.unique(pairs[np.isfinite(pairs).all(axis=1)], axis=0)

    def flat(self, width: int, gaps: bool) -> Flat | None:
        """Return the trees as arrays for the walker; ``gaps`` says that values may be missing."""
        return flatten(self._nodes, self._roots, self._leaves, self._leaf_targets, width, gaps)

    def to_onnx(self, width: int) -> bytes:
        """Return the model: input X of shape (rows, width), output Y of shape (rows, targets), both double."""
        onnx = _onnx()
        helper, double = onnx.helper, onnx.TensorProto.DOUBLE
        nodes = self._nodes

        def tensor(values: list[Any], kind: Any) -> Any:
            return onnx.numpy_helper.from_array(np.array(values, dtype=kind))

        node = helper.make_node(
            "TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml",
            n_targets=self._targets, aggregate_function=1, post_transform=0, tree_roots=self._roots,
            nodes_splits=tensor(nodes["split"], np.float64), nodes_featureids=nodes["feature"],
            nodes_modes=tensor(nodes["mode"], np.uint8), nodes_truenodeids=nodes["true"],
            nodes_falsenodeids=nodes["false"], nodes_trueleafs=nodes["true_leaf"],
            nodes_falseleafs=nodes["false_leaf"], nodes_missing_value_tracks_true=nodes["missing"],
            leaf_targetids=self._leaf_targets, leaf_weights=tensor(self._leaves, np.float64),
        )  # fmt: skip
        rows = [helper.make_tensor_value_info(name, double, [None, size]) for name, size in
                (("X", width), ("Y", self._targets))]  # fmt: skip
        graph = helper.make_graph([node], "trees", rows[:1], rows[1:])
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=_IR).SerializeToString())


def trees_part(
    ensemble: Ensemble,
    draft: Draft,
    *,
    links: Sequence[str] = (),
    takes: str,
    divisor: float = 1.0,
    decides: str = "",
    tolerance: float = 1e-9,
) -> Part:
    """Return the part of an ensemble on the features drafted so far."""
    draft.tolerance = max(draft.tolerance, tolerance)
    if ensemble.constant is not None:
        return draft.part("constant", links, takes, decides, values=draft.keep(ensemble.constant / divisor))
    borders = ensemble.borders
    inputs = np.array(draft.sources)[borders[:, 0].astype(np.intp)]
    draft.borders.append(np.column_stack([inputs, borders[:, 1]])[inputs >= 0])
    draft.trees.append(ensemble.to_onnx(draft.width))
    flat = ensemble.flat(draft.width, gaps=takes in MISSING)
    walked = None if flat is None else {name: draft.keep_as_is(values) for name, values in flat.items()}
    doubled = flat is not None and bool((flat["feature"] >= draft.width).any())
    more = {"trees": len(draft.trees) - 1, "divisor": divisor, "walked": walked, "doubled": doubled}
    return draft.part("trees", links, takes, decides, targets=ensemble.targets, **more)


def unrounded(thresholds: NDArray[np.float64], mode: int) -> NDArray[np.float64]:
    """Return t' of shape (thresholds,) such that comparing any float64 x with t' is comparing float32(x) with t.

    For x <= t: the largest x that rounds to a float32 not above t. For x < t: the smallest that rounds to one not
    below. Halfway between two float32 lies their border, which itself rounds to the one with the even last bit.
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
        if mode == LEQ:  # between the last float32 on this side and the first on the other
            last = np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
            first = np.nextafter(last, np.float32(np.inf))
        else:
            first = np.where(near < thresholds, np.nextafter(near, np.float32(np.inf)), near)
            last = np.nextafter(first, np.float32(-np.inf))
    halfway = (_beyond(last) + _beyond(first)) / 2
    stays = (last.view(np.uint32) & 1) == 0  # halfway rounds to the side where the comparison holds
    if mode == LEQ:
        moved = np.where(stays, halfway, np.nextafter(halfway, -np.inf))
    else:
        moved = np.where(stays, np.nextafter(halfway, np.inf), halfway)
    whole = ~np.isfinite(last if mode == LEQ else first)  # an infinite threshold parts missing values alone
    return np.where(whole & ~np.isfinite(thresholds), _endless(thresholds, mode), moved)


def _endless(thresholds: NDArray[np.float64], mode: int) -> NDArray[np.float64]:
    """Return what infinite thresholds become: what a float32 cannot hold is infinite too."""
    if mode == LEQ:
        return np.where(thresholds < 0, -HALFWAY_TO_INFINITY, thresholds)
    return np.where(thresholds > 0, HALFWAY_TO_INFINITY, thresholds)


def _beyond(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return float32 values as float64, infinities as the power of two that would come next."""
    return np.clip(values.astype(np.float64), -(2.0**128), 2.0**128)


def _onnx() -> Any:
    try:
        # The package is large, and a linear model is compiled without it.
        import onnx
        import onnx.helper
        import onnx.numpy_helper
        import onnxruntime  # noqa: F401 - what is compiled here has to run here
    except ImportError as missing:
        raise CannotCompile(f"trees need the package {missing.name}: pip install 'boucle[tabular]'") from missing
    return onnx
