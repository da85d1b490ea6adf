"""The options of a checkpoint, whatever its task: names and kinds that do not change with its libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from boucle.adapters.pretrained import moved
from boucle.core.errors import BundleError, suggest


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low < value <= high


def _one_of(*values: str | int) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, bool) and value in values


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


_KNOWN: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "max_length": ("a whole number of tokens, 8 or more", _whole(8)),
    "batch_tokens": ("a whole number of tokens, 16 or more", _whole(16)),
    "precision": ("float32, bfloat16 or float16", _one_of("float32", "bfloat16", "float16")),
    "bits": ("8 or 4, which takes bitsandbytes", _one_of(8, 4)),
    "engine": ("onnxruntime or openvino, for a model.onnx", _one_of("onnxruntime", "openvino")),
    "device": ("the name of a device, such as cpu or cuda", _text),
    "pooling": ("mean, cls, max or last", _one_of("mean", "cls", "max", "last")),
    "normalize": ("true or false", _flag),
    "threshold": ("the probability from which the last of two classes, or a thing, is told, 0 to 1", _number(0, 1)),
    "top_k": ("a whole number, 1 or more", _whole(1)),
    "stride": ("a whole number of tokens", _whole(0)),
    "max_answer_length": ("a whole number of tokens, 1 or more", _whole(1)),
    "hypothesis": ("a sentence with {} in the place of the label", lambda v: isinstance(v, str) and "{}" in v),
    "multi_label": ("true or false", _flag),
    "max_new_tokens": ("a whole number of tokens, 1 or more", _whole(1)),
    "min_new_tokens": ("a whole number of tokens", _whole(0)),
    "num_beams": ("a whole number, 1 or more", _whole(1)),
    "temperature": ("a number above 0; leave it out for the likeliest text", _number(0, 100)),
    "top_p": ("a number above 0, at most 1", _number(0, 1)),
    "repetition_penalty": ("a number above 0", _number(0, 100)),
    "seed": ("a whole number", _whole(0)),
    "prefix": ("a text that is put before each input", _text),
    "system": ("a text that stands before what the system says in each conversation", _text),
    "source_language": ("the code of a language", _text),
    "target_language": ("the code of a language", _text),
    "max_pixels": ("a whole number of pixels", _whole(1)),
}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set; raises BundleError naming one that is not known or of the wrong kind."""
    kept = {name: value for name, value in options.items() if value is not None}
    for name, value in kept.items():
        if name not in _KNOWN:
            raise BundleError(
                f"There is no option '{name}' for a pretrained model.",
                hint=moved.OPTIONS.get(name) or f"{suggest(name, _KNOWN)}the options are: {', '.join(sorted(_KNOWN))}",
                option=name,
            )
        wanted, right = _KNOWN[name]
        if not right(value):
            raise BundleError(f"The option '{name}' is {value!r}.", hint=f"it has to be {wanted}", option=name)
    return kept
