"""Tables from a function of the user's: ``module:function`` or ``file.py:function``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from boucle.adapters.sources.tables import plain
from boucle.core.errors import SourceError, suggest


class CallableSource:
    """Calls the function without arguments; it returns a DataFrame, an Arrow or polars table, or plain rows."""

    name = "callable"

    def accepts(self, spec: Any, directory: Path) -> bool:
        text = spec.get("path") if isinstance(spec, dict) else spec
        return isinstance(text, str) and "://" not in text and ":" in text[2:] and not (directory / text).exists()

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Import from the project's folder first, call, and turn the answer into a frame."""
        text = spec["path"] if isinstance(spec, dict) else spec
        place, _, name = text.rpartition(":")
        function = _find(place, name, directory)
        try:
            table = function()
        except Exception as error:
            raise SourceError(f"{text} raised {type(error).__name__}: {error}") from error
        return frame_of(table, text)


def frame_of(table: Any, what: str) -> pd.DataFrame:
    """Return ``table`` as a DataFrame; raises SourceError for what is no table."""
    if hasattr(table, "to_pandas"):
        table = table.to_pandas()
    if not isinstance(table, pd.DataFrame | list | dict):
        raise SourceError(
            f"{what} returned {type(table).__name__}.",
            hint="return a DataFrame, a list of rows, or a mapping of columns",
        )
    try:
        return plain(pd.DataFrame(table), what)
    except ValueError as error:
        raise SourceError(f"{what} returned no table: {error}.") from error


def _find(place: str, name: str, directory: Path) -> Callable[[], Any]:
    module = _module(place, directory)
    function = getattr(module, name, None)
    if not callable(function):
        known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise SourceError(f"{place} has no function '{name}'.", hint=f"{suggest(name, known)}write module:function")
    return function


def _module(place: str, directory: Path) -> ModuleType:
    path = directory / place if place.endswith(".py") else directory / (place.replace(".", "/") + ".py")
    try:
        if not path.exists():
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(f"boucle_project_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        sys.path.insert(0, str(directory))  # for what lies beside it
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(directory))
        return module
    except Exception as error:
        raise SourceError(
            f"{place} cannot be imported: {type(error).__name__}: {error}",
            hint="the file lies in the project's folder, or the module is installed",
        ) from error
