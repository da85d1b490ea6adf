"""Texts to be written and answers to be found are learned by the same trainer, and come back from what it has kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer

from boucle.adapters.finetuning.pairs import IGNORED, Pairs
from boucle.adapters.finetuning.pairs import read as read_pairs
from boucle.adapters.finetuning.questions import Windows
from boucle.adapters.finetuning.questions import read as read_questions
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.errors import BoucleError, TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Fitted, Job

from .conftest import BAD, GOOD, PLAIN, SPECIAL

WORDS = [*SPECIAL, *GOOD, *BAD, *PLAIN]
QUESTIONS = {"which was good": GOOD, "which was bad": BAD}


def fit(job: Job) -> Fitted:
    return PretrainedTrainer().fit(job, lambda text, share: None)


def judgements(rows: int, seed: int = 0) -> pd.DataFrame:
    """Make texts with a good or a bad word, whose summary is two words that say which."""
    random = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        words = random.permutation([*random.choice(PLAIN, 5), str(random.choice((BAD, GOOD)[row % 2]))])
        made.append((" ".join(words), ("bad film", "good film")[row % 2]))
    return pd.DataFrame(made, columns=["text", "short"])


def asked(rows: int, seed: int = 0) -> pd.DataFrame:
    """Make texts with a good and a bad word, one of which is asked for."""
    random = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        words = random.permutation([*random.choice(PLAIN, 6), str(random.choice(GOOD)), str(random.choice(BAD))])
        question, kind = list(QUESTIONS.items())[row % 2]
        made.append((question, " ".join(words), next(word for word in words if word in kind)))
    return pd.DataFrame(made, columns=["question", "context", "answer"])


def written(kind: str, checkpoint: Path, folder: Path) -> Path:
    """Write a small model that has learned nothing, with the tokenizer of the others."""
    config: Any
    if kind == "t5":
        config = transformers.T5Config(
            vocab_size=39, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0,
            pad_token_id=0, eos_token_id=3,
            task_specific_params={"summarization": {"prefix": "it was ", "num_beams": 2, "min_length": 9}},
        )  # fmt: skip
        maker: Any = transformers.T5ForConditionalGeneration
    elif kind == "gpt":
        config = transformers.GPT2Config(
            vocab_size=39, n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=2, eos_token_id=3
        )
        maker = transformers.GPT2LMHeadModel
    else:
        config = transformers.BertConfig(
            vocab_size=39, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=64,
        )  # fmt: skip
        maker = transformers.BertForQuestionAnswering
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = maker(config)
        with torch.no_grad():  # what pretraining would have taught: words of one kind lie together
            vectors, way = model.get_input_embeddings().weight, torch.randn(32)
            for kind_of, sign in ((GOOD, 1), (BAD, -1)):
                vectors[[WORDS.index(word) for word in kind_of]] += sign * way * vectors.std()
    model.save_pretrained(str(folder))
    (folder / "tokenizer_config.json").write_bytes((checkpoint / "tokenizer_config.json").read_bytes())
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    if kind == "bert":
        said = json.loads((folder / "tokenizer.json").read_text())
        said["post_processor"]["pair"] = [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
        ]  # fmt: skip
        (folder / "tokenizer.json").write_text(json.dumps(said))
    return folder


@pytest.fixture
def summing(job: Job, checkpoint: Path, tmp_path: Path) -> Job:
    model = {"checkpoint": str(written("t5", checkpoint, tmp_path / "t5")), "epochs": 12, "learning_rate": 3e-3}
    return replace(
        job, task="summarization", target="short", frame=judgements(90), metric="rouge_l",
        pretrained={**model, "batch_tokens": 120},
    )  # fmt: skip


@pytest.fixture
def answering(job: Job, checkpoint: Path, tmp_path: Path) -> Job:
    model = {"checkpoint": str(written("bert", checkpoint, tmp_path / "bert")), "epochs": 8, "learning_rate": 5e-3}
    return replace(
        job, task="question-answering", target="answer", frame=asked(160), metric="word_f1",
        fields=(Field("question", "text"), Field("context", "text")),
        pretrained={**model, "batch_tokens": 200, "patience": 0, "method": "full"},
    )  # fmt: skip


def again(fitted: Fitted, columns: dict[str, list[str]]) -> list[Any]:
    """Open what was kept anew, and ask it."""
    kept = resolve(fitted.model.folder, fitted.model.task, options=fitted.model.options)
    given = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return list(PretrainedRuntime().wrap(kept, fitted.signature).predict(given)["prediction"])


@pytest.mark.parametrize("method", ["full", "lora"])
def test_summaries_are_learned_and_the_kept_model_writes_them(summing: Job, method: str) -> None:
    fitted = fit(replace(summing, pretrained={**(summing.pretrained or {}), "method": method}))
    assert fitted.scores[method] > 0.7 > fitted.scores["baseline"]
    new = judgements(20, seed=5)
    right = np.array(again(fitted, {"text": new["text"].tolist()})) == new["short"].to_numpy()
    assert right.mean() > 0.7


def translated(rows: int, seed: int) -> pd.DataFrame:
    """Make texts whose last two words are told in others, the other way round."""
    random, words = np.random.default_rng(seed), {"film": "plot", "actor": "scene", "good": "great", "bad": "awful"}
    made = []
    for row in range(rows):
        kind, thing = ("good", "bad")[row % 2], ("film", "actor")[row // 2 % 2]
        made.append((" ".join([*random.choice(PLAIN[5:], 4), kind, thing]), f"{words[thing]} {words[kind]}"))
    return pd.DataFrame(made, columns=["en", "fr"])


def test_translations_are_learned_and_the_kept_model_writes_them(job: Job, checkpoint: Path, tmp_path: Path) -> None:
    folder = written("t5", checkpoint, tmp_path / "t5")
    config = json.loads((folder / "config.json").read_text())
    config["task_specific_params"] = {"translation_en_to_fr": {"prefix": "of the "}}
    (folder / "config.json").write_text(json.dumps(config))
    asked = {"checkpoint": str(folder), "epochs": 14, "learning_rate": 5e-3, "batch_tokens": 120, "patience": 0}
    fields = (Field("en", "text"),)
    fitted = fit(
        replace(
            job, task="translation", fields=fields, target="fr", frame=translated(120, 0), metric="chrf",
            pretrained=asked,
        )
    )  # fmt: skip
    assert fitted.scores["full"] > fitted.scores["baseline"]
    assert fitted.model.options["prefix"] == "of the "
    new = translated(20, 5)
    right = np.array(again(fitted, {"en": new["en"].tolist()})) == new["fr"].to_numpy()
    assert right.mean() > 0.7


def test_a_text_is_put_before_as_the_checkpoint_was_taught_and_its_beams_are_not_kept(summing: Job) -> None:
    fitted = fit(replace(summing, pretrained={**(summing.pretrained or {}), "epochs": 1}))
    assert fitted.model.options["prefix"] == "it was "
    assert not fitted.model.config.get("task_specific_params")


def test_a_model_learns_to_go_on_and_where_to_end(job: Job, checkpoint: Path, tmp_path: Path) -> None:
    model = {"checkpoint": str(written("gpt", checkpoint, tmp_path / "gpt")), "epochs": 16, "learning_rate": 3e-3}
    fitted = fit(
        replace(
            job,
            task="text-generation",
            target="short",
            frame=judgements(160),
            metric="chrf",
            pretrained={**model, "batch_tokens": 120, "patience": 0},
        )
    )
    new = judgements(20, seed=5)
    right = np.array(again(fitted, {"text": new["text"].tolist()})) == new["short"].to_numpy()
    assert right.mean() > 0.7
    assert fitted.signature.kind == "text"


def test_only_what_follows_the_prompt_is_asked_for(job: Job, checkpoint: Path, tmp_path: Path) -> None:
    folder = written("gpt", checkpoint, tmp_path / "gpt")
    examples = read_pairs(replace(job, task="text-generation", target="short", frame=judgements(8)))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    pairs = Pairs(resolve(folder, "text-generation"), examples, model)
    feeds, labels = pairs.tensors([0, 1]), pairs.labels([0, 1])
    for ids, wanted, row in zip(feeds["input_ids"].tolist(), labels.tolist(), (0, 1), strict=True):
        places = [place for place, label in enumerate(wanted) if label != IGNORED]
        assert [ids[place + 1] for place in places] == [wanted[place] for place in places] == pairs.targets[row]
        assert places[0] == len(pairs.encodings[row]) - 1


@pytest.mark.parametrize("method", ["full", "lora"])
def test_answers_are_found_in_new_texts(answering: Job, method: str) -> None:
    fitted = fit(replace(answering, pretrained={**(answering.pretrained or {}), "method": method}))
    assert fitted.scores[method] > 0.8 > fitted.scores["baseline"]
    new = asked(20, seed=5)
    found = again(fitted, {"question": new["question"].tolist(), "context": new["context"].tolist()})
    assert np.mean(np.array(found) == new["answer"].to_numpy()) > 0.8
    assert [field.name for field in fitted.signature.outputs] == ["prediction", "score", "start", "end"]


def test_the_window_that_is_learned_holds_the_answer(answering: Job) -> None:
    long = answering.frame.assign(context=["the film " * 70 + text for text in answering.frame["context"]])
    examples = read_questions(replace(answering, frame=long))
    checkpoint = resolve((answering.pretrained or {})["checkpoint"], "question-answering")
    windows = Windows(checkpoint, examples, frozenset({"attention_mask"}))
    assert windows.cut == len(long)
    for row, (begin, end) in enumerate(windows.places(range(len(long))).tolist()):
        start, stop = windows.encodings[row].offsets[begin][0], windows.encodings[row].offsets[end][1]
        assert examples.inputs[row][start:stop] == examples.answers[row]


def test_an_answer_that_does_not_stand_in_its_text_is_refused_by_its_row(answering: Job) -> None:
    broken = answering.frame.copy()
    broken.loc[7, "answer"] = "penguin"
    with pytest.raises(TrainingError, match="1 of 160 answers do not stand in 'context', the first is row 7"):
        read_questions(replace(answering, frame=broken))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"threshold": 0.5}, "has none"),
        ({"class_weight": "balanced"}, "has none"),
        ({"pretrained": {"checkpoint": "x", "method": "probe"}}, "no method 'probe'"),
        ({"task": "fill-mask"}, "cannot be fine-tuned"),
    ],
)
def test_what_a_task_cannot_do_is_refused_before_anything_is_read(
    summing: Job, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(BoucleError, match=told):
        fit(replace(summing, **changed))


def test_a_checkpoint_that_writes_otherwise_is_refused(summing: Job, checkpoint: Path) -> None:
    with pytest.raises(BoucleError, match="text-generation cannot start from it"):
        fit(replace(summing, task="text-generation", metric="chrf"))
    with pytest.raises(BoucleError, match="summarization cannot start from it"):
        fit(replace(summing, pretrained={"checkpoint": str(checkpoint)}))
