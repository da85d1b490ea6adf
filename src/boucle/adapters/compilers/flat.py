"""Trees as plain arrays, for the walker of our own (``runtimes/trees.c``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.runtimes.trees import ARRAYS

LEQ = 0
Flat = dict[str, NDArray[Any]]


def flatten(
    nodes: Mapping[str, Sequence[Any]], roots: Sequence[int], leaves: Sequence[float], targets: Sequence[int],
    width: int, gaps: bool,
) -> Flat | None:  # fmt: skip
    """Return the arrays; None where a border at infinity parts what a comparison cannot.

    ``targets`` are those of the leaves. ``gaps`` says that values may be missing. A missing value is above nothing, so
    it goes to the first child: where that is not the one for values up to the border, the negative of the feature is
    compared, which stands ``width`` places behind it, and the children are exchanged.
    """
    split, feature = np.array(nodes["split"], dtype=np.float64), np.array(nodes["feature"], dtype=np.int64)
    less = np.array(nodes["mode"]) != LEQ
    turned = (np.array(nodes["missing"]) == 0) if gaps else np.zeros(len(split), dtype=bool)
    if (np.isneginf(split) & less).any() or (np.isposinf(split) & turned).any():
        return None
    up_to = np.where(less, np.nextafter(split, -np.inf), split)  # x < t says x <= the number before t
    border = np.where(turned, np.nextafter(-up_to, -np.inf), up_to)
    held, other = (np.array([nodes[name], nodes[f"{name}_leaf"]], dtype=np.int64) for name in ("true", "false"))
    first, second = np.where(turned, other, held), np.where(turned, held, other)
    return _laid_out(border, feature + width * turned, first, second, roots, leaves, targets)


def _laid_out(
    border: NDArray[np.float64], feature: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64],
    roots: Sequence[int], leaves: Sequence[float], targets: Sequence[int],
) -> Flat:  # fmt: skip
    """Give every node its place: level by level, siblings side by side, then the nodes of a tree together.

    ``first`` and ``second`` have two rows: the place of the child, among the nodes or the leaves, and whether it is one
    of the leaves.
    """
    source, is_leaf, tree = np.array(roots, dtype=np.int64), np.zeros(len(roots), dtype=bool), np.arange(len(roots))
    depth, count, levels = np.zeros(len(roots), dtype=np.int64), 0, []
    while len(source):
        inner = ~is_leaf
        following = count + np.arange(len(source))  # a leaf's is itself
        count += len(source)
        following[inner] = count + 2 * np.arange(int(inner.sum()))
        levels.append((source, is_leaf, tree, following))
        children = np.stack([first[:, source[inner]], second[:, source[inner]]], axis=2).reshape(2, -1)
        source, is_leaf, tree = children[0], children[1].astype(bool), np.repeat(tree[inner], 2)
        depth[tree] = len(levels)
    source, is_leaf, tree, following = (np.concatenate(column) for column in zip(*levels, strict=True))
    order = np.argsort(tree, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    node, leaf = np.where(is_leaf, 0, source), np.where(is_leaf, source, 0)
    of_tree = np.zeros(len(roots), dtype=np.int64)
    of_tree[tree[is_leaf]] = np.array(targets, dtype=np.int64)[source[is_leaf]]  # all leaves of a tree have the same
    found = (
        np.where(is_leaf, np.inf, border[node])[order],
        np.where(is_leaf, 0, feature[node])[order],
        place[following[order]],
        np.where(is_leaf, np.array(leaves, dtype=np.float64)[leaf], 0.0)[order],
        place[: len(roots)],
        depth,
        of_tree,
    )
    named = zip(ARRAYS, found, strict=True)
    return {name: values if values.dtype.kind == "f" else values.astype(np.int32) for name, values in named}
