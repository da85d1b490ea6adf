"""CPU of decoding an Open Inference Protocol request, 256 rows x 30 as bytes, in this process.

It reaches into the data plane, unlike the rest of this folder, and has to follow it. Prints one line of JSON:
microseconds a request, for each shape of request, by whichever decoder of the data plane takes it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from boucle.core.signature import Field, Signature
from boucle.serving.codec import TableReader
from boucle.serving.messages import Raw
from boucle.serving.protocols import v2
from boucle.serving.typed import Typed

ROWS, COLUMNS, LIMIT = 256, 30, 10_000
BUDGET, ROUNDS = 0.1, 9  # CPU seconds a round
SIGNATURE = Signature(
    inputs=tuple(Field(f"f{place}", "float64") for place in range(COLUMNS)), outputs=(Field("prediction", "float64"),)
)


def request(datatype: str, dtype: str, **more: Any) -> Raw:
    """Return one tensor as bytes behind its head."""
    values = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(dtype)
    size = {"binary_data_size": values.nbytes}
    tensor = {"name": "input", "shape": [ROWS, COLUMNS], "datatype": datatype, "parameters": size}
    head = json.dumps({"inputs": [tensor], **more}).encode()
    return Raw(head + values.tobytes(), {b"inference-header-content-length": str(len(head)).encode()})


def decoder(raw: Raw) -> Callable[[Raw], Any]:
    """Return the decoder that takes this request in the data plane: the quick one where it can."""
    quick, reader = v2.quick(Typed(SIGNATURE, LIMIT)), TableReader(SIGNATURE, LIMIT)
    return quick if quick(raw) is not None else lambda raw: v2.decode(raw, reader)


def decode_us(raw: Raw) -> float:
    """Return CPU microseconds a request: the median of several rounds."""
    read, found, calls = decoder(raw), [], 1
    while True:  # as many calls as fill a round
        begun = time.process_time()
        for _ in range(calls):
            read(raw)
        if (spent := time.process_time() - begun) >= BUDGET:
            found.append(spent / calls * 1e6)
            if len(found) == ROUNDS:
                return statistics.median(found)
        else:
            calls *= 2


if __name__ == "__main__":
    wanted = {"outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]}
    requests = {
        "FP64": request("FP64", "<f8"),
        "FP32": request("FP32", "<f4"),
        "FP32, binary answer wanted": request("FP32", "<f4", parameters={"binary_data_output": True}),
        "FP32, output named": request("FP32", "<f4", **wanted),
    }
    print(json.dumps({told: decode_us(raw) for told, raw in requests.items()}))
