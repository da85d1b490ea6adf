"""Where a PyTorch module comes from: memory, a ``.pt2`` of torch.export, or a factory and its weights."""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from boucle.core.errors import BundleError, UnsafeBundle

FACTORY = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)@(?P<weights>.+)")


def opened(model: Path | Any, consent: str | None) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module in evaluation mode and the shape of one row; raises BundleError or UnsafeBundle."""
    if isinstance(model, Path):
        return _exported(model, consent)
    example = None
    if isinstance(model, str):
        model, example = _made(model)
    module = model.eval().float()
    return module, tuple(example.shape[1:]) if example is not None else (_width(module),)


def _exported(file: Path, consent: str | None) -> tuple[nn.Module, tuple[int, ...]]:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if consent != digest:
        raise UnsafeBundle(
            f"{file.name} is of torch.export: loading it can run any code.",
            hint=f"if you trust its source: --allow-pickle {digest}; or use module:function@weights.safetensors",
            sha256=digest,
        )
    try:
        program = torch.export.load(file)
        example = program.example_inputs[0]
        module = program.module()
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise BundleError(f"{file} cannot be read by torch.export: {why}", hint="save it again") from error
    if len(example) != 1 or not torch.is_tensor(example[0]):
        raise BundleError(f"{file} takes {len(example)} inputs; one tensor is understood.", hint="wrap the module")
    return module, tuple(example[0].shape[1:])


def _made(spec: str) -> tuple[nn.Module, torch.Tensor | None]:
    """Call the factory, which gives a module or a module and an example, and load the weights into it."""
    found = FACTORY.fullmatch(spec)
    assert found is not None
    try:
        made = getattr(import_module(found["module"]), found["function"])()
    except Exception as error:
        raise BundleError(
            f"{found['module']}:{found['function']} could not make a module: {error}",
            hint="it is a function without arguments of a module Python finds; set PYTHONPATH to its folder",
        ) from error
    module, example = made if isinstance(made, tuple) else (made, None)
    if not isinstance(module, nn.Module):
        raise BundleError(f"{found['function']} gave a {type(module).__name__}, no torch module.")
    file = Path(found["weights"])
    try:
        state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
        module.load_state_dict(state)
    except Exception as error:
        why = " ".join(str(error).split())[:300]
        raise BundleError(
            f"The weights of {file} do not go into {found['function']}: {why}",
            hint="save them with safetensors.torch.save_file(module.state_dict(), FILE)",
        ) from error
    return module, example


def _width(module: nn.Module) -> int:
    first = next((part for part in module.modules() if isinstance(part, nn.Linear | nn.Conv2d)), None)
    if not isinstance(first, nn.Linear):
        raise BundleError(
            "It is not plain how many columns the module takes.",
            hint="have its factory return the module and an example: a tensor of some rows",
        )
    return first.in_features
