import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from boucle.evaluation.parts import parts
from boucle.evaluation.slices import judge_slices
from boucle.measures.intervals import bootstrap
from boucle.measures.metrics import labelled


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=80))
def test_parts_of_a_number_cover_every_row_once(values: list[float | None]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype="float64")})
    covered = np.sum([p.rows for p in parts(frame, "x", "slices")], axis=0)
    assert covered.tolist() == [1] * len(values)


@given(st.lists(st.one_of(st.none(), st.text(max_size=2)), min_size=1, max_size=80))
def test_parts_of_a_text_cover_every_row_once(values: list[str | None]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype="str")})
    covered = np.sum([p.rows for p in parts(frame, "x", "slices")], axis=0)
    assert covered.tolist() == [1] * len(values)


def test_rare_levels_are_joined_and_the_names_of_personal_data_are_hidden() -> None:
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(30)] + ["ada"] * 5})
    found = parts(frame, "name", "slices")
    assert (len(found), found[0].level, found[-1].level) == (21, "ada", "all others")
    assert [p.level for p in parts(frame, "name", "slices", masked=True)][:2] == ["level 1", "level 2"]


def test_the_worst_slice_comes_first_and_small_ones_last_without_judgement() -> None:
    random = np.random.default_rng(1)
    region = np.array(["good"] * 200 + ["bad"] * 100 + ["tiny"] * 10)
    truth = random.integers(0, 2, 310)
    wrong = np.where(region == "good", random.random(310) < 0.05, random.random(310) < 0.5)
    given_ = labelled(truth, np.where(wrong, 1 - truth, truth), classes=(0, 1))
    whole = bootstrap(["accuracy"], given_)["accuracy"]
    found = judge_slices(pd.DataFrame({"region": region}), ["region"], given_, "accuracy", whole)
    assert [(s.level, s.standing) for s in found] == [
        ("bad", "worse than all rows"),
        ("good", "better than all rows"),
        ("tiny", "too few rows"),
    ]
