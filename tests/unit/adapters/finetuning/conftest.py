"""A small BERT that is made here: four layers, a vocabulary of the words the tests use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from boucle.core.signature import Field
from boucle.ports.trainer import Job

GOOD = ["good", "great", "lovely", "fine", "warm", "bright", "clever", "superb", "honest", "moving"]
BAD = ["bad", "awful", "dull", "poor", "cold", "dim", "silly", "weak", "false", "boring"]
PLAIN = ["the", "a", "film", "plot", "actor", "scene", "story", "it", "was", "with", "and", "of", "in", "very"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    words = [*SPECIAL, *GOOD, *BAD, *PLAIN]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]", "model_max_length": 64}))
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertModel(config)
    with torch.no_grad():  # what pretraining would have taught: words of one kind lie together
        vectors, way = model.embeddings.word_embeddings.weight, torch.randn(32)
        vectors[[words.index(word) for word in GOOD]] += way
        vectors[[words.index(word) for word in BAD]] -= way
    model.save_pretrained(str(folder))
    return folder


def reviews(rows: int, seed: int = 0, classes: tuple[object, object] = ("neg", "pos")) -> pd.DataFrame:
    """Make texts of three to thirty words, two of them telling the label."""
    random = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        code = row % 2
        words = [*random.choice(PLAIN, int(random.integers(3, 28))), *random.choice((BAD, GOOD)[code], 2)]
        random.shuffle(words)
        made.append((" ".join(words), classes[code]))
    return pd.DataFrame(made, columns=["text", "label"])


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path) -> Job:
    return Job(
        task="text-classification",
        fields=(Field("text", "text"),),
        target="label",
        frame=reviews(120),
        metric="accuracy",
        seed=3,
        folds=3,
        directory=str(tmp_path),
        pretrained={"checkpoint": str(checkpoint), "epochs": 4, "learning_rate": 3e-3, "batch_tokens": 420},
        workspace=str(tmp_path / "work"),
    )
