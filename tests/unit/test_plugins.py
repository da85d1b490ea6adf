"""Adapters are imported without the garbage collector, which is then as it was."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from boucle import plugins

OWN = """
import gc
from boucle import plugins
{first}
with plugins.uncollected():
    assert not gc.isenabled()
    import {module}
assert gc.isenabled()
before = gc.get_freeze_count()
with plugins.uncollected():
    import {module}
assert gc.get_freeze_count() == before
print(any(found is {module}.__dict__ for found in gc.get_objects()))
"""


@pytest.mark.parametrize(("first", "looked_through"), [("", "True"), ("plugins.own_process()", "False")])
def test_only_a_process_of_our_own_keeps_what_it_imported_from_the_collector(first: str, looked_through: str) -> None:
    script = OWN.format(first=first, module="wave")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == looked_through


def test_an_import_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ModuleNotFoundError), plugins.uncollected():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401 - it is to fail here
    assert gc.isenabled()
