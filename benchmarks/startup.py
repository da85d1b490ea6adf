"""How long the command line takes to say something, against a bare Typer program with as many commands."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring import compare, table

BARE = """
import typer
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for name in "abcdefghijklmnopqrstuvwxy":
    app.command(name, help="Do something.")(lambda: None)
app()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        costs = compare(
            {
                "bare Typer --help": [sys.executable, str(bare), "--help"],
                "boucle --help": [sys.executable, "-m", "boucle", "--help"],
                "python -c pass": [sys.executable, "-c", "pass"],
                "import boucle": [sys.executable, "-c", "import boucle"],
            }
        )
    table(costs, "bare Typer --help")


if __name__ == "__main__":
    main()
