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
    from boucle.handle import LoadedModel as LoadedModel
    from boucle.handle import Loop as Loop
    from boucle.handle import adopt as adopt
    from boucle.handle import distill as distill
    from boucle.handle import load as load
    from boucle.handle import open_loop as open
    from boucle.handle import optimize as optimize
    from boucle.monitoring.canary_judge import CanaryJudge as CanaryJudge
    from boucle.monitoring.monitors import DriftMonitor as DriftMonitor
    from boucle.monitoring.monitors import drift as drift
    from boucle.monitoring.quality_monitor import QualityMonitor as QualityMonitor
    from boucle.serving.embedded import attach as attach

_NAMES = {
    "BoucleError": "boucle.core.errors:BoucleError",
    "CanaryJudge": "boucle.monitoring.canary_judge:CanaryJudge",
    "Check": "boucle.core.verdict:Check",
    "DriftMonitor": "boucle.monitoring.monitors:DriftMonitor",
    "Field": "boucle.core.signature:Field",
    "LoadedModel": "boucle.handle:LoadedModel",
    "Loop": "boucle.handle:Loop",
    "QualityMonitor": "boucle.monitoring.quality_monitor:QualityMonitor",
    "Signature": "boucle.core.signature:Signature",
    "Verdict": "boucle.core.verdict:Verdict",
    "adopt": "boucle.handle:adopt",
    "attach": "boucle.serving.embedded:attach",
    "distill": "boucle.handle:distill",
    "drift": "boucle.monitoring.monitors:drift",
    "load": "boucle.handle:load",
    "open": "boucle.handle:open_loop",
    "optimize": "boucle.handle:optimize",
}

__all__ = [
    "BoucleError",
    "CanaryJudge",
    "Check",
    "DriftMonitor",
    "Field",
    "LoadedModel",
    "Loop",
    "QualityMonitor",
    "Signature",
    "Verdict",
    "adopt",
    "attach",
    "distill",
    "drift",
    "load",
    "open",
    "optimize",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'boucle' has no attribute '{name}'")
    module, attribute = _NAMES[name].split(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
