"""Take in PyTorch modules: in memory, a ``.pt2`` of torch.export, or ``module:function@WEIGHTS``. Served as ONNX."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from boucle.adapters.importers.onnx import OnnxImporter
from boucle.core.errors import BundleError
from boucle.ports.importer import Opened

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*@.+")


class ModuleImporter(OnnxImporter):
    """Modules that take columns as one tensor. What they give is read off their answers: exporters/modules.py."""

    name = "module"

    def accepts(self, model: Path | Any) -> bool:
        if isinstance(model, Path):
            return model.suffix.lower() == ".pt2"
        if isinstance(model, str):
            return _FACTORY.fullmatch(model) is not None
        kinds = type(model).__mro__
        return any(kind.__name__ == "Module" and kind.__module__ == "torch.nn.modules.module" for kind in kinds)

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        """Export it; raises UnsafeBundle for a ``.pt2`` without consent: loading one can run code."""
        from boucle.adapters.exporters import factories, modules  # torch: every model is asked of, few are opened

        module, shape = factories.opened(model, consent)
        if len(shape) != 1:
            raise BundleError(
                f"The module takes {' x '.join(map(str, shape))} numbers a row, which is no row of columns.",
                hint="for pictures put it into a folder as model.pt2, with labels.json and preprocess.json",
            )
        return Opened(modules.to_onnx(module, shape), "onnx")
