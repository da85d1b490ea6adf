"""Picture files to arrays, by PIL alone: as a checkpoint's ``preprocessor_config.json`` says, within limits."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from boucle.adapters.pretrained.folders import PREPROCESSING, read_json
from boucle.adapters.pretrained.scaling import Scale, Side
from boucle.core.errors import BundleError, RequestError

MOST_PIXELS = 50_000_000
"""The largest picture that is opened, width times height: a 50-megapixel camera's."""
_WARPED = 384
"""Pixels a side from which ConvNeXT scales a picture to a square and cuts nothing off."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
_LYING = (5, 6, 7, 8)
"""Orientations of a camera that lay on its side."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How pictures are scaled, cut and normalized.

    ``shortest`` scales the short side to so many pixels and keeps the proportions, ``size`` scales to height and width,
    ``crop`` then cuts the middle. ``resample`` is PIL's number of the filter; values are multiplied by ``factor``,
    then ``mean`` is taken off and the rest divided by ``deviation``, one number a channel (three, or one for gray).
    With ``whole`` nothing of this is done but the last: the picture is scaled by that, each to a size of its own.
    """

    shortest: int | None
    size: Side | None
    crop: Side | None
    resample: int = 2
    factor: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    most: int = MOST_PIXELS
    whole: Scale | None = None

    @classmethod
    def read(cls, folder: Path, most: int | None = None, whole: int | None = None) -> Preparation:
        """Read it from a checkpoint's folder; raises BundleError.

        With ``whole`` pictures are not cut, and their sides are multiples of it.
        """
        file = next((folder / name for name in PREPROCESSING if (folder / name).is_file()), folder / PREPROCESSING[0])
        said = read_json(file)
        try:
            return _prepared(said, most or MOST_PIXELS) if whole is None else _whole(said, most or MOST_PIXELS, whole)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{file} does not say how pictures are prepared: {error!r}.") from error

    def pixels(self, raw: bytes, row: int = 0, field: str = "image") -> NDArray[np.float32]:
        """Return a picture's array, shape (channels, height, width); raises RequestError naming the row."""
        return self.seen(raw, row, field)[0]

    def seen(self, raw: bytes, row: int = 0, field: str = "image") -> tuple[NDArray[np.float32], Side]:
        """Return a picture's array as ``pixels`` does, and the height and width it has upright in its file."""
        picture, side = _upright(raw, row, field, self.most, "L" if len(self.mean) == 1 else "RGB")
        picture = self._scaled(picture, side)
        values = np.asarray(picture, dtype=np.float32)
        values = values[:, :, np.newaxis] if values.ndim == 2 else values
        values *= np.float32(self.factor)
        values -= np.asarray(self.mean, dtype=np.float32)
        values /= np.asarray(self.deviation, dtype=np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)), side

    def brightness(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how bright prepared pictures are, 0 black to 1 white; ``pixels`` is (rows, channels, high, wide)."""
        means: NDArray[np.float64] = pixels.mean(axis=(2, 3), dtype=np.float64)
        shown = (means * self.deviation + self.mean).mean(axis=1)
        return shown if self.factor < 1.0 else shown / 255.0

    def thumbnail(self, raw: bytes, side: int) -> bytes:
        """Return a JPEG file of at most ``side`` pixels a side; raises RequestError."""
        small = opened(raw, 0, "image", self.most, "RGB")
        small.thumbnail((side, side))
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=80)
        return kept.getvalue()

    def _scaled(self, picture: Image.Image, side: Side) -> Image.Image:
        width, height = picture.size
        if self.whole is not None:
            high, wide = self.whole.fitted(side)
            return picture.resize((wide, high), Image.Resampling(self.resample))
        if self.shortest is not None:
            ratio = self.shortest / min(width, height)
            wanted = (max(1, int(width * ratio)), max(1, int(height * ratio)))
            wanted = (self.shortest, wanted[1]) if width <= height else (wanted[0], self.shortest)
            if max(wanted) > 16 * self.shortest and self.crop:  # a strip: only its middle will be looked at
                picture = _middle(picture, (min(height, width * 16), min(width, height * 16)))
                return self._scaled(picture, side)
            picture = picture.resize(wanted, Image.Resampling(self.resample))
        elif self.size is not None:
            picture = picture.resize((self.size[1], self.size[0]), Image.Resampling(self.resample))
        return picture if self.crop is None else _middle(picture, self.crop)


def opened(raw: bytes, row: int, field: str, most: int = MOST_PIXELS, mode: str = "RGB") -> Image.Image:
    """Read a picture file in ``mode``, upright; of an animated one the first frame, what is transparent on white.

    Raises RequestError naming the row: no picture, cut off, or larger than ``most`` pixels.
    """
    return _upright(raw, row, field, most, mode)[0]


def _upright(raw: bytes, row: int, field: str, most: int, mode: str) -> tuple[Image.Image, Side]:
    """Read a picture file, see ``opened``; returns the height and width of the file's picture too."""
    with _refusing(row, field):
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
        width, height = picture.size
        if width * height > most:
            raise _too_large(row, field, f"{width} x {height} pixels, more than {most:,}")
        picture.draft("RGB", (1024, 1024))  # a JPEG is decoded at a fraction of its size where that is enough
        picture.load()
        side = (width, height) if picture.getexif().get(0x0112) in _LYING else (height, width)
        return _plain(ImageOps.exif_transpose(picture), mode), side


def pictures(column: Sequence[Any] | NDArray[Any], field: str) -> list[bytes]:
    """Return a column as the bytes of files; raises RequestError naming the row that is none."""
    rows = []
    for row, value in enumerate(column):
        if not isinstance(value, bytes | bytearray | memoryview):
            what = "missing" if value is None else f"a {type(value).__name__}"
            raise RequestError(f"Row {row} of '{field}' is {what}, not the bytes of a picture.", field=field, row=row)
        rows.append(bytes(value))
    return rows


@contextmanager
def _refusing(row: int, field: str) -> Iterator[None]:
    try:
        yield
    except RequestError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(row, field, "more than it can hold") from error
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        why = "it is none of " + ", ".join(FORMATS) if "cannot identify" in why else why
        raise RequestError(
            f"Row {row} of '{field}' cannot be read as a picture: {why}.",
            hint="send the whole file, as it lies on disk",
            field=field,
            row=row,
        ) from error


def _too_large(row: int, field: str, size: str) -> RequestError:
    return RequestError(
        f"Row {row} of '{field}' is a picture of {size}.",
        hint="send it smaller: models look at a few hundred pixels a side",
        field=field,
        row=row,
    )


def _plain(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits a channel: PIL would cut them off, not scale
        values = np.asarray(picture, dtype=np.float64)
        top = 65535.0 if values.max(initial=0.0) > 255 else 255.0
        picture = Image.fromarray(np.clip(values / top * 255.0, 0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return picture.convert(mode)


def _middle(picture: Image.Image, crop: Side) -> Image.Image:
    """Cut the middle, height by width; what lies outside a smaller picture is black."""
    height, width = crop
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))


def _prepared(said: Mapping[str, Any], most: int) -> Preparation:
    said = _of_convnext(said)
    shortest, size = _size(said["size"]) if said.get("do_resize", True) else (None, None)
    cuts = said.get("do_center_crop", "crop_size" in said)
    crop = _size(said["crop_size"]) if cuts else (None, None)
    if crop[0] is not None:
        crop = (None, (crop[0], crop[0]))
    if size is None and crop[1] is None:
        raise ValueError("pictures would not all get one size: it needs size or crop_size")
    return Preparation(shortest=shortest, size=size, crop=crop[1], most=most, **_values(said))


def _whole(said: Mapping[str, Any], most: int, multiple: int) -> Preparation:
    return Preparation(None, None, None, most=most, whole=Scale.of(said, multiple), **_values(said))


def _values(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the values of pictures are brought to those a model takes."""
    normal = said.get("do_normalize", True)
    mean, deviation = (said["image_mean"], said["image_std"]) if normal else ((0.0,) * 3, (1.0,) * 3)
    return {
        "resample": int(said.get("resample", 2)),
        "factor": float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0,
        "mean": tuple(float(value) for value in mean),
        "deviation": tuple(float(value) for value in deviation),
    }


def _of_convnext(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write ConvNeXT's own way, which ResNet has too, in the usual words; any other is returned as it is.

    Below 384 pixels the short side is made larger by ``crop_pct``, and the middle is cut out; from 384 on nothing is.
    """
    name = str(said.get("image_processor_type") or said.get("feature_extractor_type") or "")
    if not name.startswith("ConvNext") or not said.get("do_resize", True):
        return said
    asked = said["size"]
    side = int(asked["shortest_edge"] if isinstance(asked, Mapping) else asked)
    whole = {"height": side, "width": side}
    if side >= _WARPED:
        return {**said, "size": whole}
    scaled = {"shortest_edge": int(side / float(said.get("crop_pct", 224 / 256)))}
    return {**said, "size": scaled, "crop_size": whole, "do_center_crop": True}


def _size(said: Any) -> tuple[int | None, Side | None]:
    """Return the short side, or height and width, of a size written in any of the ways of transformers."""
    if isinstance(said, int):
        return None, (said, said)
    if isinstance(said, list | tuple):
        return None, (int(said[0]), int(said[1]))
    if "shortest_edge" in said:
        return int(said["shortest_edge"]), None
    return None, (int(said["height"]), int(said["width"]))
