"""Compute a checkpoint with torch and transformers' model classes; no pipeline."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from boucle.adapters.pretrained import bits, pooled, versions
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Tensors, Writing
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import KINDS

_NAMES = ("input_ids", "attention_mask", "token_type_ids", "pixel_values")
_OUTPUTS = ("logits", "pred_boxes", "start_logits", "end_logits", "last_hidden_state")


class TorchEngine:
    """A model of transformers in evaluation mode. Precision, device and bits are the checkpoint's options."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._device = _device(checkpoint)
        self.model = _loaded(checkpoint, self._device)
        known = inspect.signature(self.model.forward).parameters
        self.takes = frozenset(name for name in _NAMES if name in known)
        self.budget, self.slack = int(checkpoint.options.get("batch_tokens", 2048)), 96
        self._floats = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), torch.float32)
        self._turn = threading.Lock()
        self._seen = threading.local()
        self.vectors = KINDS[checkpoint.task] in ("class", "spans") and self._watch()

    def run(self, feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        """Compute one batch; raises RequestError when it does not fit into memory."""
        with torch.inference_mode():
            tensors = self._tensors(feeds)
            found = self._guarded(lambda: self.model(**tensors, return_dict=True))
            named = self._vector(tensors.get("attention_mask"))
        named |= {name: getattr(found, name, None) for name in _OUTPUTS}
        return {name: value.float().cpu().numpy() for name, value in named.items() if torch.is_tensor(value)}

    def write(self, feeds: Tensors, writing: Writing) -> list[list[int]]:
        """Write one text a row, without its prompt; returns tokens without what follows the end."""
        settings = versions.writing(self.model, writing)
        with torch.inference_mode(), self._turn:  # the random numbers are the process's own
            state = torch.random.get_rng_state()
            try:
                torch.manual_seed(writing.seed)
                found = self._guarded(lambda: self.model.generate(**self._tensors(feeds), **settings))
            finally:
                torch.random.set_rng_state(state)
        start = 1 if self.model.config.is_encoder_decoder else feeds["input_ids"].shape[1]
        return [row[start:].tolist() for row in found.cpu()]

    def _watch(self) -> bool:
        """Have the encoder's last vectors kept as they pass; say whether there is one."""
        encoder = getattr(self.model, str(getattr(self.model, "base_model_prefix", "encoder")), None)
        if encoder is None or encoder is self.model:
            return False

        def keep(_: Any, __: Any, output: Any) -> None:
            self._seen.last = getattr(output, "last_hidden_state", None)

        encoder.register_forward_hook(keep)
        return True

    def _vector(self, mask: torch.Tensor | None) -> dict[str, Any]:
        last = getattr(self._seen, "last", None)
        self._seen.last = None
        return {} if last is None else {"vector": pooled.averaged(last, mask)}

    def _tensors(self, feeds: Tensors) -> dict[str, torch.Tensor]:
        made = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in feeds.items()}
        if "pixel_values" in made:
            made["pixel_values"] = made["pixel_values"].to(self._floats)
        return {name: value.to(self._device) for name, value in made.items()}

    def _guarded(self, compute: Any) -> Any:
        try:
            return compute()
        except torch.OutOfMemoryError as error:
            raise RequestError(
                "The batch does not fit into memory.", hint="lower `batch_tokens` or `max_length`"
            ) from error
        except (RuntimeError, ValueError, IndexError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise RequestError(f"The model cannot compute these rows: {why}") from error


def _loaded(checkpoint: Checkpoint, device: torch.device) -> Any:
    few = checkpoint.options.get("bits")
    if few is None:
        return versions.load_model(checkpoint).to(device).eval()
    quantization = bits.quantization(few, checkpoint)
    model = versions.load_model(checkpoint, quantization_config=quantization, device_map={"": device})
    if not bits.settle(model):
        raise BundleError(
            f"No layer of {checkpoint.folder} can be kept in {few} bits: they have no matrices.",
            hint="leave `bits` out",
        )
    return model.eval()


def _device(checkpoint: Checkpoint) -> torch.device:
    name = str(checkpoint.options.get("device", "cpu"))
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = (str(error).splitlines() or [""])[0]
        raise BundleError(f"There is no device '{name}' here: {why}", hint="leave `device` out for the CPU") from error
    if device.type == "cpu" and checkpoint.options.get("precision") == "float16":
        raise BundleError("float16 is for GPUs: a CPU computes it slowly or not at all.", hint="use precision bfloat16")
    return device
