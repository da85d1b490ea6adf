"""A LitServe server: one call a request, or with BATCH=1 up to 64 requests in one call."""

# Its packages are in an environment of its own.
# mypy: disable-error-code="import-not-found, misc, no-any-return, untyped-decorator, unused-ignore"

from __future__ import annotations

import os
from typing import Any

import joblib
import litserve
import numpy as np


class Single(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        return np.array(request["inputs"])

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(x)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"predictions": output.tolist()}


class Batched(Single):
    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        self.sizes = [len(one) for one in inputs]
        return np.concatenate(inputs)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return np.split(output, np.cumsum(self.sizes)[:-1])


if __name__ == "__main__":
    batched = os.environ.get("BATCH") == "1"
    api = Batched(max_batch_size=64, batch_timeout=0.002) if batched else Single()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )
