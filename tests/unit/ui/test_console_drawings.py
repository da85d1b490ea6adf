"""Drawings are text: what they say, that names do no harm, and that what overlaps is moved apart."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.loop.telling.said import said
from boucle.loop.wording import Language
from boucle.ui.draw.axis import Axis, time_ticks
from boucle.ui.draw.glyphs import _ICONS, COLOURS, icon, sign
from boucle.ui.draw.legend import of_story
from boucle.ui.draw.ring import mini, ring, stage_list
from boucle.ui.draw.strip import spread, strip
from boucle.ui.draw.whisker import told, whisker
from boucle.ui.words.catalogue import Words
from boucle.views.decisions import Decision
from boucle.views.newest import Figure
from boucle.views.overview import ModelCard
from boucle.views.ring import Stage, StageState
from boucle.views.story import DriftRow, Effect, Mark, Point, Series, Story

EVIL = '"><script>alert(1)</script>'
STATES: tuple[StageState, ...] = ("pass", "warn", "fail", "running", "inconclusive", "idle", "pass", "pass", "pass")
NAMES = ("data", "train", "evaluate", "register", "release", "serve", "observe", "judge", "act")
STAGES = tuple(
    Stage(name, state, said("act.none")) for name, state in zip(NAMES, STATES, strict=True)
)  # fmt: skip
FIGURE = Figure("accuracy", 0.878, 0.871, 0.885, 1500, 0.9, True, "fail")
CARD = ModelCard("churn", 7, None, 0.0, "", "below", said("why.fine"), True, 0, FIGURE, None, STAGES, 1, 0.0, None)


def story(name: str = "contract", points: int = 8) -> Story:
    series = Series(
        "accuracy",
        tuple(
            Point(100.0 * i, 0.9 - 0.01 * i, 0.88 - 0.01 * i, 0.92 - 0.01 * i, 500, "pass", 7, 0) for i in range(points)
        ),
        0.86,
        True,
    )
    row = DriftRow(name, 0.31, "fail", 0.1, tuple(Effect(100.0 * i, 0.04 * i, "pass") for i in range(points)))
    return Story(
        CARD,
        "release",
        0.0,
        800.0,
        600.0,
        said("home.fine.one", model="churn"),
        (),
        None,
        series,
        Series(""),
        (row,),
        1,
        (),
        0,
    )


def parsed(drawing: str) -> ElementTree.Element:
    """Read a drawing as XML; raises ParseError for one that a browser would have to guess at."""
    return ElementTree.fromstring(drawing.replace("&nbsp;", " "))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("small", [False, True])
def test_the_ring_names_every_stage_with_its_state(language: Language, small: bool) -> None:
    say = Words(language)
    drawn = parsed(ring(STAGES, ["churn/7", "champion"], {}, say, small=small))
    labels = [link.get("aria-label") or "" for link in drawn.iter("a")]
    assert [label.split(":")[0] for label in labels] == [say(f"stage.{name}") for name in NAMES]
    assert say("tone.fail") in labels[2]


def test_states_differ_by_more_than_colour() -> None:
    drawn = ring(STAGES, ["churn/7"], {}, Words("en"))
    thick = {
        path.get("stroke-width") for path in parsed(drawn).iter("path") if path.get("stroke", "").startswith("var")
    }
    assert {"11", "16", "20", "14", "2"} <= thick
    assert len({sign(tone) for tone in COLOURS}) == len(COLOURS)


def test_the_small_ring_shows_the_worst_state_in_its_middle() -> None:
    worst, fine = mini(STAGES), mini(tuple(replace(one, state="pass") for one in STAGES))
    assert sign("fail").split("aria-hidden")[1][8:40] in worst
    assert "color:var(--fail)" in worst
    assert "color:var(--pass)" in fine


def test_the_list_of_stages_says_each_state_in_words() -> None:
    assert "non conforme" in stage_list(STAGES, {"data": "/x"}, Words("fr"))


def test_a_whisker_says_its_number_with_interval_promise_and_count() -> None:
    assert told(FIGURE, Words("en")) == "accuracy 0.878, between 0.871 and 0.885, promised 0.900, 1,500 labels"
    assert "0,878" in whisker(FIGURE, Words("fr"))
    assert "stroke-dasharray" in whisker(replace(FIGURE, bound=None), Words("en"), guessed=True)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_strip_shows_quality_promise_and_drift_on_one_axis(narrow: bool) -> None:
    drawn = parsed(strip(story(), Words("en"), narrow=narrow))
    texts = ["".join(one.itertext()) for one in drawn.iter("text")]
    assert "accuracy" in texts
    assert "0.830" in texts
    assert "0.31" in texts
    (late,) = drawn.iter("pattern")
    assert any(one.get("fill") == f"url(#{late.get('id')})" for one in drawn.iter("rect"))
    assert min(float(one.get("font-size", "0")) for one in drawn.iter("text")) >= 12


def rolled() -> Story:
    """Return the story of two versions, with a guess beside the truth and a decision."""
    told = story(points=12)
    points = tuple(replace(one, version=7 + place // 6) for place, one in enumerate(told.quality.points))
    made = Decision(3, 550.0, "release", "churn", 8, "keeper", said("event.release", ref="churn/8"), "why")
    quality = replace(told.quality, points=points)
    return replace(told, quality=quality, estimate=quality, marks=(Mark(1, made, "running"),), marked=1, until=1200.0)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_each_line_of_the_strip_means_stands_under_it_in_words(language: Language) -> None:
    say = Words(language)
    told = [item.text or item[0].tail for item in parsed(of_story(rolled(), say))]
    assert told == [
        say("strip.promise", bound=say.number(0.86)), say("strip.guess"),
        say("strip.late", time=say.moment(600.0, 1200.0)), say("strip.decision"), say("strip.bars"),
    ]  # fmt: skip
    alone = replace(story(), estimate=Series(""), columns=(), complete=None)
    assert of_story(alone, say).count("<li>") == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_versions_on_the_strip_are_named_in_words_and_clear_of_one_another(narrow: bool) -> None:
    texts = list(parsed(strip(rolled(), Words("en"), narrow=narrow)).iter("text"))
    named = [one for one in texts if (one.text or "").startswith("version")]
    assert [one.text for one in named] == ["version 8", "version 7"]
    assert not [one for one in texts if (one.text or "").startswith("/")]
    after, before = (float(one.get("x", "0")) for one in named)
    assert after - before >= 62


def test_the_wide_and_the_narrow_strip_have_nothing_in_common_that_hides_with_one_of_them() -> None:
    wide, narrow = (set(re.findall(r'id="([^"]+)"', strip(story(), Words("en"), narrow=way))) for way in (False, True))
    assert wide
    assert narrow
    assert not wide & narrow


def test_what_is_guessed_does_not_look_like_what_is_promised() -> None:
    looks = {one.get("stroke-dasharray") for one in parsed(strip(rolled(), Words("en"))).iter("polyline")}
    bounds = {one.get("stroke-dasharray") for one in parsed(strip(rolled(), Words("en"))).iter("line")}
    assert looks - {None}
    assert not (looks - {None}) & bounds


def test_what_is_not_judged_yet_is_said() -> None:
    assert "not judged yet" in strip(replace(story(), quality=Series(""), columns=()), Words("en"))


def test_names_full_of_html_do_no_harm() -> None:
    card = replace(CARD, name=EVIL)
    for drawn in (
        ring(STAGES, [EVIL], {"data": EVIL}, Words("en")),
        strip(story(EVIL), Words("en")),
        whisker(replace(FIGURE, name=EVIL), Words("en")),
    ):
        assert "<script" not in drawn
        parsed(drawn)
    from boucle.ui.draw.lists import model_row

    assert "<script" not in model_row(card, EVIL, Words("en"))


@pytest.mark.parametrize("name", [*_ICONS, "theme", "more"])
def test_every_icon_is_a_drawing_nobody_reads_aloud(name: str) -> None:
    assert parsed(icon(name)).get("aria-hidden") == "true"


@given(st.lists(st.floats(0, 300), max_size=9).map(sorted))
def test_numbers_on_the_strip_keep_their_order_and_never_overlap(wanted: list[float]) -> None:
    placed = spread(wanted, 20, 10, 310)
    assert all(b - a >= 20 - 1e-6 for a, b in pairwise(placed))
    assert all(10 - 1e-6 <= x <= 310 + 1e-6 for x in placed)


@given(st.floats(1e9, 2e9), st.floats(60, 90 * 86400))
def test_the_axis_has_a_few_round_times_within_it(since: float, span: float) -> None:
    ticks = time_ticks(since, since + span, Words("en"), 5)
    assert len(ticks) <= 6
    assert all(since <= time <= since + span for time, _ in ticks)
    axis = Axis(since, since + span, 0, 100)
    assert all(0 <= axis(time) <= 100 for time, _ in ticks)
