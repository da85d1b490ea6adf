"""What a careful user writes by hand: FastAPI, pydantic and ONNX Runtime with one thread."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["ONNX"], options, providers=["CPUExecutionProvider"])
name, width = session.get_inputs()[0].name, session.get_inputs()[0].shape[1]
wanted = [session.get_outputs()[0].name]


class Request(BaseModel):
    inputs: list[list[float]]


class Answer(BaseModel):
    predictions: list[float]


app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> Answer:
    if not request.inputs or any(len(row) != width for row in request.inputs):
        raise HTTPException(422, f"rows of {width} numbers are expected")
    found = session.run(wanted, {name: np.array(request.inputs, dtype=np.float32)})[0]
    return Answer(predictions=found.ravel().tolist())
