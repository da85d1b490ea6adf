"""How the console reads: once for all tabs, at once after an event, and never so that a page waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

from boucle.core.errors import StoreError
from boucle.loop.project import Project
from boucle.ui.live import STALE, Heart, Models


class Store:
    """Readings in the test's hands."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False
        self.free = threading.Event()
        self.free.set()

    def read(self, project: object, name: str) -> str:
        self.count += 1
        self.free.wait(5)
        if self.fails:
            raise StoreError("The state is locked.")
        return f"{name} {self.count}"


def everything(project: object) -> str:
    return "all of them"


FREE = threading.Event()


def slowly(project: object) -> str:
    FREE.wait(5)
    return "all of them, slowly"


def renewed(project: object, before: str, models: Models) -> str:
    return f"{before}, {', '.join(models)} again"


def beating(story: Callable[[Heart, Store], Any], happened: Callable[[], int] = lambda: 0) -> None:
    """Run a story with a heart; ``happened`` is the number of the newest event, each of them about churn."""
    journal = SimpleNamespace(head=happened, events=lambda after: [SimpleNamespace(model="churn")])
    state = SimpleNamespace(begin=lambda write: nullcontext(SimpleNamespace(journal=journal)), stamped=7)
    state.stamp = lambda: state.stamped
    heart = Heart(
        cast(Project, SimpleNamespace(state=state)), period=0.01, renewals={everything: renewed, slowly: renewed}
    )
    asyncio.run(story(heart, Store()))


def test_tabs_that_show_the_same_share_one_reading() -> None:
    async def story(heart: Heart, store: Store) -> None:
        one, other = heart.source(store.read, "churn"), heart.source(store.read, "churn")
        assert one is other
        assert await one.first() == await other.first() == "churn 1"
        assert heart.source(store.read, "wine") is not one

    beating(story)


def test_what_nobody_looks_at_is_not_read_again() -> None:
    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        await source.first()
        await heart.once()
        assert store.count == 1
        source.followers.append(lambda: None)
        heart.hurry()
        await heart.once()
        assert source.value == "churn 2"

    beating(story)


def test_a_reading_that_fails_leaves_the_last_one_with_its_age() -> None:
    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        await source.first()
        read_at, store.fails = source.at, True
        await source.refresh()
        assert (source.value, source.at) == ("churn 1", read_at)
        assert isinstance(source.error, StoreError)
        store.fails = False
        await source.refresh()
        assert source.value == "churn 3"

    beating(story)


def test_a_slow_state_stops_neither_the_page_nor_the_beat() -> None:
    async def story(heart: Heart, store: Store) -> None:
        beats = []

        async def chore() -> None:
            beats.append(1)

        store.free.clear()
        source = heart.source(store.read, "churn")
        source.followers.append(lambda: None)
        assert await source.first() is None  # the page shows grey bars
        heart.every_beat(chore)
        await heart.once()
        assert beats == [1]
        store.free.set()
        await source.refresh()
        assert source.value == "churn 1"

    beating(story)


def test_numbers_that_have_grown_old_are_told_so_though_nothing_is_read() -> None:
    async def story(heart: Heart, store: Store) -> None:
        source, told = heart.source(store.read, "churn"), asyncio.Event()
        await source.first()
        await asyncio.sleep(0)
        source.followers.append(told.set)
        source._due = float("inf")
        source.at -= STALE + 1
        await heart.once()
        await asyncio.wait_for(told.wait(), 5)
        assert (source.late, store.count) == (True, 1)

    beating(story)


def test_an_event_is_read_at_once_however_long_reading_takes() -> None:
    newest = [7]

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        source.followers.append(lambda: None)
        await heart.look()
        source._due = float("inf")
        count = store.count
        await heart.look()
        await heart.once()
        assert store.count == count
        newest[0] = 8
        await heart.look()
        assert store.count == count + 1

    beating(story, lambda: newest[0])


def test_a_state_that_was_written_to_is_asked_at_once() -> None:
    asked = [0]

    def happened() -> int:
        asked[0] += 1
        return 7

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        source.followers.append(lambda: None)
        await heart.glance()
        heart._stirred, heart._looked = float("-inf"), float("inf")
        await heart.glance()
        assert asked[0] == 1
        heart.project.state.stamped = 8  # type: ignore[attr-defined]
        await heart.glance()
        assert asked[0] == 2

    beating(story, happened)


def test_an_event_while_something_is_read_has_it_read_once_more() -> None:
    newest = [7]

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(store.read, "churn")
        source.followers.append(lambda: None)
        await heart.look()
        store.free.clear()
        source.refresh()
        newest[0] = 8
        looking = asyncio.create_task(heart.look())
        await asyncio.sleep(0)
        store.free.set()
        await looking
        assert source.value == "churn 3"

    beating(story, lambda: newest[0])


def test_an_event_does_not_wait_for_a_reading_of_all_that_is_under_way() -> None:
    newest = [7]

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(slowly)
        source.followers.append(lambda: None)
        FREE.set()
        await heart.look()
        FREE.clear()
        whole = source.refresh()
        await asyncio.sleep(0)
        newest[0] = 8
        await heart.look()
        assert source.value == "all of them, slowly, churn again"
        source.value = "older"
        FREE.set()
        await whole
        assert source.value == "all of them, slowly, churn again"

    beating(story, lambda: newest[0])


def test_an_event_about_one_model_has_only_that_one_read_again() -> None:
    newest = [7]

    async def story(heart: Heart, store: Store) -> None:
        source = heart.source(everything)
        source.followers.append(lambda: None)
        await heart.look()
        newest[0] = 8
        await heart.look()
        assert source.value == "all of them, churn again"
        newest[0] = 1000  # too much at once
        await heart.look()
        assert source.value == "all of them"

    beating(story, lambda: newest[0])


def test_one_page_that_fails_does_not_keep_the_news_from_the_others() -> None:
    def broken() -> None:
        raise RuntimeError("a page of ours")

    async def story(heart: Heart, store: Store) -> None:
        source, told = heart.source(store.read, "churn"), asyncio.Event()
        source.followers += [broken, told.set]
        await source.refresh()
        await asyncio.wait_for(told.wait(), 5)

    beating(story)
