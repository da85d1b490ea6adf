"""Small pictures with labels, as image files."""

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits

FASHION = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
ROWS = 3000


def digits() -> pd.DataFrame:
    """Return scikit-learn's 1,797 digits of 8 by 8 pixels."""
    found = load_digits()
    files = [png(np.asarray(image * 15.9, dtype=np.uint8)) for image in found.images]
    return pd.DataFrame({"image": pd.Series(files, dtype=object), "label": found.target.astype(str)})


def fashion() -> pd.DataFrame:
    """Return the first 3,000 garments of Fashion-MNIST, 28 by 28 pixels."""
    pixels = np.frombuffer(unpacked("train-images-idx3-ubyte.gz"), np.uint8, offset=16).reshape(-1, 28, 28)[:ROWS]
    labels = np.frombuffer(unpacked("train-labels-idx1-ubyte.gz"), np.uint8, offset=8)[:ROWS]
    files = [png(image) for image in pixels]
    return pd.DataFrame({"image": pd.Series(files, dtype=object), "label": [GARMENTS[label] for label in labels]})


def unpacked(name: str) -> bytes:
    """Return the bytes of a packed file."""
    return gzip.decompress((FASHION / name).read_bytes())


def png(pixels: np.ndarray) -> bytes:
    """Return a grey image as a PNG file."""
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG")
    return kept.getvalue()
