"""The usual traps of an installation, named before they spring: what is wrong, and the line that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from boucle.core.errors import BoucleError
from boucle.core.signature import SEEING
from boucle.loop.machine import Machine, importable, within
from boucle.project.load import find, load
from boucle.project.settings import Settings

Level = Literal["ok", "warning", "broken"]
HUB = "hf://"
_BACKENDS = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "numpy": "numpy", "openvino": "openvino"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``broken`` fails now or when it is first used; a ``warning`` costs time or surprises."""

    name: str
    level: Level
    note: str
    hint: str = ""


def diagnose(machine: Machine, settings: Settings | None = None) -> list[Finding]:
    """Look at everything; with ``settings`` also at what that project file asks for."""
    found = [_torchvision(machine), _torch(machine), _bf16(machine), _keras(machine), *_versions(machine)]
    if settings is not None:
        found += [*_extras(settings), _checkpoint(machine, settings)]
    elif machine.offline:
        found.append(Finding("hub", "ok", "offline: only what is in the cache or in a folder can be had"))
    return found


def examine(directory: Path | None, machine: Machine) -> list[Finding]:
    """Look at this machine, and at the project in ``directory`` or upward where there is one."""
    try:
        folder = find(directory if directory is not None else Path.cwd())
    except BoucleError as error:
        if directory is not None:
            return [Finding("project file", "broken", error.message, error.hint or ""), *diagnose(machine)]
        return diagnose(machine)
    try:
        return [Finding("project file", "ok", "boucle.yaml is right"), *diagnose(machine, load(folder))]
    except BoucleError as error:
        return [Finding("project file", "broken", error.message, error.hint or ""), *diagnose(machine)]


def _torchvision(machine: Machine) -> Finding:
    name = "torchvision"
    if name not in machine.packages:
        return Finding(name, "ok", "not installed, and not needed")
    torch, own = machine.packages.get("torch"), machine.packages[name]
    if torch is not None and machine.cuda is None and "+cpu" not in own:
        return Finding(
            name, "broken",
            f"torchvision {own} is built for CUDA, torch {torch} for the CPU: together they break every import of "
            "transformers, that of texts too",
            "pip uninstall torchvision",
        )  # fmt: skip
    return Finding(name, "ok", f"{own}; Boucle needs none of it")


def _torch(machine: Machine) -> Finding:
    found = machine.packages.get("torch")
    if found is None:
        return Finding("torch", "ok", "not installed: models of texts and images are served as ONNX only")
    if machine.cuda is not None and not machine.gpu:
        return Finding(
            "torch", "warning",
            f"torch {found} is built for CUDA {machine.cuda}, and there is no GPU here: gigabytes for nothing",
            "pip install --index-url with torch's CPU builds, or look whether the GPU's driver is loaded (nvidia-smi)",
        )  # fmt: skip
    if machine.cuda is None and machine.gpu:
        return Finding(
            "torch", "warning", f"there is a GPU here, and torch {found} is built for the CPU: it is not used",
            "pip install torch as its site says for your CUDA",
        )  # fmt: skip
    return Finding("torch", "ok", f"{found}, for {'CUDA ' + machine.cuda if machine.cuda else 'the CPU'}")


def _bf16(machine: Machine) -> Finding:
    if machine.gpu and machine.cuda is not None:
        return Finding("bfloat16", "ok", "the GPU decides")
    if machine.bf16 is None:
        return Finding("bfloat16", "ok", "what the processor can is not known here; trainings find out")
    if machine.bf16:
        return Finding("bfloat16", "ok", "the processor multiplies it itself")
    return Finding(
        "bfloat16", "warning", "the processor does not multiply bfloat16 itself: trainings use float32, half as quick",
        "make versions smaller with --target int8, not bf16",
    )  # fmt: skip


def _keras(machine: Machine) -> Finding:
    if "keras" not in machine.packages:
        return Finding("KERAS_BACKEND", "ok", "keras is not installed")
    backend = machine.environ.get("KERAS_BACKEND") or machine.keras_file or "tensorflow"
    asked = bool(machine.environ.get("KERAS_BACKEND"))
    if backend not in _BACKENDS:
        return Finding("KERAS_BACKEND", "broken", f"keras has no backend '{backend}'", "export KERAS_BACKEND=torch")
    if backend == "numpy" or backend in machine.packages or importable(_BACKENDS[backend]):
        return Finding("KERAS_BACKEND", "ok", backend)
    if asked:
        why = f"it asks for {backend}, which is not installed: keras cannot be imported"
        return Finding("KERAS_BACKEND", "broken", why, "export KERAS_BACKEND=torch")
    why = f"it is not set, and keras then asks for {backend}, which is not installed; Boucle itself takes torch"
    return Finding("KERAS_BACKEND", "warning", why, "export KERAS_BACKEND=torch")


def _versions(machine: Machine) -> Iterator[Finding]:
    """Name packages whose version is not one Boucle was tried with; pandas first, which breaks most."""
    wrong = [
        (name, machine.packages[name], bounds)
        for name, bounds in machine.wanted.items()
        if name in machine.packages and not within(machine.packages[name], bounds)
    ]
    for name, found, bounds in sorted(wrong, key=lambda one: one[0] != "pandas"):
        why = f"{name} {found} is installed; {bounds} is needed"
        yield Finding(name, "broken", why, f"pip install '{name}{bounds}'")
    if not wrong:
        yield Finding("versions", "ok", f"all installed packages are in the ranges asked for, Python {machine.python}")


def _extras(settings: Settings) -> Iterator[Finding]:
    """Name what the project file asks for and is not installed."""
    absent = [
        (extra, module, why) for asked, extra, module, why in _asked(settings) if asked and not importable(module)
    ]
    for extra, module, why in absent:
        told = f"{why} needs {module}, which is not installed"
        more = f"pip install {module}" if extra == module else f"pip install 'boucle[{extra}]'"
        yield Finding("extras", "broken", told, more)
    if not absent:
        yield Finding("extras", "ok", "everything the project file asks for is installed")


def _asked(settings: Settings) -> list[tuple[bool, str, str, str]]:
    """Return what a project file may ask for: whether it does, the extra, a module of it, and what asks."""
    sources, estimators = str(settings.data.source).lower(), str(settings.model.estimator)
    tuned, method = settings.model.pretrained is not None, settings.model.method
    state = f"{settings.store.url} {sources}"
    return [
        (True, "tabular", "sklearn", "every training"),
        (tuned, "text", "torch", "model.pretrained"),
        (tuned, "text", "transformers", "model.pretrained"),
        (tuned, "text", "tokenizers", "model.pretrained"),
        (settings.task in SEEING, "image", "PIL", f"task: {settings.task}"),
        (method in ("lora", "qlora"), "text", "peft", f"model.method: {method}"),
        (method == "qlora", "quantized", "bitsandbytes", f"model.method: {method}"),
        ("xgboost" in estimators, "xgboost", "xgboost", "model.estimator"),
        ("lightgbm" in estimators, "lightgbm", "lightgbm", "model.estimator"),
        (".xls" in sources, "excel", "openpyxl", "data.source"),
        ("postgresql" in state, "postgres", "psycopg", "a PostgreSQL address"),
        ("{'dataset'" in sources, "datasets", "datasets", "data.source"),
        (bool(settings.alerts), "loop", "apprise", "alerts"),
    ]


def _checkpoint(machine: Machine, settings: Settings) -> Finding:
    asked = settings.model.pretrained
    if asked is None or not asked.startswith(HUB):
        return Finding("hub", "ok", "nothing is asked of it")
    name = asked.removeprefix(HUB).partition("@")[0]
    if machine.cached(name):
        return Finding("hub", "ok", f"{name} is in the cache")
    if machine.offline:
        why = f"{asked} is not in the cache of this machine, and HF_HUB_OFFLINE forbids to fetch it"
        return Finding("hub", "broken", why, f"where there is a network: hf download {name}")
    return Finding("hub", "ok", f"{name} is fetched when it is first needed")
