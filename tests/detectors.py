"""Detectors for tests: tiny ones with random weights, and one that was taught to find red and blue rectangles."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from tests.checkpoints import named

KINDS = ("cat", "dog", "bird")
COLOURS = ("red", "blue")
SIDE, STEPS, RATE = 64, 320, 8e-3
_NORMAL = {"resample": 2, "rescale_factor": 1 / 255, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
SQUARE = {**_NORMAL, "size": {"height": SIDE, "width": SIDE}}
WHOLE = {**_NORMAL, "size": {"shortest_edge": 64, "longest_edge": 100}}
_SMALL: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_queries": 7,
}  # fmt: skip


def _yolos(labels: tuple[str, ...], tokens: int, patch: int) -> Any:
    config = transformers.YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=[SIDE, SIDE],
        patch_size=patch, num_detection_tokens=tokens, use_mid_position_embeddings=False, initializer_range=0.1,
        **named(labels),
    )  # fmt: skip
    return transformers.YolosForObjectDetection(config)


def _resnet(*stages: str) -> Any:
    return transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic", out_features=list(stages)
    )


def _of_resnet(kind: str, *stages: str, **settings: Any) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=_resnet(*stages),
        **_SMALL, **settings, **named(KINDS),
    )  # fmt: skip
    return getattr(transformers, f"{kind}ForObjectDetection")(config)


def _rt_detr() -> Any:
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, **_SMALL, encoder_hidden_dim=32, encoder_in_channels=[8, 16, 16],
        decoder_in_channels=[32, 32, 32], hidden_expansion=0.5, **named(KINDS),
    )  # fmt: skip
    return transformers.RTDetrForObjectDetection(config)


MODELS: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "yolos": (lambda: _yolos(KINDS, 7, 16), WHOLE, "YolosImageProcessorPil"),
    "detr": (lambda: _of_resnet("Detr", "stage4"), WHOLE, "DetrImageProcessorPil"),
    "conditional": (lambda: _of_resnet("ConditionalDetr", "stage4"), WHOLE, "ConditionalDetrImageProcessorPil"),
    "deformable": (
        lambda: _of_resnet("DeformableDetr", "stage2", "stage3", "stage4"), WHOLE, "DeformableDetrImageProcessorPil"
    ),
    "rt-detr": (_rt_detr, SQUARE, "RTDetrImageProcessorPil"),
}  # fmt: skip
"""The model, how its pictures are prepared, and the class of transformers that prepares them and reads its answers."""


def tiny(kind: str, folder: Path) -> Path:
    """Write a detector with random weights, the same every time."""
    make, said, processor = MODELS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make().eval()
        with torch.no_grad():
            for parameter in model.parameters():  # as they come they tell nearly the same of everything
                parameter.mul_(1.5)
    return _kept(model, {**said, "image_processor_type": processor}, folder)


def taught(folder: Path) -> Path:
    """Write a YOLOS that finds red and blue rectangles; its first token looks for the red one, its second for the blue.

    That each token has its own colour, and is told where a patch lies, spares most of the training.
    """
    drawn = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = _yolos(COLOURS, 2, 8).train()
        _told_places(model, 8)
        steps = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
        rate = torch.optim.lr_scheduler.OneCycleLR(steps, RATE, total_steps=STEPS)
        for _ in range(STEPS):
            steps.zero_grad()
            _loss(model, *_batch(drawn, 16)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            steps.step()
            rate.step()
    return _kept(model.eval(), {**SQUARE, "image_processor_type": "YolosImageProcessor"}, folder)


def picture(
    boxes: dict[str, tuple[int, int, int, int]], width: int, height: int, kind: str = "PNG", **how: Any
) -> bytes:
    """Return a file of a grey picture with rectangles: colour to left, top, right, bottom."""
    values = np.full((height, width, 3), 128, dtype=np.uint8)
    for colour, (left, top, right, bottom) in boxes.items():
        values[top:bottom, left:right] = (220, 30, 30) if colour == "red" else (30, 30, 220)
    kept = io.BytesIO()
    Image.fromarray(values).save(kept, kind, **how)
    return kept.getvalue()


def _kept(model: Any, said: dict[str, Any], folder: Path) -> Path:
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return folder


def _told_places(model: Any, patch: int) -> None:
    """Write where each patch lies, and its waves, into the position embeddings, which are zeros before a training."""
    middles = (np.arange(0, SIDE, patch) + patch / 2) / SIDE * 2.0 - 1.0
    down, along = (one.ravel() for one in np.meshgrid(middles, middles, indexing="ij"))
    waves = [wave(k * np.pi / 2 * one) for k in (1, 2, 3) for one in (along, down) for wave in (np.sin, np.cos)]
    told = torch.from_numpy(2.0 * np.stack([along, down, along**2, down**2, *waves], axis=1)).float()
    with torch.no_grad():
        model.vit.embeddings.position_embeddings[0, 1 : 1 + len(told), : told.shape[1]] = told


def _batch(drawn: np.random.Generator, rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw pictures; returns them, which colours are there, and the boxes: middle, width and height as shares."""
    pixels = np.zeros((rows, 3, SIDE, SIDE), dtype=np.float32)
    there = drawn.random((rows, 2)) < 0.75
    sizes = drawn.uniform(0.25, 0.55, (rows, 2, 2))
    corners = drawn.uniform(0.0, 1.0 - sizes)
    for row, colour in zip(*np.nonzero(there), strict=True):
        _paint(pixels[row], colour, corners[row, colour], sizes[row, colour])
    boxes = np.concatenate([corners + sizes / 2, sizes], axis=2).astype(np.float32)
    return torch.from_numpy(pixels), torch.from_numpy(there), torch.from_numpy(boxes)


def _paint(pixels: NDArray[np.float32], colour: int, corner: NDArray[Any], size: NDArray[Any]) -> None:
    left, top = np.round(corner * SIDE).astype(int)
    right, bottom = np.round((corner + size) * SIDE).astype(int)
    pixels[:, top:bottom, left:right] = -0.75
    pixels[2 * colour, top:bottom, left:right] = 0.75


def _loss(model: Any, pixels: torch.Tensor, there: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    told = model(pixel_values=pixels)
    nothing = len(COLOURS)
    kinds = torch.where(there, torch.arange(2), nothing)
    named_right = torch.nn.functional.cross_entropy(told.logits.flatten(0, 1), kinds.flatten())
    off = (told.pred_boxes - boxes).abs().sum(-1)[there].mean()
    return named_right + 5.0 * off
