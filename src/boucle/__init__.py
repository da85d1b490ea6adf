"""Boucle: takes a machine-learning model to production and keeps it right there.

The public names, loaded on first use so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boucle.core.errors import BoucleError as BoucleError
    from boucle.core.signature import Field as Field
    from boucle.core.signature import Signature as Signature
    from boucle.core.verdict import Check as Check
    from boucle.core.verdict import Verdict as Verdict
    from boucle.loop.handle import LoadedModel as LoadedModel
    from boucle.loop.handle import Loop as Loop
    from boucle.loop.handle import adopt as adopt
    from boucle.loop.handle import load as load
    from boucle.loop.handle import open_loop as open
    from boucle.serving.embedded import attach as attach

_NAMES = {
    "BoucleError": "boucle.core.errors:BoucleError",
    "Check": "boucle.core.verdict:Check",
    "Field": "boucle.core.signature:Field",
    "LoadedModel": "boucle.loop.handle:LoadedModel",
    "Loop": "boucle.loop.handle:Loop",
    "Signature": "boucle.core.signature:Signature",
    "Verdict": "boucle.core.verdict:Verdict",
    "adopt": "boucle.loop.handle:adopt",
    "attach": "boucle.serving.embedded:attach",
    "load": "boucle.loop.handle:load",
    "open": "boucle.loop.handle:open_loop",
}

__all__ = [
    "BoucleError",
    "Check",
    "Field",
    "LoadedModel",
    "Loop",
    "Signature",
    "Verdict",
    "adopt",
    "attach",
    "load",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'boucle' has no attribute '{name}'")
    module, attribute = _NAMES[name].split(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
