"""What people write with the Trainer of transformers: the tutorials' script, and one that pads as it should."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.finetuning.texts import Part, checkpoint

EPOCHS, BATCH, RATE, LONGEST = 3, 8, 2e-5, 512


class _Rows(torch.utils.data.Dataset[dict[str, Any]]):
    def __init__(self, tokenizer: Any, texts: list[str], codes: list[int], padding: Any) -> None:
        self.made = tokenizer(texts, truncation=True, max_length=LONGEST, padding=padding)
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**{name: values[row] for name, values in self.made.items()}, "labels": self.codes[row]}


class _Steps(TrainerCallback):
    """Notes the CPU time at the end of each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_begin(self, *args: Any, **named: Any) -> None:
        if not self.times:
            self.times.append(time.process_time())

    def on_step_end(self, *args: Any, **named: Any) -> None:
        self.times.append(time.process_time())


def run(part: Part, seed: int, folder: str, *, padded: bool, steps: int = -1) -> tuple[float, float | None]:
    """Train; returns CPU seconds and accuracy. With ``steps`` only so many are run, and the rest is reckoned.

    ``padded`` is the tutorials' padding="max_length" at 512 tokens; else each batch is padded to its longest.
    """
    classes = sorted(part.train["label"].unique())
    code = {label: place for place, label in enumerate(classes)}
    begun = time.process_time()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint())
    rows = _Rows(
        tokenizer, part.train["text"].tolist(), [code[label] for label in part.train["label"]],
        "max_length" if padded else False,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint(), num_labels=len(classes))
    watch = _Steps()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=RATE,
            max_steps=steps, use_cpu=True, seed=seed, report_to="none", disable_tqdm=True, save_strategy="no",
            logging_strategy="no",
        ),
        train_dataset=rows,
        data_collator=None if padded else DataCollatorWithPadding(tokenizer),
        callbacks=[watch],
    )  # fmt: skip
    trainer.train()
    if steps > 0:
        whole = -(-len(rows) // BATCH) * EPOCHS
        return float(np.median(np.diff(watch.times))) * whole, None
    spent = time.process_time() - begun
    return spent, _accuracy(trainer.model, tokenizer, part, code)


def _accuracy(model: Any, tokenizer: Any, part: Part, code: dict[str, int]) -> float:
    """Answer the test rows in bfloat16, which gives the same labels and is quicker."""
    model.eval()
    texts, right = part.test["text"].tolist(), 0
    order = np.argsort([len(text) for text in texts])
    for start in range(0, len(order), 16):
        few = order[start : start + 16]
        made = tokenizer(
            [texts[row] for row in few], truncation=True, max_length=LONGEST, padding=True, return_tensors="pt"
        )
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            found = model(**made).logits.argmax(1).tolist()
        right += sum(place == code[label] for place, label in zip(found, part.test["label"].iloc[few], strict=True))
    return right / len(texts)
