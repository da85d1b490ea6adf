"""A model of Triton's Python backend: ONNX Runtime with one thread, requests of one call joined."""

# Its packages are in an environment of its own.
# mypy: disable-error-code="import-not-found, misc, no-any-return, untyped-decorator, unused-ignore"

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        parameters = json.loads(args["model_config"])["parameters"]
        self.session = onnxruntime.InferenceSession(
            parameters["onnx"]["string_value"], options, providers=["CPUExecutionProvider"]
        )
        self.name = self.session.get_inputs()[0].name
        self.wanted = [self.session.get_outputs()[0].name]

    def execute(self, requests: list[Any]) -> list[Any]:
        parts = [pb.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        found = self.session.run(self.wanted, {self.name: np.concatenate(parts)})[0].reshape(-1, 1)
        answers, start = [], 0
        for part in parts:
            answer = found[start : start + len(part)].astype(np.float32)
            start += len(part)
            answers.append(pb.InferenceResponse([pb.Tensor("y", answer)]))
        return answers
