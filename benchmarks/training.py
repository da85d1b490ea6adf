"""What a turn costs beyond fitting and evaluating, on the wine data, from an empty state directory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INSTRUMENT = """
import json, sys, time
from pathlib import Path
spent = {}
def cpu(): return time.process_time()
def wrap(module, name, label):
    inner = getattr(module, name)
    def timed(*a, **k):
        begun = cpu()
        try: return inner(*a, **k)
        finally: spent[label] = spent.get(label, 0.0) + cpu() - begun
    setattr(module, name, timed)
begun = cpu()
from boucle import plugins
with plugins.uncollected():  # as the command line does
    from boucle.loop.project import Project
    from boucle.loop import registering, turn
imports = cpu() - begun
project = Project.open(sys.argv[1])
begun = cpu(); trainer = project.trainer(); sklearn_import = cpu() - begun
wrap(type(trainer), "fit", "fit and search")
wrap(registering, "evaluate", "evaluation")
begun = cpu()
with project.state.begin(write=False): pass
spent["live state: import and open"] = cpu() - begun
begun = cpu(); project.registry; spent["MLflow: import and open"] = cpu() - begun
for name in ("begin", "register", "finish"):
    wrap(type(project.registry), name, "MLflow: " + name)
begun = cpu()
turn.run_turn(project, lambda *_: None)
total = time.process_time()
print(json.dumps({"total": total, "imports": imports, "scikit-learn import": sklearn_import, **spent}))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "boucle", "init", folder, "--template", "wine"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        script = Path(folder) / "instrument.py"
        script.write_text(INSTRUMENT)
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, str(script), folder], check=True, stdout=subprocess.PIPE, text=True)
        wall = time.perf_counter() - begun
    spent = json.loads(done.stdout.splitlines()[-1])
    work = spent["fit and search"] + spent["evaluation"]
    mlflow = sum(v for k, v in spent.items() if k.startswith("MLflow"))
    for name, value in spent.items():
        print(f"{name:26} {value:7.2f} CPU s")
    print(f"{'overhead beyond the work':26} {spent['total'] - work:7.2f} CPU s, of which MLflow {mlflow:.2f}")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall {wall:.1f} s, peak {usage.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
