"""Which types a model file may make us build."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from boucle.adapters.importers.sklearn import SklearnImporter
from boucle.adapters.runtimes.sklearn import FILE, SklearnRuntime
from boucle.adapters.runtimes.trust import strangers, trusted
from boucle.core.errors import BundleError, UnsafeBundle
from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Signature, outputs_of

SIGNATURE = Signature((Field("x", "float64"),), outputs_of(None))
ROWS = np.arange(8.0).reshape(-1, 1)


@pytest.mark.parametrize(
    "name",
    [
        "numpy.dtype",
        "numpy.log1p",
        "scipy.special._ufuncs.expit",
        "sklearn.tree._tree.Tree",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.metrics._classification.f1_score",
        "xgboost.core.Booster",
        "lightgbm.basic.Booster",
        "collections.OrderedDict",
    ],
)
def test_what_models_are_made_of_is_trusted(name: str) -> None:
    assert trusted(name)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "numpy.memmap",
        "numpy.load",
        "numpy.testing.assert_array_equal",
        "sklearn.datasets._openml.fetch_openml",
        "sklearn.utils._testing.TempMemmap",
        "sklearn.utils.parallel.Parallel.__init__",
        "sklearn.no_such_module.Thing",
        "lightgbm.basic.Path",
        "sklearnx.Evil",
        "posix.system",
    ],
)
def test_what_could_do_something_else_is_not(name: str) -> None:
    assert strangers([name]) == [name]


def test_a_file_that_calls_a_foreign_function_is_taken_in_by_nobody(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(assert_array_equal), RandomForestRegressor(2))
    skops.io.dump(model, tmp_path / FILE)
    with pytest.raises(UnsafeBundle, match="assert_array_equal"):
        SklearnImporter().open(tmp_path / FILE, None)
    types = tuple(skops.io.get_untrusted_types(file=tmp_path / FILE))
    with pytest.raises(UnsafeBundle, match="assert_array_equal"):  # even where the bundle says it is trusted
        SklearnRuntime().load(tmp_path, BundleInfo("m", SIGNATURE, "sklearn", 0.0, {"file": FILE}, trusted=types))


def test_types_the_bundle_does_not_list_are_refused(tmp_path: Path) -> None:
    model = RandomForestRegressor(2).fit(ROWS, ROWS.ravel())
    saved = SklearnRuntime().save(model, tmp_path, SIGNATURE)
    assert "sklearn.tree._tree.Tree" in saved.trusted
    with pytest.raises(UnsafeBundle, match=r"sklearn\.tree\._tree\.Tree"):
        SklearnRuntime().load(tmp_path, BundleInfo("m", SIGNATURE, "sklearn", 0.0, saved.options))


def test_a_model_with_a_foreign_function_is_not_kept(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(assert_array_equal), RandomForestRegressor(2))
    with pytest.raises(BundleError, match="assert_array_equal"):
        SklearnRuntime().save(model, tmp_path, SIGNATURE)
    assert list(tmp_path.iterdir()) == []
