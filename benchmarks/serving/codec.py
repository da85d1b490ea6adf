"""CPU of decoding an Open Inference Protocol request, 256 rows x 30 as bytes, in this process; run on a quiet core.

It reaches into the data plane, unlike the rest; ``python -m benchmarks.serving.codec`` prints one line of JSON.
"""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from boucle.core.signature import Field, Signature
from boucle.serving.messages import Raw
from boucle.serving.protocols import v2
from boucle.serving.typed import Typed

ROWS, COLUMNS, CALLS, ROUNDS = 256, 30, 4000, 9


def decode_us(datatype: str, dtype: str) -> float:
    """Return CPU microseconds a request: the median of several rounds."""
    values = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(dtype)
    size = {"binary_data_size": values.nbytes}
    tensor = {"name": "input", "shape": [ROWS, COLUMNS], "datatype": datatype, "parameters": size}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    plain = json.dumps({"inputs": [tensor]}).encode()
    fields = tuple(Field(f"f{place}", "float64") for place in range(COLUMNS))
    read = v2.quick(Typed(Signature(inputs=fields, outputs=(Field("prediction", "float64"),)), 10_000))
    for text in (head, plain):
        raw = Raw(text + values.tobytes(), {b"inference-header-content-length": str(len(text)).encode()})
        if read(raw) is not None:
            break
    else:
        raise ValueError("the quick decoder leaves the request to the exact one")
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(CALLS):
            read(raw)
        found.append((time.process_time() - begun) / CALLS * 1e6)
    return statistics.median(found)


if __name__ == "__main__":
    print(json.dumps({kind: decode_us(kind, dtype) for kind, dtype in {"FP64": "<f8", "FP32": "<f4"}.items()}))
