"""Compiles the walker of trees into the wheel, where there is a C compiler; without one the wheel is plain Python.

``BOUCLE_PURE=1`` leaves it out, for a wheel that fits every machine.
"""

# The build's own environment holds hatchling, this one need not.
# mypy: disable-error-code="import-not-found, misc, unused-ignore"

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("src/boucle/adapters/runtimes/trees.c")
LIBRARY = SOURCE.with_name("_trees.so")


class TreesHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if self.target_name != "wheel" or os.environ.get("BOUCLE_PURE") or not compiled(root):
            return
        build_data["artifacts"].append(LIBRARY.as_posix())
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"


def compiled(root: Path) -> bool:
    """Compile the library; says whether it is there."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or sys.platform == "win32":
        return False
    flags = shlex.split(os.environ.get("CFLAGS", ""))
    command = [compiler, "-O3", *flags, "-shared", "-fPIC", "-o", str(root / LIBRARY), str(root / SOURCE)]
    return subprocess.run(command, capture_output=True).returncode == 0
