"""Pictures: prepared as transformers prepares them, and every odd file is read right or refused with its row."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image
from tests.assets import asset

import boucle
from boucle.adapters.pretrained.pictures import Preparation, opened
from boucle.core.errors import BundleError, RequestError

Tiny = Callable[[str], Path]
RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (60, 90, 3), dtype=np.uint8)


def file_of(picture: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, kind, **settings)
    return kept.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that promises a size and holds next to nothing."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(9))
    chunks = [struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (head, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def preparation(folder: Path, **said: Any) -> Preparation:
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return Preparation.read(folder)


NORMAL = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4], "rescale_factor": 1 / 255}
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("ViTImageProcessorPil", {"size": {"height": 32, "width": 48}, "resample": 2}),
    (
        "ConvNextImageProcessorPil",
        {"size": {"height": 32, "width": 48}, "resample": 3, "do_resize": False, "crop_size": 16},
    ),
    ("CLIPImageProcessorPil", {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}, "resample": 3}),
    ("CLIPImageProcessorPil", {"size": {"shortest_edge": 24}, "crop_size": {"height": 32, "width": 32}, "resample": 2}),
]


@pytest.mark.parametrize(("processor", "said"), [WAYS[0], WAYS[2], WAYS[3]])
@pytest.mark.parametrize("turned", [False, True])
def test_pictures_are_prepared_as_transformers_does(
    tmp_path: Path, processor: str, said: dict[str, Any], turned: bool
) -> None:
    picture = Image.fromarray(NOISE.transpose(1, 0, 2).copy() if turned else NOISE)
    theirs = getattr(transformers, processor)(**said, **NORMAL)(picture, return_tensors="np")["pixel_values"][0]
    ours = preparation(tmp_path, **said, **NORMAL).pixels(file_of(picture))
    assert ours.shape == theirs.shape
    assert np.allclose(ours, theirs, atol=2e-5)


def test_a_class_is_told_from_a_path_from_bytes_and_from_a_picture_in_memory(tiny: Tiny, tmp_path: Path) -> None:
    model = boucle.load(tiny("vit"), task="image-classification")
    picture = Image.fromarray(NOISE)
    (tmp_path / "a.png").write_bytes(file_of(picture))
    answers = model.predict([tmp_path / "a.png", str(tmp_path / "a.png"), file_of(picture), picture], scores=True)
    assert all(answer == answers[0] for answer in answers)
    assert sum(answers[0].values()) == pytest.approx(1.0)


def test_coffee_is_espresso(efficientnet: Path) -> None:
    model = boucle.load(efficientnet, task="image-classification")
    answer = model.predict(asset("skimage", "data", "coffee.png"), scores=True)
    assert next(iter(answer)) == "espresso"
    assert answer["espresso"] == pytest.approx(0.951, abs=0.02)
    assert model.predict([asset("skimage", "data", "chelsea.png")])[0] in {"tiger cat", "Egyptian cat", "tabby"}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("cmyk", file_of(Image.new("CMYK", (20, 10), (0, 255, 255, 0)), "JPEG", quality=95)),
        ("palette", file_of(Image.new("RGB", (20, 10), "red").convert("P"), "GIF")),
        ("transparent", file_of(Image.new("RGBA", (20, 10), (255, 0, 0, 255)))),
        ("animated", file_of(Image.new("RGB", (20, 10), "red"), "GIF", save_all=True,
                             append_images=[Image.new("RGB", (20, 10), "blue")])),
        ("webp", file_of(Image.new("RGB", (20, 10), "red"), "WEBP", quality=95)),
    ],
)  # fmt: skip
def test_red_is_red_in_every_kind_of_file(name: str, raw: bytes) -> None:
    picture = opened(raw, 0, "image")
    red, green, blue = np.asarray(picture).reshape(-1, 3).mean(0)
    assert (picture.size, picture.mode) == ((20, 10), "RGB")
    assert red > 220
    assert max(green, blue) < 40


def test_what_is_transparent_is_white() -> None:
    assert np.asarray(opened(file_of(Image.new("RGBA", (4, 4), (9, 9, 9, 0))), 0, "image")).min() == 255


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    shades = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    found = np.asarray(opened(file_of(Image.fromarray(shades)), 0, "image"))[:, :, 0].reshape(-1)
    assert (np.diff(found.astype(int)) >= 0).all()
    assert (found[0], found[-1]) == (0, 255)


def test_a_picture_is_turned_upright_as_its_camera_says() -> None:
    picture = Image.new("RGB", (20, 10))
    exif = picture.getexif()
    exif[0x0112] = 6
    assert opened(file_of(picture, "JPEG", exif=exif), 0, "image").size == (10, 20)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (3, 2)])
@pytest.mark.parametrize("said", [WAYS[0][1], WAYS[2][1]])
def test_the_smallest_and_the_narrowest_give_the_shape_of_the_model(
    tmp_path: Path, size: tuple[int, int], said: dict[str, Any]
) -> None:
    made = preparation(tmp_path, **said, **NORMAL).pixels(file_of(Image.new("RGB", size, "red")))
    assert made.shape == ((3, 32, 32) if "crop_size" in said else (3, 32, 48))
    assert np.isfinite(made).all()


@pytest.mark.parametrize("size", [(20_000, 20_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
def test_a_bomb_is_refused_by_what_it_promises(size: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match=r"Row 7 of 'photo' is a picture of .*more than"):
        opened(png_header(*size), 7, "photo")


WHOLE = file_of(Image.fromarray(NOISE))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00", b"not a picture" * 9, WHOLE[:40], WHOLE[: len(WHOLE) // 2], b"%PDF-1.4", b"<svg/>", png_header(9, 9),
     file_of(Image.fromarray(NOISE), "JPEG")[:700], b"II*\x00" + b"\xff" * 90],
)  # fmt: skip
def test_what_is_no_whole_picture_is_refused_with_its_row(tiny: Tiny, raw: bytes) -> None:
    model = boucle.load(tiny("vit"), task="image-classification")
    with pytest.raises(RequestError, match="Row 1 of 'image' cannot be read as a picture") as refused:
        model.predict([WHOLE, raw])
    assert refused.value.facts == {"field": "image", "row": 1}


def test_a_limit_of_ones_own_may_be_lower(tiny: Tiny) -> None:
    model = boucle.load(tiny("vit"), task="image-classification", max_pixels=5000)
    with pytest.raises(RequestError, match="90 x 60 pixels, more than 5,000"):
        model.predict(WHOLE)


def test_a_thumbnail_fits_its_side(tmp_path: Path) -> None:
    small = Image.open(io.BytesIO(preparation(tmp_path, **WAYS[0][1], **NORMAL).thumbnail(WHOLE, 32)))
    assert (small.format, small.size) == ("JPEG", (32, 21))


@pytest.mark.parametrize("said", [{}, {"size": {}}, {"size": "big"}, {"size": {"shortest_edge": 9}, **NORMAL}])
def test_a_preparation_that_gives_no_single_size_is_refused(tmp_path: Path, said: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="does not say how pictures are prepared"):
        preparation(tmp_path, **said)
