"""ResNet and ConvNeXT have their own way with pictures, written in two ways: both are read as transformers does."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from boucle.adapters.pretrained.pictures import Preparation

NORMAL = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3}


@pytest.mark.parametrize("name", ["image_processor_type", "feature_extractor_type"])
@pytest.mark.parametrize("size", [{"shortest_edge": 32}, 32, {"shortest_edge": 384}])
@pytest.mark.parametrize("shape", [(60, 90, 3), (90, 61, 3)])
def test_pictures_are_cut_as_transformers_cuts_them_for_a_resnet(
    tmp_path: Path, name: str, size: Any, shape: tuple[int, ...]
) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    theirs = transformers.ConvNextImageProcessorPil(size=size, crop_pct=0.875, **NORMAL)
    said = {name: "ConvNextImageProcessor", "size": size, "crop_pct": 0.875, **NORMAL}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    kept = io.BytesIO()
    picture.save(kept, "PNG")

    ours = Preparation.read(tmp_path).pixels(kept.getvalue())

    wanted = theirs(picture, return_tensors="np")["pixel_values"][0]
    assert ours.shape == wanted.shape
    assert np.allclose(ours, wanted, atol=2e-5)
