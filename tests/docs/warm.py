"""Run commands and programs each in a fork of a process that has the heavy imports behind it.

A dozen documents with a dozen commands each would spend most of their minutes on imports. One JSON object a line on
standard input, ``{"boucle": [words]}``, ``{"python": code}`` or ``{"script": [file, words]}`` with folder, environment
and a file for the output;
the exit code comes back on standard output.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from importlib import import_module
from typing import Any

PRELOADED = (
    "boucle.cli.main", "boucle.cli.train", "boucle.cli.adopt", "boucle.cli.release", "boucle.cli.serve",
    "boucle.cli.init", "boucle.cli.check", "boucle.cli.status", "boucle.adapters.registries.mlflow",
    "boucle.adapters.stores.sql", "boucle.adapters.stores.migrate", "boucle.adapters.trainers.sklearn",
    "boucle.adapters.runtimes.sklearn", "boucle.adapters.importers.sklearn", "boucle.evaluation.evaluate",
    "boucle.serving.embedded", "sklearn.linear_model", "sklearn.ensemble",
)  # fmt: skip


def main() -> None:
    for name in (*PRELOADED, *sys.argv[1:]):
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _become(asked: dict[str, Any]) -> None:
    """Run what is asked as a process of its own would, and end."""
    code = 0
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    empty = os.open(os.devnull, os.O_RDONLY)
    for number, target in enumerate((empty, output, output)):
        os.dup2(target, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    try:
        if "boucle" in asked:
            import_module("boucle.cli.main").run(asked["boucle"])
        elif "script" in asked:
            sys.path.insert(0, asked["folder"])
            sys.argv = asked["script"]
            runpy.run_path(sys.argv[0], run_name="__main__")
        else:
            sys.path.insert(0, asked["folder"])
            exec(compile(asked["python"], "<block>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stderr.write(f"{end.code}\n" if isinstance(end.code, str) else "")
    except BaseException:  # noqa: BLE001 the fork ends here whatever happened, and must not go on as its parent
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
