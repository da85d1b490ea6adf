"""The one module that knows how the versions of transformers, peft and trl differ; all else asks it.

What a name was and what it is now is found by looking (``inspect``), never by comparing version numbers, where that
can be done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Writing
from boucle.adapters.pretrained.moved import today
from boucle.core.errors import BoucleError, BundleError, MissingExtra
from boucle.core.signature import Task

CLASSES: dict[Task, str] = {
    "text-classification": "AutoModelForSequenceClassification",
    "zero-shot-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "fill-mask": "AutoModelForMaskedLM",
    "summarization": "AutoModelForSeq2SeqLM",
    "translation": "AutoModelForSeq2SeqLM",
    "text-generation": "AutoModelForCausalLM",
    "feature-extraction": "AutoModel",
    "image-classification": "AutoModelForImageClassification",
    "object-detection": "AutoModelForObjectDetection",
}
_TORCHVISION = (
    "remove torchvision (pip uninstall torchvision): its published builds are for CUDA, and beside a CPU build of "
    "torch it breaks every import of transformers. Boucle needs none of it"
)

_TIMM = (
    "it is built on timm, which brings torchvision; take a revision of it without timm, or another model for the task, "
    "such as a YOLOS or an RT-DETR to find things"
)


def transformers() -> Any:
    """Return the package; raises MissingExtra, or BoucleError naming torchvision when that is what breaks it."""
    try:
        import transformers as package  # seconds; only what computes with torch needs it
    except ModuleNotFoundError as error:
        raise MissingExtra.of("transformers", "text") from error
    return package


def attribute(name: str) -> Any:
    """Return a class of transformers by name; raises BoucleError saying what stands in the way."""
    try:
        with quiet():
            return getattr(transformers(), name)
    except AttributeError as error:
        raise BoucleError(
            f"transformers has no {name}: this version does not know it.",
            hint=today(name) or "pip install 'boucle[text]'",
        ) from error
    except (ImportError, RuntimeError) as error:
        if isinstance(error, MissingExtra):
            raise
        told = f"{error} {error.__cause__ or ''}"
        hint = _TORCHVISION if "torchvision" in told or "Could not import module" in told else None
        raise BoucleError(f"transformers cannot be used: {told.splitlines()[0]}", hint=hint) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers, and what it imports, from writing to the terminal what is no concern of who uses a model."""
    loggers = [logging.getLogger(name) for name in ("transformers", "bitsandbytes")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def fast_tokenizer(folder: Path) -> Any:
    """Return the ``tokenizers.Tokenizer`` of a folder that has only an older tokenizer's files; raises BundleError."""
    found = attribute("AutoTokenizer")
    try:
        with quiet():
            made = found.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise BundleError(
            f"The tokenizer of {folder} cannot be read by transformers: {why}",
            hint="add its tokenizer.json from where the checkpoint came from; or: pip install sentencepiece",
        ) from error
    backend = getattr(made, "backend_tokenizer", None)
    if backend is None:
        raise BundleError(
            f"The tokenizer of {folder} ({type(made).__name__}) has no form that `tokenizers` reads.",
            hint="take a checkpoint with a tokenizer.json",
        )
    return backend


def load_model(checkpoint: Checkpoint, **settings: Any) -> Any:
    """Load the model of a checkpoint for its task: safetensors only, no foreign code, no network.

    Raises BundleError when it cannot be loaded, or when some of its weights are not in the file: such a head would
    answer at random.
    """
    if (checkpoint.folder / "head.safetensors").is_file():
        from boucle.adapters.pretrained import pooled  # brings torch, which this module is read without

        return pooled.opened(from_pretrained("AutoModel", checkpoint, **settings), checkpoint.folder)
    name = CLASSES[checkpoint.task]
    if checkpoint.task == "text-generation" and checkpoint.config.get("is_encoder_decoder"):
        name = "AutoModelForSeq2SeqLM"
    model, told = from_pretrained(name, checkpoint, output_loading_info=True, **settings)
    absent = sorted(told.get("missing_keys") or [])
    heads = [key for key in absent if "pooler" not in key or checkpoint.task != "feature-extraction"]
    if heads or told.get("mismatched_keys"):
        raise BundleError(
            f"The checkpoint {checkpoint.origin or checkpoint.folder} holds no weights for "
            f"{', '.join(heads[:3]) or 'some layers'}: it is not trained for {checkpoint.task}.",
            hint="it would answer at random; fine-tune it first (model.pretrained in boucle.yaml)",
            missing=heads,
        )
    return model


def from_pretrained(name: str, checkpoint: Checkpoint, **settings: Any) -> Any:
    """Call ``from_pretrained`` of the auto class ``name`` safely; raises BundleError."""
    found = attribute(name)
    torch = __import__("torch")
    precision = getattr(torch, str(checkpoint.options.get("precision", "float32")))
    given = {
        "dtype": precision,
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": True,
        **settings,
    }
    try:
        with quiet(), _no_bars():
            return found.from_pretrained(str(checkpoint.folder), **given)
    except BoucleError:
        raise
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "fetch the checkpoint again, or install the version of transformers its config.json names"
        if "trust_remote_code" in str(error) or "auto_map" in checkpoint.config:
            hint = "it brings code of its own, which is never run here; take a checkpoint of a known architecture"
        elif "timm" in str(error):
            hint = _TIMM
        raise BundleError(
            f"The checkpoint {checkpoint.folder} cannot be read by transformers: {why}", hint=hint
        ) from error


def writing(model: Any, wanted: Writing) -> dict[str, Any]:
    """Return the arguments of ``generate`` for a way of writing."""
    given: dict[str, Any] = {
        "max_new_tokens": wanted.max_new_tokens,
        "num_beams": wanted.num_beams,
        "do_sample": wanted.temperature is not None,
    }
    if wanted.min_new_tokens:
        given["min_new_tokens"] = wanted.min_new_tokens
    if wanted.temperature is not None:
        given |= {"temperature": float(wanted.temperature), "top_p": float(wanted.top_p or 1.0)}
    if wanted.repetition_penalty is not None:
        given["repetition_penalty"] = float(wanted.repetition_penalty)
    if wanted.first_token is not None:
        given["forced_bos_token_id"] = wanted.first_token
    if model.generation_config.pad_token_id is None:
        end = model.generation_config.eos_token_id
        given["pad_token_id"] = end[0] if isinstance(end, list) else end if end is not None else 0
    return given


@contextmanager
def _no_bars() -> Iterator[None]:
    bars = attribute("utils").logging
    was = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if was:
            bars.enable_progress_bar()
