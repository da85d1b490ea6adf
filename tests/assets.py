"""Where the packages of tests/assets.txt lie: their files are read, none of their code runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def asset(package: str, *parts: str) -> Path:
    """Return a file of an installed package; raises LookupError when the package is not there."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"the package {package} is not installed: make test does it")
    return Path(next(iter(found.submodule_search_locations))).joinpath(*parts)
