from __future__ import annotations

import inspect
import pickle

import pytest

from boucle.core import errors
from boucle.core.errors import BoucleError, MissingExtra, NotFound, suggest

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BoucleError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_keeps_its_facts_on_the_way_between_processes(kind: type[BoucleError]) -> None:
    back = pickle.loads(pickle.dumps(kind("It failed.", hint="try again", field="pH")))
    assert type(back) is kind
    assert (back.message, back.hint, back.facts, str(back)) == (
        "It failed.", "try again", {"field": "pH"}, "It failed. hint: try again",
    )  # fmt: skip


def test_codes_are_stable_and_not_shared() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_the_tree_drawn_at_the_top_is_the_tree_there_is() -> None:
    drawn = {word for line in (errors.__doc__ or "").splitlines() for word in line.split() if word.isidentifier()}
    assert {kind.__name__ for kind in KINDS} <= drawn


def test_an_unknown_name_brings_near_ones() -> None:
    error = NotFound.of("alias", "champoin", ["champion", "previous"], listing="boucle show churn")
    assert str(error) == (
        "There is no alias 'champoin'. hint: did you mean 'champion'? List them with: boucle show churn"
    )
    assert suggest("zzz", ["champion"]) == ""


def test_a_missing_extra_is_an_import_error_that_names_the_command() -> None:
    error = MissingExtra.of("psycopg", "postgres")
    assert isinstance(error, ImportError)
    assert "pip install 'boucle[postgres]'" in str(error)
