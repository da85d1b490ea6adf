"""What the lines and areas of a picture of time mean, in words under it: only what is drawn is told."""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape
from boucle.ui.words.catalogue import Words
from boucle.views.quality import QualityView
from boucle.views.story import Story


def of_story(story: Story, say: Words) -> str:
    """Tell what the story strip draws."""
    series = story.quality if story.quality.points else story.estimate
    promised = (
        say("strip.promise", bound=say.number(series.bound)) if series.points and series.bound is not None else ""
    )
    guess = say("strip.guess") if story.quality.points and story.estimate.points else ""
    bars = say("strip.bars") if story.columns else ""
    return _legend([("d", promised), ("g", guess), *_shared(story, say), ("b", bars)])


def of_quality(view: QualityView, say: Words) -> str:
    """Tell what the measures of the page of quality draw."""
    promised = any(one.points and one.bound is not None for one in (view.quality, *view.service))
    guess = say("quality.dotted", assumption=say("quality.assumes")) if view.estimate.points else ""
    return _legend([("d", say("promise") if promised else ""), ("g", guess), *_shared(view, say)])


def _shared(view: Story | QualityView, say: Words) -> list[tuple[str, str]]:
    """Return the look and the words of what both pictures draw, "" for what is not there."""
    late = ""
    if view.quality.points and view.complete is not None and view.complete < view.until:
        late = say("strip.late", time=say.moment(max(view.complete, view.since), view.until))
    return [("h", late), ("m", say("strip.decision") if view.marks else "")]


def _legend(told: list[tuple[str, str]]) -> str:
    rows = "".join(f'<li><i class="{look}"></i>{escape(words)}</li>' for look, words in told if words)
    return f'<ul class="legend small soft">{rows}</ul>' if rows else ""
