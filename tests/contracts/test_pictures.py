"""Whoever disturbs pictures gives back images of the same size, the same ones for the same seed."""

from __future__ import annotations

import io
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from boucle import plugins
from boucle.core.errors import RequestError
from boucle.measures.pictures import blank, head
from boucle.ports.pictures import Disturbance, Pictures


@pytest.fixture(params=plugins.names("pictures"))
def pictures(request: pytest.FixtureRequest) -> Pictures:
    made: Pictures = plugins.load("pictures", request.param)()
    return made


def pixels(raw: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"), dtype=np.float64)


@pytest.mark.parametrize("how", get_args(Disturbance))
def test_a_disturbed_picture_keeps_its_size_and_follows_its_seed(pictures: Pictures, how: Disturbance) -> None:
    made = pictures.disturbed(blank(40), how, 3)
    assert (head(made).width, head(made).height) == (40, 40)
    assert made == pictures.disturbed(blank(40), how, 3)


def test_each_disturbance_does_what_it_says(pictures: Pictures) -> None:
    plain = pixels(blank(40))
    light = {how: pixels(pictures.disturbed(blank(40), how, 1)) for how in get_args(Disturbance)}
    assert light["darker"].mean() < plain.mean() < light["brighter"].mean()
    assert 0 < light["noise"].std() < light["more noise"].std()


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA"])
def test_pictures_of_every_kind_are_disturbed(pictures: Pictures, mode: str) -> None:
    kept = io.BytesIO()
    Image.new(mode, (9, 7)).save(kept, "TIFF" if mode == "CMYK" else "PNG")
    assert head(pictures.disturbed(kept.getvalue(), "noise", 0)).pixels == 63


def test_what_is_no_picture_is_refused(pictures: Pictures) -> None:
    with pytest.raises(RequestError):
        pictures.disturbed(b"nothing", "noise", 0)
