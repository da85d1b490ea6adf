"""Which types a skops file may make us build.

skops asks about every type it does not know. A file may come from anywhere, so belonging to a known framework is not
enough: classes of the rooms below and ufuncs are built, plain functions only where they are metrics and scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

import numpy as np

ROOMS = (
    "numpy.dtype", "numpy.dtypes.", "numpy.random.", "scipy.interpolate.", "scipy.sparse.", "scipy.special.",
    "scipy.stats.", "sklearn.", "xgboost.", "lightgbm.", "boucle.", "collections.OrderedDict",
    "collections.defaultdict", "builtins.bytearray",
)  # fmt: skip
CLOSED = ("sklearn.datasets.", "sklearn.externals.", "sklearn.utils._testing.", "xgboost.testing.")
FUNCTIONS = ("sklearn.metrics.", "sklearn.feature_selection.", "sklearn.preprocessing.")
HARMLESS = ("scipy._lib.array_api_compat.numpy._aliases.asarray",)
"""Functions that only make arrays; every spline holds one."""


def strangers(names: Iterable[str]) -> list[str]:
    """Return the names that may not be built, sorted."""
    return sorted(name for name in names if not trusted(name))


@cache
def trusted(name: str) -> bool:
    """Say whether the type or function of this full name may be built; imports its module if its room is known."""
    module, _, attribute = name.rpartition(".")
    if module == "numpy" and isinstance(getattr(np, attribute, None), np.ufunc):
        return True
    if name in HARMLESS:
        return True
    if not name.startswith(ROOMS) or name.startswith(CLOSED) or ".tests." in name:
        return False
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    if isinstance(found, type):
        # A module also holds what it imported: `package.module.Popen` is not the package's own class.
        return found.__module__.split(".")[0] == name.split(".", maxsplit=1)[0]
    return isinstance(found, np.ufunc) or name.startswith(FUNCTIONS)
