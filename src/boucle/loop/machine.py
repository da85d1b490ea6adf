"""What this machine and its Python are, read without importing what may be broken."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from importlib.util import find_spec
from pathlib import Path

_LISTED = ("torch", "torchvision", "transformers", "keras", "tensorflow", "jax", "pandas", "onnxruntime")
_RANGE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?P<bounds>[^;]*)")
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}


@dataclass(frozen=True, slots=True)
class Machine:
    """``packages`` are versions by name, ``cuda`` the version torch was built for, None for a CPU build.

    ``flags`` are those of the processor, None where they cannot be read; ``wanted`` the ranges of versions that
    Boucle asks for, ``keras_file`` the backend that ``~/.keras/keras.json`` names, ``cache`` the hub's folder.
    """

    packages: Mapping[str, str]
    cuda: str | None = None
    gpu: bool = False
    flags: frozenset[str] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    keras_file: str | None = None
    cache: Path | None = None
    python: str = ""

    @classmethod
    def here(cls) -> Machine:
        """Look around; takes milliseconds."""
        wanted = ranges()
        names = dict.fromkeys([*_LISTED, *wanted])
        packages = {name: found for name in names if (found := installed(name)) is not None}
        return cls(
            packages=packages,
            cuda=_cuda() if "torch" in packages else None,
            gpu=any(Path(file).exists() for file in _GPU_FILES),
            flags=_flags(),
            environ=dict(os.environ),
            wanted=wanted,
            keras_file=_keras_backend(Path(os.environ.get("KERAS_HOME", str(Path.home() / ".keras")))),
            cache=_cache(os.environ),
            python=".".join(map(str, sys.version_info[:3])),
        )

    @property
    def bf16(self) -> bool | None:
        """Say whether the processor multiplies bfloat16 itself; None where that cannot be known."""
        return None if self.flags is None else bool(self.flags & _BF16)

    @property
    def offline(self) -> bool:
        yes = ("1", "true", "yes", "on")
        return any(self.environ.get(name, "").lower() in yes for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))

    def cached(self, repository: str) -> bool:
        """Say whether some revision of a checkpoint of the hub is on this machine."""
        if self.cache is None:
            return False
        found = self.cache / f"models--{repository.replace('/', '--')}" / "snapshots"
        return found.is_dir() and any(found.iterdir())


def installed(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def ranges(package: str = "boucle") -> dict[str, str]:
    """Return the versions a package asks for, by name: ``>=2.2,<4``."""
    try:
        listed = requires(package) or []
    except PackageNotFoundError:
        return {}
    found: dict[str, str] = {}
    for line in listed:
        match = _RANGE.match(line)
        if match and match["name"].lower() != package and match["bounds"].strip():
            found.setdefault(match["name"].lower(), match["bounds"].strip().strip("()"))
    return found


def within(found: str, bounds: str) -> bool:
    """Say whether a version lies in a range such as ``>=2.2,<4``; only numbers are compared."""
    own = _numbers(found)
    for bound in bounds.replace(" ", "").split(","):
        sign, least = re.match(r"(>=|<=|==|!=|~=|<|>)?(.*)", bound).groups()  # type: ignore[union-attr]
        other = _numbers(least)
        width = max(len(own), len(other))
        one, two = ((*numbers, *(0,) * (width - len(numbers))) for numbers in (own, other))
        right = {"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two, "==": one == two, "!=": one != two}
        if not right.get(sign or "==", True):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def _cuda() -> str | None:
    """Read what torch was built for off its own file: importing it takes seconds, or fails."""
    try:
        file = next(f for f in distribution("torch").files or () if str(f) == "torch/version.py")
        text = Path(str(file.locate())).read_text(encoding="utf-8")
    except (StopIteration, OSError, PackageNotFoundError):
        return None
    found = re.search(r"^(?:cuda|hip)\s*(?::[^=]+)?=\s*['\"]([\d.]+)", text, re.MULTILINE)
    return found[1] if found else None


def _flags() -> frozenset[str] | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else None


def _keras_backend(folder: Path) -> str | None:
    try:
        text = (folder / "keras.json").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'"backend"\s*:\s*"(\w+)"', text)
    return found[1] if found else None


def _cache(environ: Mapping[str, str]) -> Path:
    if named := environ.get("HF_HUB_CACHE"):
        return Path(named)
    home = environ.get("HF_HOME") or str(Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface")
    return Path(home) / "hub"


def importable(module: str) -> bool:
    """Say whether a module is there; it is not imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
