"""Tabs that show the same share one drawing; those that differ in anything never do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from boucle.ui.drawn import Drawings
from boucle.ui.live import Source


class Shown:
    """A tab: what it draws uses the tab itself, and what it was made with."""

    def __init__(self, page: str) -> None:
        self.drawn = 0
        self.drawings = Drawings(page, self)

    def part(self, *names: object) -> Callable[[str], str]:
        def draw(view: str) -> str:
            self.drawn += 1
            return f"{view} {names}"

        return draw


def test_a_second_tab_of_the_same_page_draws_nothing_until_it_is_read_again() -> None:
    source, one, other = Source(lambda: "churn"), Shown("/"), Shown("/")

    async def story() -> None:
        await source.refresh()
        assert one.drawings.draw(source, one.part("a")) == other.drawings.draw(source, other.part("a"))
        assert (one.drawn, other.drawn) == (1, 0)
        await source.refresh()
        other.drawings.draw(source, other.part("a"))
        assert other.drawn == 1

    asyncio.run(story())


def test_another_page_another_name_or_what_cannot_be_compared_is_drawn_apart() -> None:
    source, one, other = Source(lambda: "churn"), Shown("/"), Shown("/fr")
    one.drawings.draw(source, one.part("a"))
    assert other.drawings.draw(source, other.part("a"))
    assert other.drawn == 1
    assert "'b'" in one.drawings.draw(source, one.part("b"))
    for _ in range(2):
        one.drawings.draw(source, one.part(["a"]))
    assert one.drawn == 4
