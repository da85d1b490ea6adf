"""Adapters trained over layers in 4 bits: what is kept is what was trained, in float32, and answers as well."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from boucle.adapters.finetuning import quantized
from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.examples import read
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.lora import adapted
from boucle.adapters.finetuning.recipe import Facts, needed, plan
from boucle.adapters.finetuning.start import load, opened
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained import bits, versions
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.errors import MissingExtra
from boucle.ports.trainer import Fitted, Job

from .conftest import BAD, GOOD, PLAIN, SPECIAL, reviews

PEFT = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft asks by the old name


def fit(job: Job) -> Fitted:
    return PretrainedTrainer().fit(job, lambda text, share: None)


@pytest.fixture(scope="session")
def wide(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a BERT whose matrices have rows of whole blocks of 64, but for one of each layer."""
    folder = tmp_path_factory.mktemp("wide")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(checkpoint / name, folder / name)
    words = [*SPECIAL, *GOOD, *BAD, *PLAIN]
    config = BertConfig(
        vocab_size=len(words), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=112,
        max_position_embeddings=64,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, way = BertModel(config), torch.randn(64)
    with torch.no_grad():  # what pretraining would have taught: words of one kind lie together
        vectors = model.embeddings.word_embeddings.weight
        vectors[[words.index(word) for word in GOOD]] += way
        vectors[[words.index(word) for word in BAD]] -= way
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture
def narrow(job: Job, wide: Path) -> Job:
    return replace(job, pretrained={**(job.pretrained or {}), "checkpoint": str(wide), "method": "qlora"})


def loaded(job: Job) -> tuple[Any, Any]:
    """Load a job's checkpoint in 4 bits; returns it and what loads it in float32."""
    examples = read(job)
    start = opened(Asked.of(job), job, examples)
    return quantized.opened(start, examples, 0)[0], lambda: load(start, examples, 1)[0]


def test_a_model_learned_over_four_bits_answers_new_rows_and_says_what_was_compared(narrow: Job) -> None:
    fitted = fit(narrow)
    new = reviews(60, seed=9)
    given = {"text": new["text"].to_numpy(dtype=object)}
    found = PretrainedRuntime().wrap(fitted.model, fitted.signature).predict(given)
    assert (found["prediction"] == new["label"].to_numpy()).mean() > 0.75
    assert fitted.scores["qlora"] > fitted.scores["baseline"]
    assert any("4 bits" in note and "as it was trained" in note for note in fitted.warnings)
    assert "quantization_config" not in fitted.model.config


def test_only_matrices_of_layers_with_rows_of_whole_blocks_are_in_four_bits(narrow: Job) -> None:
    model, _ = loaded(narrow)
    packed = {name for name, one in model.named_parameters() if hasattr(one, "quant_state")}
    kinds = ("query.weight", "key.weight", "value.weight", "attention.output.dense.weight", "intermediate.dense.weight")
    assert packed == {name for name, _ in model.named_parameters() if ".layer." in name and name.endswith(kinds)}
    assert {one.dtype for name, one in model.named_parameters() if name not in packed} == {torch.float32}


@PEFT
def test_the_wide_base_answers_as_the_four_bits_do_and_not_as_the_checkpoint(narrow: Job) -> None:
    model, base = loaded(narrow)
    ids = torch.arange(5, 25).reshape(2, 10)
    wide, off = quantized.widened(adapted(model, "text-classification", 4), base)
    with torch.inference_mode():
        own, kept, few = (one.eval().bert(input_ids=ids).last_hidden_state for one in (base(), wide, model))
    assert torch.allclose(kept, few, atol=1e-5)
    assert not torch.allclose(own, few, atol=1e-2)
    assert 0.05 < off < 0.15


@PEFT
def test_matrices_that_lie_the_other_way_round_come_back_as_they_lay(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=40, n_embd=64, n_layer=1, n_head=2, n_positions=16, bos_token_id=1, eos_token_id=2)
    GPT2LMHeadModel(config).save_pretrained(str(tmp_path))
    checkpoint, ids = Checkpoint(tmp_path, "text-generation"), torch.arange(3, 15).reshape(2, 6)
    few = versions.load_model(checkpoint, quantization_config=bits.quantization(4, checkpoint))
    assert bits.settle(few) == 4
    wide, _ = quantized.widened(adapted(few, "text-generation", 4), lambda: versions.load_model(checkpoint))
    with torch.inference_mode():
        assert torch.allclose(wide.eval()(input_ids=ids).logits, few.eval()(input_ids=ids).logits, atol=1e-5)


def test_a_layer_that_has_answered_still_hands_gradients_down(narrow: Job) -> None:
    model, _ = loaded(narrow)
    vectors = torch.randn(2, 6, 64)
    with torch.inference_mode():
        model.eval()(inputs_embeds=vectors)
    given = vectors.clone().requires_grad_()
    model.train()(inputs_embeds=given).logits.sum().backward()
    assert given.grad is not None
    assert float(given.grad.abs().sum()) > 0


@pytest.mark.parametrize("few", [8, 4])
def test_a_checkpoint_answers_in_few_bits_nearly_as_it_does(wide: Path, few: int) -> None:
    ids = np.arange(5, 25).reshape(2, 10)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    whole = Checkpoint(wide, "feature-extraction")
    own, found = (TorchEngine(one).run(feeds)["last_hidden_state"] for one in (whole, whole.with_options(bits=few)))
    apart = np.linalg.norm(found - own) / np.linalg.norm(own)
    assert 0 < apart < {8: 0.02, 4: 0.15}[few]


def test_half_a_byte_a_weight_is_planned_for() -> None:
    facts = Facts(lengths=np.full(100, 20), layers=2, width=64, parameters=8_000_000, cacheable=True)
    recipe = plan(Asked("x", method="qlora"), facts, Hardware("cuda", bf16=True, memory=1 << 34), 64)
    packed = replace(facts, weights=4_000_000)
    assert needed(recipe, facts, 1000) - needed(recipe, packed, 1000) == 28_000_000


def test_without_the_package_the_extra_is_named_before_the_checkpoint_is_opened(
    narrow: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtra) as caught:
        fit(narrow)
    assert "boucle[quantized]" in str(caught.value.hint)
