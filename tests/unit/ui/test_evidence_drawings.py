"""The drawings of rollouts, drift, quality and comparisons: well formed, honest about counts, safe with any name."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.loop.telling.said import said
from boucle.loop.wording import Language
from boucle.ui.draw import bars, evidence, histogram
from boucle.ui.draw.bands import band
from boucle.ui.draw.forest import Line, forest
from boucle.ui.draw.multiples import Row, multiples
from boucle.ui.draw.numbers import behind
from boucle.ui.draw.scale import Scale, places_for, ticks
from boucle.ui.words.catalogue import Words
from boucle.views.drift import ColumnDrift
from boucle.views.histogram import Bin, Histogram
from boucle.views.rollout import Guardrail, Look, RolloutView, Step
from boucle.views.story import Point, Series

EVIL = '"><script>alert(1)</script>'
EN = Words("en")
GUARD = Guardrail(
    "zero_one loss", said("check.zero_one"), "inconclusive", 0.001, -0.006, 0.008, 0.005, 0.048, 0.049, 1868, 16812,
    "labels", True, 0.4, 20.0, 1150, 2000, "", None,
)  # fmt: skip


def rollout(looks: int = 9, name: str = "credit-risk") -> RolloutView:
    path = tuple(
        Look(60.0 * i, 200 * i, 1800 * i, 0.001, None if i < 2 else -0.05 / i, None if i < 2 else 0.06 / i)
        for i in range(1, looks)
    )
    check = replace(GUARD, title=said("check.other", name=name))
    steps = (Step("replay", 0.0, "done", n=20_000), Step("share", 0.1, "now", 0.0, n=1868), Step("share", 1.0, "ahead"))
    return RolloutView(
        "x", name, 11, 12, "canary", "early", "inconclusive", 0.0, None, said("fine"), (), steps, 0.1, 0.1, path,
        (check,), None, 1150, 11_500.0, 0.1, 480.0, None, "", f"boucle rollback {name}", (),
    )  # fmt: skip


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("&nbsp;", " "))


def texts(svg: str) -> str:
    return " ".join("".join(element.itertext()) for element in parsed(svg).iter())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("by_time", [False, True])
def test_the_band_shows_margin_champion_and_the_labels_behind_it(
    language: Language, narrow: bool, by_time: bool
) -> None:
    drawn = band(rollout(), Words(language), narrow=narrow, by_time=by_time)
    root = parsed(drawn)
    assert root.get("role") == "img"
    assert Words(language).count(1600) in (root.get("aria-label") or "")
    assert "0,5" in texts(drawn) or "0.5" in texts(drawn)
    assert " 11" in texts(drawn)


def test_a_band_that_is_not_known_yet_is_not_drawn_as_if_it_were() -> None:
    assert "polygon" not in band(rollout(2), EN)
    assert "svg" not in band(replace(rollout(), path=()), EN)


def test_the_band_to_come_ends_at_the_margin() -> None:
    drawn = band(rollout(), EN)
    dashed = next(e for e in parsed(drawn).iter() if e.get("stroke-dasharray") == "4 3" and e.get("points"))
    red = next(e for e in parsed(drawn).iter() if e.get("stroke") == "var(--fail)")
    last = (dashed.get("points") or "").split()[-1]
    assert float(last.split(",")[1]) == pytest.approx(float(red.get("y1") or 0), abs=1.0)


def test_names_from_files_do_no_harm_in_any_drawing() -> None:
    view = rollout(name=EVIL)
    column = ColumnDrift(EVIL, "fail", 0.31, 0.28, 0.34, 500, 1, "")
    picture = Histogram(EVIL, "categorical", 10, 10, (Bin(EVIL, None, None, 10, 10),), {})
    point = Point(1.0, 0.5, 0.4, 0.6, 9, "pass", 1, 1.0)
    drawings = [
        band(view, EN), evidence.guardrails(view, EN), evidence.odds(view, EN), evidence.steps(view, EN),
        bars.column(column, "/x", 0.1, 0.4, EN, current=True), histogram.draw(picture, EN),
        forest([Line(EVIL, 0.5, 0.4, 0.6, EVIL, "pass")], EN, EVIL, zero=0.0, ends=(EVIL, EVIL)),
        multiples([Row(EVIL, EVIL, Series(EVIL, (point,)))], (), 0.0, 2.0, EN), behind([EVIL], [[EVIL]], EN),
    ]  # fmt: skip
    assert not any("<script" in drawn for drawn in drawings)


def test_a_bar_says_its_interval_its_floor_and_its_rows() -> None:
    column = ColumnDrift("contract", "fail", 0.31, 0.28, 0.34, 2000, 4, "")
    said_ = bars.told(column, 0.1, EN)
    assert said_ == "effect 0.31, between 0.28 and 0.34, floor 0.10, 2,000 rows"
    assert bars.longest((column,), 0.1) > 0.34


@pytest.mark.parametrize("kind", ["categorical", "numeric"])
@pytest.mark.parametrize("narrow", [False, True])
def test_a_histogram_has_a_bar_of_each_for_every_bin(kind: str, narrow: bool) -> None:
    low, high = (1.0, 2.0) if kind == "numeric" else (None, None)
    bins = tuple(Bin(f"level {i}", low, high, 10 * i, 5 * i) for i in range(1, 6))
    drawn = histogram.draw(Histogram("x", kind, 150, 75, bins, {}), EN, narrow=narrow)
    filled = [e for e in parsed(drawn).iter() if (e.get("fill") or "") == "var(--ref)"]
    outlined = [e for e in parsed(drawn).iter() if e.get("stroke") == "var(--champ)"]
    assert (len(filled), len(outlined)) == (5, 5)


def test_a_histogram_of_nothing_is_drawn_empty() -> None:
    assert parsed(histogram.draw(Histogram("x", "numeric", 0, 0, (), {}), EN)).get("role") == "img"


def test_multiples_break_lines_between_versions_and_hatch_what_is_incomplete() -> None:
    points = tuple(Point(10.0 * i, 0.9, 0.88, 0.92, 500, "pass", 1 + i // 5, 0.0) for i in range(10))
    row = Row("Accuracy", "late truth", Series("accuracy", points, 0.85, True), None, 70.0)
    drawn = multiples([row], (), 0.0, 100.0, EN)
    assert drawn.count("<polyline") == 2
    assert "url(#late" in drawn
    assert "n = 500" in (parsed(drawn).get("aria-label") or "")


def test_a_forest_keeps_zero_and_every_interval_in_view() -> None:
    drawn = forest(
        [Line("a", 0.3, 0.2, 0.4, "n = 9", "pass"), Line("b", None, None, None, "", "wait")], EN, "x", zero=0.0
    )
    inside = [float(e.get("x1") or 0) for e in parsed(drawn).iter() if e.tag.endswith("line")]
    assert min(inside) >= 200
    assert max(inside) <= 550


def test_odds_beyond_what_ends_a_rollout_stay_in_the_drawing() -> None:
    strong = replace(rollout(), checks=(replace(GUARD, odds=1e9),))
    widths = [
        float(e.get("width") or 0) for e in parsed("<g>" + evidence.odds(strong, EN) + "</g>").iter() if e.tag == "rect"
    ]
    assert max(widths) <= 320


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_round_few_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    found = ticks(low, high, most)
    assert len(found) <= most
    assert all(low - 1e-6 * span <= value <= high + 1e-6 * span for value in found)
    assert places_for(found) >= 0


def test_a_scale_holds_what_is_beyond_it() -> None:
    scale = Scale(0.0, 1.0, 100.0, 0.0)
    assert [scale(0.25), scale.held(7.0), scale.held(-7.0)] == [75.0, 0.0, 100.0]
