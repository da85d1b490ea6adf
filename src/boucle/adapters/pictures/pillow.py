"""Disturb images with Pillow and NumPy."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from boucle.adapters.pretrained.pictures import opened
from boucle.ports.pictures import Disturbance

_NOISE: dict[Disturbance, float] = {"noise": 0.02, "more noise": 0.1}
_LIGHT: dict[Disturbance, float] = {"darker": 0.6, "brighter": 1.5}


class PillowPictures:
    """Decodes, changes and encodes; sizes stay as they are."""

    name = "pillow"

    def disturbed(self, raw: bytes, how: Disturbance, seed: int) -> bytes:
        """Return the disturbed image as a PNG file."""
        picture = opened(raw, 0, "image")
        if how == "blurred":
            made = picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 100.0))
        else:
            values = np.asarray(picture, dtype=np.float64) / 255.0
            values = values * _LIGHT.get(how, 1.0)
            if how in _NOISE:
                values = values + np.random.default_rng(seed).normal(0.0, _NOISE[how], values.shape)
            made = Image.fromarray((np.clip(values, 0.0, 1.0) * 255.0).round().astype(np.uint8))
        kept = io.BytesIO()
        made.save(kept, "PNG", compress_level=1)
        return kept.getvalue()
