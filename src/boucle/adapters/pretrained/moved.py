"""What tutorials write that transformers, peft and trl no longer take, and what to write today."""

from __future__ import annotations

OPTIONS = {
    "return_all_scores": "ask for all with predict(rows, scores=True)",
    "grouped_entities": "leave it out: the pieces of a name are always put together",
    "aggregation_strategy": "leave it out: the pieces of a name are always put together",
    "framework": "leave it out: TensorFlow and Flax were removed from transformers",
    "truncation": "leave it out: texts are always cut at what the model reads; max_length makes that less",
    "padding": "leave it out: rows are computed by length, next to nothing is padded",
    "max_seq_length": "it is called max_length",
    "dtype": "it is called precision",
    "torch_dtype": "it is called precision",
    "load_in_8bit": "it is called bits: 8; for speed make a version: boucle optimize REF --target int8",
    "load_in_4bit": "it is called bits: 4; for speed make a version: boucle optimize REF --target int8",
    "torchscript": "make a version as ONNX: boucle optimize REF --target onnx",
    "trust_remote_code": "code of a checkpoint's own is never run",
    "use_auth_token": "set HF_TOKEN in the environment",
}
"""Arguments of pipelines and of ``from_pretrained``, and what is asked here instead."""
CLASSES = {
    "AdamW": "torch.optim.AdamW",
    "ViTFeatureExtractor": "ViTImageProcessor",
    "AutoModelForVision2Seq": "AutoModelForImageTextToText",
    "AutoModelWithLMHead": "AutoModelForCausalLM or AutoModelForMaskedLM",
    "TextDataset": "the package datasets",
    "LineByLineTextDataset": "the package datasets",
    "Conversation": "a list of messages",
    "PPOTrainer": "RLOOTrainer or GRPOTrainer of trl",
}
"""Classes that are gone."""
_FRAMEWORKS = ("TF", "Flax")
GGUF = (
    "take the checkpoint it was made from, with model.safetensors; or convert it once, with the packages gguf and "
    "accelerate: load it with AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file=FILE), then put its state_dict() "
    "into AutoModelForCausalLM.from_config(model.config), and save_pretrained that: the loaded one refuses to be saved"
)


def today(name: str) -> str | None:
    """Return what to write instead of a class that is gone; None for a name that never was."""
    if name in CLASSES:
        return f"today it is {CLASSES[name]}"
    if name.startswith(_FRAMEWORKS) and name.removeprefix("TF").removeprefix("Flax")[:1].isupper():
        return f"TensorFlow and Flax were removed: today it is {name.removeprefix('TF').removeprefix('Flax')}"
    return None
