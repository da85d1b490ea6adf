"""Where a run happens, enough to rebuild it. No GPU library and no package is imported for it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path

from boucle.core.run import Environment

_GIT_SECONDS = 2.0


def capture(directory: Path | str = ".") -> Environment:
    """Record Python, installed packages, hardware, and the git state of ``directory``; never fails."""
    commit, dirty = git_state(Path(directory))
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        requirements=installed(),
        git_commit=commit,
        git_dirty=dirty,
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        memory_bytes=_memory(),
        gpus=_gpus(),
    )


def installed() -> tuple[str, ...]:
    """Return ``name==version`` of every installed distribution, sorted without regard to case."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.name
        if name:
            found.setdefault(name, distribution.version)  # the first on the path is the one that is imported
    return tuple(f"{name}=={found[name]}" for name in sorted(found, key=str.lower))


def git_state(directory: Path) -> tuple[str | None, bool | None]:
    """Return the commit and whether there are changes or new files; (None, None) outside a repository."""
    command = ["git", "-C", str(directory), "status", "--porcelain=v2", "--branch", "--untracked-files=normal"]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True, env=quiet)
    except (OSError, subprocess.SubprocessError):
        return None, None
    lines = done.stdout.splitlines()
    heads = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
    commit = heads[0] if heads and heads[0] != "(initial)" else None
    return commit, any(not line.startswith("#") for line in lines)


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _gpus() -> tuple[str, ...]:
    """Return the models of the NVIDIA cards the driver lists."""
    listed = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [re.search(r"^Model:\s*(.+)$", _text(path), re.MULTILINE) for path in listed]
    return tuple(model[1] for model in models if model)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
