"""Our own walker of trees gives what ONNX Runtime gives, to the last bit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from boucle.adapters.compilers.ensemble import LEQ, LESS, Ensemble
from boucle.adapters.runtimes import trees
from boucle.core.errors import BundleError

WIDTH = 4
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, np.nextafter(1.0, 2.0), 0.1, float(np.float32(0.1)), 1e300, -1e300)


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile the library as it is now, beside the one that is installed."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("walker") / "_trees.so"
    source = Path(trees.__file__).with_name("trees.c")
    flags = ["-O3", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(library), str(source)], check=True)
    before, trees.LIBRARY = trees.LIBRARY, library
    trees._library.cache_clear()
    yield
    trees.LIBRARY = before
    trees._library.cache_clear()


def grown(rng: np.random.Generator, inner: int) -> Any:
    """Return feature, threshold, left, right, value of a tree grown at random."""
    left, right = [-1], [-1]
    for _ in range(inner):
        leaf = int(rng.choice([place for place, child in enumerate(left) if child < 0]))
        left[leaf], right[leaf] = len(left), len(left) + 1
        left += [-1, -1]
        right += [-1, -1]
    many = len(left)
    usual = np.where(rng.random(many) < 0.3, rng.choice(ODD[3:], many), rng.normal(size=many))
    return rng.integers(0, WIDTH, many), usual, np.array(left), np.array(right), rng.normal(size=many)


def both(ensemble: Ensemble, targets: int, rows: NDArray[np.float64], gaps: bool = True) -> list[NDArray[np.float64]]:
    """Return the sums of ONNX Runtime and of the walker."""
    flat = ensemble.flat(WIDTH, gaps)
    assert flat is not None
    walk = trees.walker(flat, targets, bool((flat["feature"] >= WIDTH).any()))
    assert walk is not None
    session = onnxruntime.InferenceSession(ensemble.to_onnx(WIDTH), providers=["CPUExecutionProvider"])
    return [session.run(["Y"], {"X": rows})[0], walk(rows)]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), many=st.integers(1, 40), deep=st.integers(0, 30), rows=st.integers(0, 40),
    targets=st.integers(1, 3), mode=st.sampled_from([LEQ, LESS]), float32=st.booleans(), lost=st.booleans(),
)  # fmt: skip
def test_any_trees_on_any_rows(
    seed: int, many: int, deep: int, rows: int, targets: int, mode: int, float32: bool, lost: bool
) -> None:
    rng = np.random.default_rng(seed)
    ensemble = Ensemble(targets, rng.normal(size=targets))
    for tree in range(many):
        feature, threshold, left, right, value = grown(rng, int(rng.integers(0, deep + 1)))
        missing = rng.integers(0, 2, len(left)) if lost else None
        ensemble.add(feature, threshold, left, right, value, tree % targets, mode=mode, float32=float32,
                     missing_left=missing)  # fmt: skip
    asked = rng.choice(ODD, (rows, WIDTH)) if seed % 2 else rng.normal(size=(rows, WIDTH))
    if rows:
        one, other = both(ensemble, targets, asked)
        np.testing.assert_array_equal(one, other)


def test_no_missing_values_need_no_negatives() -> None:
    rng = np.random.default_rng(1)
    ensemble = Ensemble(1)
    ensemble.add(*grown(rng, 20))
    flat = ensemble.flat(WIDTH, gaps=False)
    assert flat is not None
    assert flat["feature"].max() < WIDTH
    rows = rng.normal(size=(50, WIDTH))
    one, other = both(ensemble, 1, rows, gaps=False)
    np.testing.assert_array_equal(one, other)


def test_a_border_at_infinity_that_parts_missing_values_alone_is_left_to_onnx_runtime() -> None:
    ensemble = Ensemble(1)
    ensemble.add(np.zeros(3, int), np.array([np.inf, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), np.ones(3))
    assert ensemble.flat(WIDTH, gaps=True) is None


@pytest.mark.parametrize(
    ("name", "value"), [("feature", -1), ("next", 1000), ("next", -1), ("root", 1000), ("target", 1), ("depth", -1)]
)
def test_arrays_that_point_elsewhere_are_refused(name: str, value: int) -> None:
    ensemble = Ensemble(1)
    ensemble.add(*grown(np.random.default_rng(1), 20))
    flat = ensemble.flat(WIDTH, gaps=False)
    assert flat is not None
    flat[name][0] = value
    with pytest.raises(BundleError, match="do not fit together"):
        trees.walker(flat, 1, False)


def test_rows_that_are_too_narrow_are_refused() -> None:
    ensemble = Ensemble(1)
    ensemble.add(*grown(np.random.default_rng(1), 20))
    flat = ensemble.flat(WIDTH, gaps=False)
    assert flat is not None
    walk = trees.walker(flat, 1, False)
    assert walk is not None
    with pytest.raises(BundleError, match="look at 4 features"):
        walk(np.zeros((3, 2)))


def test_without_the_library_there_is_no_walker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "LIBRARY", tmp_path / "absent.so")
    trees._library.cache_clear()
    assert trees.walker({}, 1, False) is None
    trees._library.cache_clear()
