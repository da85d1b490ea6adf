"""After an event only the models it is about are read again, and what is shown is what a whole reading would show."""

from __future__ import annotations

from dataclasses import replace

from boucle.core.deployment import Deployment
from boucle.views.overview import Overview, overview, renewed

from .conftest import Written


def another(written: Written, name: str) -> None:
    with written.project.state.begin() as tx:
        tx.deployments.put(Deployment(name, 1, True, 3))


def renewing(written: Written, before: Overview, *models: str) -> Overview:
    """Read some models again; the others are where they were, in time as well."""
    return renewed(written.project, before, frozenset(models))


def test_a_model_that_changed_is_shown_as_a_whole_reading_shows_it(written: Written) -> None:
    written.released()
    another(written, "wine")
    before = overview(written.project)
    written.alarm("quality")
    written.put(enabled=False)
    written.event("disabled", 1, undo="boucle enable churn")
    assert renewing(written, before, "churn") == overview(written.project)
    assert renewing(written, before, "wine").models == before.models


def test_a_model_that_is_new_is_added_and_one_that_there_is_not_is_none(written: Written) -> None:
    written.released()
    before = overview(written.project)
    another(written, "wine")
    assert renewing(written, before, "wine", "nobody", "") == overview(written.project)


def test_what_a_reader_may_not_see_is_not_renewed_into_sight(written: Written) -> None:
    written.released()
    before = overview(written.project, {"churn"})
    another(written, "wine")
    after = renewed(written.project, before, {"wine"}, {"churn"})
    assert replace(after, time=before.time) == before
