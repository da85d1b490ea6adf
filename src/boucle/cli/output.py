"""How commands print: data on stdout, messages on stderr, one JSON object when asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from boucle.core.json import dumps, to_data

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: the nearest upward with a boucle.yaml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]

_SIGNS = {"pass": "✓ pass", "fail": "✗ fail", "inconclusive": "◌ inconclusive"}


class Output:
    """One command's way to the terminal."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._last = ""

    def say(self, text: str) -> None:
        """A message for people, on stderr."""
        self.err.print(text, markup=False)

    def result(self, value: Any, show: Callable[[], None]) -> None:
        """Print ``value`` as JSON when asked for, else call ``show``."""
        if self.as_json:
            sys.stdout.write(dumps(to_data(value)).decode() + "\n")
        else:
            show()

    def line(self, text: str) -> None:
        self.out.print(text, markup=False)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
        table = Table(*headings, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        self.out.print(table)

    def progress(self, text: str, share: float) -> None:
        """Show what long work is doing; each step once."""
        if text != self._last:
            self._last = text
            self.err.print(f"[{share:>4.0%}] {text}", markup=False)


def sign(status: str) -> str:
    """Return a status with its sign, so that it can be read without colour."""
    return _SIGNS.get(status, status)


def number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}g}"
