"""What a turn costs beyond fitting and evaluating, on the wine data, from an empty state directory.

CPU seconds of ``boucle train`` as a user runs it, the interpreter's start and end and child processes included. The
first turn after an installation also compiles Python's modules; it goes ahead unmeasured, so bytecode has to be
allowed, which ``PYTHONDONTWRITEBYTECODE`` in the environment would forbid.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

INSTRUMENT = """
import json, os, sys, time
from boucle import plugins
from boucle.cli import main
spent, inside = {}, []
def timed(function, label):
    def run(*a, **k):
        begun = time.process_time()
        inside.append(0.0)
        try: return function(*a, **k)
        finally:
            took = time.process_time() - begun
            spent[label] = spent.get(label, 0.0) + took - inside.pop()  # each second counts once
            if inside: inside[-1] += took
    return run
def wrap(owner, name, label): setattr(owner, name, timed(getattr(owner, name), label))
WORK = {"trainers": ("fit",), "registries": ("begin", "register", "finish", "set_alias"), "runtimes": ("save", "load")}
LABELS = {"trainers": "fit and search", "registries": "MLflow: use", "runtimes": "saving and loading the model"}
GROUPS = {"registries": "MLflow: import", "stores": "live state: import", "trainers": "scikit-learn: import"}
seen, inner = set(), plugins.load
def load(group, name):
    found = timed(inner, GROUPS.get(group, f"{group}/{name}: import"))(group, name)
    if found not in seen:
        seen.add(found)
        for method in WORK.get(group, ()): wrap(found, method, LABELS[group])
        if group == "registries": wrap(found, "__init__", "MLflow: open")
        if group == "stores": wrap(found, "_opened", "live state: open")
    return found
plugins.load = load
build = timed(main.application, "the command and pandas: import")
def application(wanted):
    app = build(wanted)
    from boucle.loop import registering, turn
    from boucle.data import check, read
    from boucle.training import bundling
    wrap(registering, "evaluate", "evaluation")
    wrap(registering, "_report", "report")
    wrap(turn.environment, "capture", "environment")
    wrap(read, "read_table", "reading")
    wrap(check, "check", "checking")
    wrap(turn.fields, "input_fields", "fields")
    wrap(bundling, "_compile", "compiling and its proof")
    wrap(bundling, "make", "bundle: the rest")
    return app
main.application = application
spent["start"] = time.process_time()
os.chdir(sys.argv[1])
sys.argv[1:] = ["train"]
try: main.run()
finally: print(json.dumps(spent), file=open("spent.json", "w"))
"""
WORK = ("fit and search", "evaluation")


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environ.setdefault("PYTHONPYCACHEPREFIX", str(root / "bytecode"))
        _turn(root, "first", environ)
        found = [_turn(root, f"turn{n}", environ) for n in range(turns)]
    for name in found[0]:
        values = [turn.get(name, 0.0) for turn in found]
        print(f"{name:32} {median(values):7.2f} CPU s  (best {min(values):.2f})")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"peak {usage.ru_maxrss / 1024:.0f} MiB")


def _turn(root: Path, name: str, environ: dict[str, str]) -> dict[str, float]:
    """Run one turn in a new project; returns the CPU seconds of its parts, then their sums."""
    project, script = root / name, root / "instrument.py"
    script.write_text(INSTRUMENT)
    command = [sys.executable, "-m", "boucle", "init", str(project), "--template", "wine"]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    before = _children()
    command = [sys.executable, str(script), str(project)]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    total = _children() - before
    spent: dict[str, float] = json.loads((project / "spent.json").read_text())
    rest = total - sum(spent.values())
    work = sum(spent[part] for part in WORK)
    mlflow = sum(v for k, v in spent.items() if k.startswith("MLflow"))
    sums = {"total": total, "OVERHEAD beyond the work": total - work, "of which MLflow": mlflow}
    sums["overhead less compiling"] = total - work - spent["compiling and its proof"]
    return {**spent, "everything else, and the end": rest, **sums}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
