"""The shipped example projects."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

TARGET = "quality"
RED_ASKED = 320
RED_MEASURED = 200
WHITE_MEASURED = 1000
SEED = 7


def lay_out(directory: Path, template: str) -> tuple[str, str, str]:
    """Copy the template's data into ``directory``; returns (data path, target, project name)."""
    assert template == "wine"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "winequality-red.csv"
    path.write_bytes(packaged(path.name))
    return str(path), TARGET, "wine-quality"


def packaged(name: str) -> bytes:
    """Return a file shipped with the demo."""
    return files("boucle.demo").joinpath("data", name).read_bytes()


@dataclass(frozen=True, slots=True)
class Wines:
    """UCI Wine Quality (Cortez et al. 2009, CC BY 4.0), parted for the demo.

    ``training`` and ``red`` (asked about later) are red, ``white`` is asked about after them. No measured row is
    equal to one that is trained on or asked about.
    """

    training: pd.DataFrame
    red: pd.DataFrame
    white: pd.DataFrame
    red_measured: pd.DataFrame
    white_measured: pd.DataFrame


def wines() -> Wines:
    """Return the wines, shuffled once with a fixed seed."""
    red, red_measured = _parted("winequality-red.csv", RED_MEASURED)
    white, white_measured = _parted("winequality-white.csv", WHITE_MEASURED)
    return Wines(red.iloc[RED_ASKED:], red.iloc[:RED_ASKED], white, red_measured, white_measured)


def _parted(name: str, measured: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (rows to use, rows to measure on); rows equal to a measured one are left out of the first."""
    path = files("boucle.demo").joinpath("data", name)
    with path.open("rb") as handle:
        table = pd.read_csv(handle, sep=";").sample(frac=1.0, random_state=SEED).reset_index(drop=True)
    kept = table.iloc[:measured]
    seen = set(map(tuple, kept.to_numpy()))
    fresh = [tuple(row) not in seen for row in table.to_numpy()]
    return table.loc[fresh].reset_index(drop=True), kept
